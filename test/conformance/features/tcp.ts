// TCP connections: opened, used, closed and reset in the usual order, and segments that come out of order.

import { ACK, FIN, PSH, RST, SYN } from "../../packets/frame.js";
import type { Feature } from "../feature.js";
import type { FlowSketch, Scene } from "../scene.js";
import type { Datagram, Step } from "../script.js";
import { withService } from "./administration.js";

/** A connection's life, as far as it comes: who sends what. */
const USUAL: readonly (readonly ["request" | "answer", number])[] = [
  ["request", SYN], ["answer", SYN | ACK], ["request", ACK], ["request", PSH | ACK], ["answer", PSH | ACK], ["request", FIN | ACK],
  ["answer", ACK], ["answer", FIN | ACK], ["request", ACK],
];
const ODD = [0, SYN, ACK, FIN, RST, SYN | ACK, RST | ACK, FIN | ACK, PSH | ACK, SYN | FIN, SYN | RST, FIN | RST] as const;
/** In a hundred segments. */
const OUT_OF_ORDER = 15;
const PAYLOADS = [0, 0, 1, 10, 100, 1000] as const;
/** No service has it. */
const PORT_UNKNOWN = 81;

export const tcp: Feature = {
  name: "tcp",
  moves: [
    { weight: 120, make: open },
    { weight: 300, make: goOn },
    { weight: 10, make: knock },
  ],
};

/** One to four connections at once, so that schedulers have something to do. */
function open(scene: Scene): readonly Step[] {
  return withService(scene, ({ protocol, virtual }) => {
    if (protocol !== "tcp") return [];
    return Array.from({ length: 1 + scene.random.below(4) }, () => next(scene, scene.begin("tcp", scene.somePortOf(virtual), scene.anyClient(virtual))));
  });
}

function goOn(scene: Scene): readonly Step[] {
  const flows = scene.flows.filter(({ flow }) => flow.protocol === "tcp");
  if (flows.length === 0) return [];
  const sketch = scene.random.pick(flows);
  return Array.from({ length: 1 + scene.random.below(3) }, () => next(scene, sketch));
}

/** At a port without a service. */
function knock(scene: Scene): readonly Step[] {
  return withService(scene, ({ virtual }) => [next(scene, scene.begin("tcp", { ...virtual, port: PORT_UNKNOWN }, scene.anyClient(virtual)))]);
}

function next(scene: Scene, sketch: FlowSketch): Step {
  const { random } = scene;
  if (random.percent(OUT_OF_ORDER)) return { kind: random.pick(["request", "answer"]), flow: sketch.flow, datagram: segment(scene, random.pick(ODD)) };
  const [kind, flags] = USUAL[sketch.packets++ % USUAL.length]!;
  return { kind, flow: sketch.flow, datagram: segment(scene, flags) };
}

function segment(scene: Scene, flags: number): Datagram {
  return { identification: scene.identification(), flags, payloadBytes: (flags & PSH) !== 0 ? scene.random.pick(PAYLOADS) : 0 };
}
