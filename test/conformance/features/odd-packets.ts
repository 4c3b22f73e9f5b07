// Packets that are too old, too big for a tunnel or for the wire, or carry a type of service.

import { SYN } from "../../packets/frame.js";
import type { Feature } from "../feature.js";
import type { Scene } from "../scene.js";
import type { Datagram, Step } from "../script.js";
import { withService } from "./administration.js";
import { INIT } from "./sctp.js";

/** Of the IP packet with a UDP header: fits an IPIP tunnel, just not, fits the wire, just not. */
const PAYLOADS = { 4: [1452, 1453, 1472, 1473], 6: [1412, 1413, 1452, 1453] } as const;

export const oddPackets: Feature = {
  name: "odd-packets",
  moves: [{ weight: 80, make: odd }],
};

function odd(scene: Scene): readonly Step[] {
  const { random, flows } = scene;
  const { family } = scene.anyAddresses();
  const fields: Partial<Datagram> = random.pick([{ ttl: 1 }, { ttl: 2 }, { typeOfService: 0xb8 }, { typeOfService: 0x03 }, { payloadBytes: random.pick(PAYLOADS[family]) }]);
  const datagram = (protocol: string): Datagram => ({
    identification: scene.identification(), payloadBytes: 0, ...(protocol === "tcp" && { flags: SYN }), ...(protocol === "sctp" && { chunks: [INIT] }), ...fields,
  });
  if (flows.length > 0 && random.percent(70)) {
    const { flow } = random.pick(flows);
    return [{ kind: random.percent(70) ? "request" : "answer", flow, datagram: datagram(flow.protocol) }];
  }
  return withService(scene, ({ protocol, virtual }) => {
    const { flow } = scene.begin(protocol, scene.somePortOf(virtual), scene.anyClient(virtual));
    return [{ kind: "request", flow, datagram: datagram(protocol) }];
  });
}
