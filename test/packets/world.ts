// One world with two executors: the data plane's own programs on the user-space machine (machine-world.ts) and in the
// kernel (kernel-world.ts). What a packet's fate is, is read off their verdicts here, the same way for both.

import type { StoreDirector } from "#control/director.js";
import { Rows } from "#control/rows.js";
import type { Store } from "#control/store.js";
import { connections, destinations, settings } from "#dataplane/maps.js";
import type { Redirect } from "#ebpf/machine.js";
import { TC_ACT_REDIRECT, TC_ACT_SHOT, TC_ACT_UNSPEC, XDP_DROP, XDP_PASS, XDP_REDIRECT, XDP_TX } from "#prelude/packet.js";
import type { NetworkInterface } from "./network.js";

export type Hook = "tc" | "xdp";
export const HOOKS = ["tc", "xdp"] as const;

export interface Run {
  /** What the program returned. */
  readonly verdict: number;
  /** The frame as the program left it. */
  readonly bytes: Uint8Array;
  /** Where to: the kernel's test runs do not tell. */
  readonly redirect?: Redirect;
}

export interface World {
  readonly executor: "machine" | "kernel";
  /** Both are new after reset(). */
  readonly store: Store;
  readonly director: StoreDirector;
  /** Runs weir_tc or weir_xdp on a frame that came in by that interface. */
  run(hook: Hook, bytes: Uint8Array, by: NetworkInterface): Run;
  /** Arms the timer that ends idle connections. */
  startExpiry(): void;
  /** Lets so much time pass. */
  wait(milliseconds: number): Promise<void>;
  /** No services, no connections, all counters zero. */
  reset(): void;
  close(): void;
}

/** The same in every world, so that connections stand in the same places. */
export const HASH_SEED = 0x5eed_0f_a11_5eedsn();

export type Fate = {
  readonly bytes: Uint8Array;
  /** The program that decided. */
  readonly by: Hook;
  readonly redirect?: Redirect;
} & ({ readonly outcome: "stack" | "dropped" } | { readonly outcome: "sent" });

/** What becomes of a frame. At XDP, what that program passes on comes to the one at TC, as in the kernel. */
export function meet(world: World, hook: Hook, bytes: Uint8Array, by: NetworkInterface): Fate {
  holdHops(world);
  if (hook === "xdp") {
    const run = world.run("xdp", bytes, by);
    if (run.verdict !== XDP_PASS) return fateOf("xdp", run, [XDP_DROP], [XDP_TX, XDP_REDIRECT]);
    return { ...meet(world, "tc", run.bytes, by) };
  }
  const run = world.run("tc", bytes, by);
  if (run.verdict === TC_ACT_UNSPEC) return { outcome: "stack", by: "tc", bytes: run.bytes };
  return fateOf("tc", run, [TC_ACT_SHOT], [TC_ACT_REDIRECT]);
}
