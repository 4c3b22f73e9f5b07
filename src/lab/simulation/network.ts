// The simulated wires: carry each frame to the host that has its destination address, and keep a note of both ends, as a
// tap on the real ones does (tap.ts).

import { dissect } from "../dissect.js";
import type { InterfacePlan, NetworkPlan } from "../plan.js";
import type { WireFrame } from "../tap.js";
import type { Host } from "./hosts.js";
import type { Departure } from "./routing.js";

/** A request and its answer are a dozen packets on some wires each: more than this go round in circles. */
const FRAMES_MAX = 1000;

export class SimulatedNetwork {
  /** All that passed, in order. */
  readonly frames: WireFrame[] = [];
  readonly #plan: NetworkPlan;
  readonly #hosts: ReadonlyMap<string, Host>;

  constructor(plan: NetworkPlan, hosts: ReadonlyMap<string, Host>) {
    this.#plan = plan;
    this.#hosts = hosts;
  }

  /** Carries what a host sends, and all that follows from it, until every wire is quiet. */
  carry(from: string, departures: readonly Departure[]): void {
    const waiting = departures.map((departure) => ({ from, ...departure }));
    for (let count = 0, next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (++count > FRAMES_MAX) throw new RangeError(`the simulated network is not quiet after ${FRAMES_MAX} frames: they go round in circles`);
      this.#note(next.from, next.interface, "out", next.frame);
      const arrival = this.#receiverOf(next);
      if (arrival === undefined) continue;
      this.#note(arrival.host, arrival.interface, "in", next.frame);
      const answers = this.#hosts.get(arrival.host)?.receive(next.frame, arrival.interface) ?? [];
      waiting.push(...answers.map((departure) => ({ from: arrival.host, ...departure })));
    }
  }

  #receiverOf({ interface: out, frame }: Departure): { readonly host: string; readonly interface: InterfacePlan } | undefined {
    const { destination } = dissect(frame);
    for (const { name, interfaces } of this.#plan.hosts) {
      const found = interfaces.find((candidate) => candidate.segment.name === out.segment.name && candidate.mac === destination);
      if (found !== undefined) return { host: name, interface: found };
    }
    return undefined;
  }

  #note(host: string, { name }: InterfacePlan, direction: WireFrame["direction"], bytes: Uint8Array): void {
    const timeNanoseconds = BigInt(this.frames.length);
    this.frames.push({ host, interface: name, direction, bytes, length: bytes.length, timeNanoseconds, checksumPartial: false });
  }
}
