// Idle connections end by a timer in the kernel that needs no process: every 20 ms it walks a slice of the buckets, so
// that it is round the whole table in half a second or so, a large one in a few seconds. It reads the buckets' lines only.

import type { i64, u32 } from "#layout/numbers.js";
import { u32 as U32, u64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import type { MapSpec } from "#ebpf/spec.js";
import { bpf_loop, bpf_timer_start } from "#prelude/helpers.js";
import { atomicAdd, likely, make, unlikely } from "#prelude/intrinsics.js";
import { TICK_SHIFT, hasPassed, ticks } from "./clock.js";
import { TAG_DYING, TAG_FREE, TAG_LIVE, changeTag, forgetOverflow, letGo, touch } from "./connection.js";
import { adjustDefenses, endSome, endsEntries, entriesSample } from "./defense.js";
import { closeDialogue, controlledBy } from "./dialogue.js";
import type { Bucket, Expiry } from "./maps.js";
import {
  CONNECTION_APPLICATION, CONNECTION_CALL, CONNECTION_INACTIVE, DESTINATION_AVAILABLE, SLOTS_PER_BUCKET, buckets, calls, connections, destinations, MapIndex, MOVED, settings,
  TEMPLATE, templates,
} from "./maps.js";
import { placeOf } from "./place.js";
import { countUnbound } from "./schedule.js";

export const SLICE_NANOSECONDS = 20_000_000n;

/** Round the whole table in half a second, unless it is very large: control/ makes a slice so large. */
export const SLICES_PER_ROUND = 25;

export const Walk = struct("ExpiryWalk", { at: U32, now: U32, expired: U32, taken: U32, /** Whether connections without a destination end too. */ sweeps: U32 });
export type Walk = View<typeof Walk>;
export function expire(_map: MapSpec, _key: View<typeof MapIndex>, state: Expiry): i64 {
  const now = ticks();
  const walk = make(Walk, { at: state.cursor, now, sweeps: hasPassed(settings.at(0).sweepUntil, now) ? 0 : 1 });
  bpf_loop(state.slice, visit, walk, 0n);
  state.cursor = walk.at;
  state.expired += u64(walk.expired);
  state.taken += walk.taken;
  state.slices += 1;
  if (state.slices >= SLICES_PER_ROUND) {
    adjustDefenses(state.taken, SLICES_PER_ROUND * state.slice * SLOTS_PER_BUCKET);
    state.slices = 0;
    state.taken = 0;
  }
  if (endsEntries()) bpf_loop(entriesSample(state.slice), endSome, walk, 0n);
  bpf_timer_start(state.timer, SLICE_NANOSECONDS, 0n);
  return 0n;
}

function visit(_round: u32, walk: Walk): i64 {
  const at = walk.at;
  walk.at = at + 1;
  const bucket = buckets.at(at);
  if (unlikely(walk.sweeps !== 0)) endAbandoned(at, bucket, walk.now);
  if (likely(!isAnyDue(bucket, walk))) return 0n;
  for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
    if (bucket.tags[slot] === TAG_FREE) continue;
    if (hasPassed(bucket.expires[slot], walk.now)) walk.expired += clear(at, slot, bucket.tags[slot], walk.now);
  }
  return 0n;
}

/** ip_vs_conn.c, ip_vs_expire_nodest_conn_flush(): a removed destination's, with expire_nodest_conn; what others count with, once none of those stands any more. */
function endAbandoned(at: u32, bucket: Bucket, now: u32): void {
  for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
    if (bucket.tags[slot] >= TAG_LIVE && isAbandoned((at << 3) | slot)) bucket.expires[slot] = now;
  }
}

function isAbandoned(index: u32): boolean {
  const connection = connections.at(index);
  if ((destinations.at(connection.destination).flags & DESTINATION_AVAILABLE) !== 0) return false;
  if (connection.kind === TEMPLATE) return templates.at(index).controlled === 0;
  return (connection.flags & CONNECTION_APPLICATION) === 0 || controlledBy(index) === 0;
}

/** Counts the slots that are taken; whether the time of any has passed. Computed, not branched upon: which are taken is chance, and no processor foresees it. */
function isAnyDue(bucket: Bucket, walk: Walk): boolean {
  let due = 0;
  let taken = 0;
  // Bit 16 of the first: a tag that is not TAG_FREE carries into it; of the second: hasPassed().
  for (let slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
    const isTaken = bucket.tags[slot] + 0xffff;
    taken += isTaken >>> 16;
    due |= isTaken & ~((walk.now - bucket.expires[slot]) >>> 15);
  }
  walk.taken += taken;
  return (due & 0x10000) !== 0;
}

/** Live → dying, and a tick later → free (see connection.ts). Gives 1 when a connection ended. */
function clear(at: u32, slot: u32, tag: u32, now: u32): u32 {
  const index = (at << 3) | slot;
  if (tag === TAG_DYING) {
    if (buckets.at(at).expires[slot] !== now) changeTag(index, TAG_DYING, TAG_FREE);
    return 0;
  }
  if (tag < TAG_LIVE) return 0;
  const connection = connections.at(index);
  const isTemplate = connection.kind === TEMPLATE;
  if (prolong(index, now)) return 0;
  buckets.at(at).expires[slot] = now;
  changeTag(index, tag, TAG_DYING);
  if (isTemplate) {
    // A packet may have found it just now (connection.ts, hold()).
    if (prolong(index, now)) {
      changeTag(index, TAG_DYING, tag);
      return 0;
    }
    if ((connection.flags & CONNECTION_CALL) !== 0) calls.delete(placeOf(index));
    atomicAdd(destinations.at(connection.destination), "persistentConnections", 0xffffffff);
  } else if (connection.kind !== MOVED) {
    if ((connection.flags & CONNECTION_APPLICATION) !== 0) closeDialogue(index);
    letGo(connection.template);
    countUnbound(destinations.at(connection.destination), (connection.flags & CONNECTION_INACTIVE) !== 0);
  }
  forgetOverflow(at, connection.displacement);
  return 1;
}

/** ip_vs_conn.c, ip_vs_conn_expire(): what other connections count with gets another minute, a template from then on only minutes. */
function prolong(index: u32, now: u32): boolean {
  const connection = connections.at(index);
  if (connection.kind === TEMPLATE) {
    const template = templates.at(index);
    if (template.controlled === 0) return false;
    template.timeout = MINUTE_TICKS;
  } else if ((connection.flags & CONNECTION_APPLICATION) === 0 || controlledBy(index) === 0) {
    return false;
  }
  touch(index, MINUTE_TICKS, now);
  return true;
}
const MINUTE_TICKS = U32((60n * 1_000_000_000n) >> TICK_SHIFT);
