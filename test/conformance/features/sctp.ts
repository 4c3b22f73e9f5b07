// SCTP associations: set up, used and shut down in the usual order, and chunks that come out of order, alone and bundled. RFC 9260 section 3.2.

import type { Feature } from "../feature.js";
import type { FlowSketch, Scene } from "../scene.js";
import type { Datagram, Step } from "../script.js";
import { withService } from "./administration.js";

const DATA = 0;
export const INIT = 1;
const INIT_ACK = 2;
const SACK = 3;
const ABORT = 6;
const SHUTDOWN = 7;
const SHUTDOWN_ACK = 8;
const COOKIE_ECHO = 10;
const COOKIE_ACK = 11;
const SHUTDOWN_COMPLETE = 14;
/** From DATA to AUTH, and one far behind. */
const CHUNKS = [...Array.from({ length: 16 }, (_, type) => type), 193] as const;

/** An association's life, as far as it comes: who sends what. */
const USUAL: readonly (readonly ["request" | "answer", readonly number[]])[] = [
  ["request", [INIT]], ["answer", [INIT_ACK]], ["request", [COOKIE_ECHO]], ["answer", [COOKIE_ACK]], ["request", [DATA]], ["answer", [SACK, DATA]],
  ["request", [SHUTDOWN]], ["answer", [SHUTDOWN_ACK]], ["request", [SHUTDOWN_COMPLETE]],
];
/** In a hundred packets. */
const OUT_OF_ORDER = 20;
const BUNDLED = 30;
const PAYLOADS = [0, 1, 4, 100, 1000] as const;

export const sctp: Feature = {
  name: "sctp",
  moves: [{ weight: 120, make: open }, { weight: 300, make: goOn }],
};

function open(scene: Scene): readonly Step[] {
  return withService(scene, ({ protocol, virtual }) => {
    if (protocol !== "sctp") return [];
    return Array.from({ length: 1 + scene.random.below(4) }, () => next(scene, scene.begin("sctp", scene.somePortOf(virtual), scene.anyClient(virtual))));
  });
}

function goOn(scene: Scene): readonly Step[] {
  const flows = scene.flows.filter(({ flow }) => flow.protocol === "sctp");
  if (flows.length === 0) return [];
  const sketch = scene.random.pick(flows);
  return Array.from({ length: 1 + scene.random.below(3) }, () => next(scene, sketch));
}

function next(scene: Scene, sketch: FlowSketch): Step {
  const { random } = scene;
  if (random.percent(OUT_OF_ORDER)) return { kind: random.pick(["request", "answer"]), flow: sketch.flow, datagram: packet(scene, odd(scene)) };
  const [kind, chunks] = USUAL[sketch.packets++ % USUAL.length]!;
  return { kind, flow: sketch.flow, datagram: packet(scene, chunks) };
}

function odd({ random }: Scene): readonly number[] {
  return [random.pick(CHUNKS), ...(random.percent(BUNDLED) ? [random.pick([ABORT, ...CHUNKS])] : [])];
}

function packet(scene: Scene, chunks: readonly number[]): Datagram {
  return { identification: scene.identification(), chunks, payloadBytes: scene.random.pick(PAYLOADS) };
}
