// One world with two executors: the data plane's own programs on the user-space machine (machine-world.ts) and in the
// kernel (kernel-world.ts). What became of a packet is read off their verdicts here, the same way for both.

import assert from "node:assert/strict";
import { StoreDirector } from "#control/director.js";
import type { ProgramName } from "#control/programs.js";
import { Rows } from "#control/rows.js";
import type { Store } from "#control/store.js";
import { Device, DeviceKey, Expiry, HOP_BY_XDP, devices, settings } from "#dataplane/maps.js";
import type { Clone, Redirect } from "#ebpf/machine.js";
import { encode, encodeInto } from "#layout/codec.js";
import { TC_ACT_REDIRECT, TC_ACT_SHOT, TC_ACT_UNSPEC, XDP_DROP, XDP_PASS, XDP_REDIRECT, XDP_TX } from "#prelude/packet.js";
import { holdHops } from "./hops.js";
import type { NetworkInterface } from "./network.js";
import { interfaces } from "./network.js";

/** What whole TCP and UDP packets of IPv4 need, by NAT, DR and IPIP: to load all programs takes the verifier many seconds. */
export const PLAIN_PROGRAMS: readonly ProgramName[] = ["weir_tc", "weir_xdp", "weir_start"];

export type Hook = "tc" | "xdp";
export const HOOKS = ["tc", "xdp"] as const;
/** The one at TC of weir's device for marked packets too, and that at the egress, which what the director itself sends comes by. */
export type Entrance = Hook | "tc_back" | "out" | BackupEntrance;
/** No packet's: what the backup daemon runs (dataplane/synchronised.ts). */
export type BackupEntrance = "sync" | "sync6";

export interface Run {
  /** What the program returned. */
  readonly verdict: number;
  /** The frame as the program left it. */
  readonly bytes: Uint8Array;
  /** Where to; the kernel's test runs do not tell. */
  readonly redirect?: Redirect;
  /** Of a super-packet, as the program left it; the kernel's test runs do not tell. */
  readonly gsoSize?: number;
  /** Copies that it sent on its way; the kernel's test runs do not tell. */
  readonly clones?: readonly Clone[];
}

/** What a sender or a device left undone, or did before. At TC only. */
export interface Offload {
  /** A super-packet: payload bytes of each of the segments that it will be cut into. */
  readonly gsoSize?: number;
  /** The transport checksum covers only the pseudo header yet. The kernel's test runs know no such packets. */
  readonly checksumPartial?: boolean;
  /** A firewall mark that it has already. */
  readonly mark?: number;
  /** A VLAN's tag stands beside the packet. Nor these. */
  readonly vlanPresent?: boolean;
  /** Nor this. */
  readonly tcIndex?: number;
}

export interface World {
  readonly executor: "machine" | "kernel";
  /** Both are other ones after reset(). */
  readonly store: Store;
  readonly director: StoreDirector;
  /** Runs weir_tc or weir_xdp on a frame that came in by that interface. */
  run(entrance: Entrance, bytes: Uint8Array, by: NetworkInterface, offload?: Offload): Run;
  /** Arms the timer that ends idle connections; it goes round the table fifty times a second. */
  startExpiry(): void;
  /** Lets so much time pass. */
  wait(milliseconds: number): Promise<void>;
  /** No services, no connections, all counters zero. */
  reset(): void;
  close(): void;
}

export interface Fate {
  readonly outcome: "stack" | "dropped" | "sent";
  readonly bytes: Uint8Array;
  /** The program that decided. */
  readonly decidedBy: Hook;
  readonly redirect?: Redirect;
}

/** What becomes of a frame. What the program at XDP passes on comes to the one at TC, as in the kernel. */
export function meet(world: World, hook: Hook, bytes: Uint8Array, by: NetworkInterface, offload: Offload = {}): Fate {
  holdHops(world.store);
  const run = world.run(hook, bytes, by, offload);
  if (hook === "tc") return { outcome: outcomeOf(TC_OUTCOMES, run), decidedBy: "tc", ...run };
  const outcome = outcomeOf(XDP_OUTCOMES, run);
  if (outcome !== "stack") return { outcome, decidedBy: "xdp", ...run };
  assert.deepEqual(run.bytes, bytes, "XDP passes a packet on as it was");
  return meet(world, "tc", bytes, by, offload);
}

type Outcomes = ReadonlyMap<number, Fate["outcome"]>;
const XDP_OUTCOMES: Outcomes = new Map([[XDP_PASS, "stack"], [XDP_DROP, "dropped"], [XDP_TX, "sent"], [XDP_REDIRECT, "sent"]]);
const TC_OUTCOMES: Outcomes = new Map([[TC_ACT_UNSPEC, "stack"], [TC_ACT_SHOT, "dropped"], [TC_ACT_REDIRECT, "sent"]]);

function outcomeOf(outcomes: Outcomes, { verdict }: Run): Fate["outcome"] {
  const outcome = outcomes.get(verdict);
  assert.ok(outcome !== undefined, `a program of weir's never returns ${verdict}`);
  return outcome;
}

/** Any number: with the same one in every world, connections stand in the same places of their tables. */
const HASH_SEED = 0x9d5cf11a2b3d4e5fn;

/** The director of a store that is all zeros. */
export function newDirector(store: Store): StoreDirector {
  const director = new StoreDirector(store);
  new Rows(store, settings).write(0, { hashSeed: HASH_SEED });
  for (const one of interfaces) describeDevice(store, one, HOP_BY_XDP);
  return director;
}

/** HOP_… */
export function describeDevice(store: Store, { ifindex }: NetworkInterface, hopFlags: number): void {
  store.hash(devices).update(encode(DeviceKey, { ifindex }), encode(Device, { hopFlags }));
}

/** The value of the map `expiry`, with the number of buckets that the timer walks every 20 ms. */
export function expiryWithSlice(value: Uint8Array, slice: number): Uint8Array {
  const changed = value.slice();
  encodeInto(Expiry, { slice }, changed);
  return changed;
}
