// UDP: datagrams of flows, and answers to them, with and without checksums.

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
    return Array.from({ length: 1 + scene.random.below(4) }, () => datagram(scene, scene.begin("udp", scene.somePortOf(virtual), scene.anyClient()), "request"));
  });
}

function goOn(scene: Scene): readonly Step[] {
  const flows = scene.flows.filter(({ flow }) => flow.protocol === "udp");
  if (flows.length === 0) return [];
  return [datagram(scene, scene.random.pick(flows), scene.random.percent(ANSWERS) ? "answer" : "request")];
}

/** At a port without a service. */
function knock(scene: Scene): readonly Step[] {
  return withService(scene, ({ virtual }) => [datagram(scene, scene.begin("udp", { ...virtual, port: PORT_UNKNOWN }, scene.anyClient()), "request")]);
}

function datagram(scene: Scene, { flow }: FlowSketch, kind: "request" | "answer"): Step {
  const { random } = scene;
  return {
    kind, flow,
    datagram: { identification: scene.identification(), payloadBytes: random.pick(PAYLOADS), ...(random.percent(WITHOUT_CHECKSUM) && { withoutChecksum: true }) },
  };
}
