// Key exchanges at UDP's port 500, and AH and ESP between their ends: with or without a key exchange that went before.

import type { Feature } from "../feature.js";
import type { Scene } from "../scene.js";
import type { Step } from "../script.js";
import { withService } from "./administration.js";

/** Linux net/netfilter/ipvs/ip_vs_proto_ah_esp.c, PORT_ISAKMP: of both ends. */
const PORT_ISAKMP = 500;
const PAYLOADS = [8, 64, 1000] as const;

export const ipsec: Feature = {
  name: "ipsec",
  ports: [PORT_ISAKMP],
  moves: [{ weight: 60, make: exchange }, { weight: 150, make: seal }],
};

function exchange(scene: Scene): readonly Step[] {
  return withService(scene, ({ protocol, virtual }) => {
    if (protocol !== "udp" || (virtual.port !== PORT_ISAKMP && virtual.port !== 0)) return [];
    const { flow } = scene.begin("udp", { ...virtual, port: PORT_ISAKMP }, { ...scene.anyClient(virtual), port: PORT_ISAKMP });
    return [{ kind: "request", flow, datagram: { identification: scene.identification(), payloadBytes: scene.random.pick(PAYLOADS) } }];
  });
}

/** Of any UDP flow's ends. */
function seal(scene: Scene): readonly Step[] {
  const { random } = scene;
  const flows = scene.flows.filter(({ flow }) => flow.protocol === "udp");
  if (flows.length === 0) return [];
  const { flow } = random.pick(flows);
  const kind = random.pick(["request", "answer"] as const);
  return [{ kind, flow, datagram: { identification: scene.identification(), payloadBytes: random.pick(PAYLOADS), sealed: random.pick(["ah", "esp"]) } }];
}
