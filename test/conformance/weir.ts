// Plays a script to weir, after the real IPVS: the same frames at the same times. ipvsadm is weir's own, its director
// stands on the maps of the user-space machine, and packets meet the data plane's programs there. That the kernel runs
// them to the same bytes is what packets/ tests.

import type { Environment } from "#cli/ipvsadm/ipvsadm.js";
import { ipvsadm } from "#cli/ipvsadm/ipvsadm.js";
import type { Names } from "#cli/ipvsadm/names.js";
import { dissect } from "#lab/dissect.js";
import { formatAddress } from "#model/address.js";
import { concatenate, macBytes } from "../packets/frame.js";
import { machineWorld } from "../packets/machine-world.js";
import { interfaces, nextHop } from "../packets/network.js";
import type { Fate, Hook, World } from "../packets/world.js";
import { meet } from "../packets/world.js";
import { markOfPort, marks } from "./features/marks.js";
import type { Script, Setting, Step } from "./script.js";
import { LOOKS } from "./script.js";
import type { Outcome, Passage, Transcript } from "./transcript.js";

/** Of either family; more than a script makes, in a table of few buckets: some stand beside their place. */
const CONNECTIONS = 256;

export class Weir {
  #marks = false;

  private constructor(readonly hook: Hook, readonly world: World) {}

  static async at(hook: Hook): Promise<Weir> {
    return new Weir(hook, await machineWorld(CONNECTIONS));
  }

  async play(script: Script, original: Transcript): Promise<Transcript> {
    this.world.reset();
    this.#marks = script.features.includes(marks.name);
    this.world.startExpiry();
    const outcomes: Outcome[] = [];
    let now = 0;
    for (const [i, step] of script.steps.entries()) {
      const { milliseconds, received } = original[i]!;
      await this.world.wait(Math.max(0, milliseconds - now));
      now = Math.max(now, milliseconds);
      outcomes.push({ milliseconds: now, ...await this.#outcomeOf(step, received) });
    }
    return outcomes;
  }

  async #outcomeOf(step: Step, received: readonly Passage[] | undefined): Promise<Omit<Outcome, "milliseconds">> {
    if (step.kind === "ipvsadm") return this.#ipvsadm(step.words);
    if (step.kind === "sysctl") return this.#set(step);
    if (step.kind === "look") return this.#ipvsadm(LOOKS[step.at]);
    return received === undefined ? {} : { received, sent: this.#injectAll(received) };
  }

  #set({ name, value }: Setting) {
    this.world.director.setSysctls({ [name]: value });
    return { printed: "", status: 0 };
  }

  /** Of a packet in fragments, those that are left to the stack come to nothing there, unless all are. */
  #injectAll(received: readonly Passage[]): Outcome["sent"] {
    const sent = received.map((passage) => this.#inject(passage));
    return sent.every((one) => one === "stack") ? "stack" : sent.flatMap((one) => (one === "stack" ? [] : one));
  }

  #inject({ by, bytes }: Passage): readonly Passage[] | "stack" {
    const fate = meet(this.world, this.hook, bytes, interfaces.find(({ name }) => name === by)!, { mark: this.#marks && by === interfaces[0].name ? markOf(bytes) : 0 });
    if (fate.outcome === "stack") return "stack";
    return fate.outcome === "dropped" ? [] : [passageOf(fate, by)];
  }

  async #ipvsadm(words: readonly string[]) {
    const written = { out: "", err: "" };
    const { director } = this.world;
    const environment: Environment = {
      names: NO_NAMES, findDirector: async () => director, openDirector: async () => director,
      out: (text) => { written.out += text; }, error: (text) => { written.err += text; }, inputLines: () => [],
    };
    const status = await ipvsadm(words, environment);
    return { printed: written.out + written.err, status };
  }
}

const AF_INET6 = 10;

const NO_NAMES: Names = {
  hostToAddress: async () => undefined, addressToHost: async () => undefined, serviceToPort: () => undefined, portToService: () => undefined,
};

/** As tc gives it: the other fragments have none. */
function markOf(bytes: Uint8Array): number {
  const { ip } = dissect(bytes);
  return markOfPort((ip?.tcp ?? ip?.udp)?.destinationPort ?? 0);
}

/** On the wire: where the neighbour table is to write MAC addresses, they are written. */
function passageOf({ bytes, redirect }: Fate, cameBy: string): Passage {
  if (redirect === undefined) return { by: cameBy, bytes };
  const by = interfaces.find(({ ifindex }) => ifindex === redirect.ifindex)!;
  if (redirect.kind !== "neigh") return { by: by.name, bytes };
  const neighbour = nextHop(neighbourOf(redirect.neighbour!));
  return { by: by.name, bytes: concatenate(macBytes(neighbour!.mac!), macBytes(by.mac), bytes.subarray(12)) };
}

/** Linux include/uapi/linux/bpf.h, struct bpf_redir_neigh: the family, then an address. */
function neighbourOf(neighbour: Uint8Array): string {
  const view = new DataView(neighbour.buffer, neighbour.byteOffset);
  const word = (at: number) => view.getUint32(4 + at * 4);
  return formatAddress({ family: neighbour[0] === AF_INET6 ? 6 : 4, words: [word(0), word(1), word(2), word(3)] });
}
