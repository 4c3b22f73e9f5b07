// UDP: datagrams of flows, and answers to them, with and without checksums.

import { addressFamily } from "#model/address.js";
import type { Feature } from "../feature.js";
import type { FlowSketch, Scene } from "../scene.js";
import type { Step } from "../script.js";
import { withService } from "./administration.js";

/** In a hundred datagrams. */
const ANSWERS = 40;
const WITHOUT_CHECKSUM = 15;
const PAYLOADS = [0, 1, 33, 512, 1400] as const;
/** No service has it. */
const PORT_UNKNOWN = 81;

export const udp: Feature = {
  name: "udp",
  moves: [
    { weight: 100, make: open },
    { weight: 150, make: goOn },
    { weight: 10, make: knock },
  ],
};

function open(scene: Scene): readonly Step[] {
  return withService(scene, ({ protocol, virtual }) => {
    if (protocol !== "udp") return [];
    return Array.from({ length: 1 + scene.random.below(4) }, () => datagram(scene, scene.begin("udp", scene.somePortOf(virtual), scene.anyClient(virtual)), "request"));
  });
}

function goOn(scene: Scene): readonly Step[] {
  const flows = scene.flows.filter(({ flow }) => flow.protocol === "udp");
  if (flows.length === 0) return [];
  return [datagram(scene, scene.random.pick(flows), scene.random.percent(ANSWERS) ? "answer" : "request")];
}

/** At a port without a service. */
function knock(scene: Scene): readonly Step[] {
  return withService(scene, ({ virtual }) => [datagram(scene, scene.begin("udp", { ...virtual, port: PORT_UNKNOWN }, scene.anyClient(virtual)), "request")]);
}

function datagram(scene: Scene, { flow }: FlowSketch, kind: "request" | "answer"): Step {
  const { random } = scene;
  const payloadBytes = random.pick(PAYLOADS);
  // RFC 8200 section 8.1: there are none by IPv6. docs/lvs-compatibility.md: IPVS computes what the sender left out.
  const withoutChecksum = addressFamily(flow.client.address) === 4 && random.percent(WITHOUT_CHECKSUM);
  return { kind, flow, datagram: { identification: scene.identification(), payloadBytes, ...(withoutChecksum && { withoutChecksum }) } };
}
