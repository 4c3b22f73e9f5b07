// The state of the kernel's timers (timers.ts).

import { u32, u64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import type { ArrayMap } from "#prelude/maps.js";
import { arrayMap } from "#prelude/maps.js";
import { Timer } from "#prelude/helpers.js";

/** The key of the maps below. */
export const MapIndex = struct("MapIndex", { index: u32 });

export const Expiry = struct("Expiry", {
  timer: Timer,
  /** The bucket at which the next slice begins. */
  cursor: u32,
  /** Buckets that every slice walks. */
  slice: u32,
  /** Connections ended since the beginning. */
  expired: u64,
  /** Of the round under way: slices walked, and slots of theirs that are taken. */
  slices: u32,
  taken: u32,
}, { size: 40 });
export type Expiry = View<typeof Expiry>;
export const expiry4: ArrayMap<typeof Expiry> = arrayMap("expiry", Expiry, 1, { needsBtf: true });
export const expiry6: ArrayMap<typeof Expiry> = arrayMap("expiry6", Expiry, 1, { needsBtf: true });
export const expiry = expiry6;

export const Estimator = struct("Estimator", {
  timer: Timer,
  /** The destination at which the next slice begins. */
  cursor: u32,
  spare: u32,
}, { size: 24 });
export type Estimator = View<typeof Estimator>;
export const estimator: ArrayMap<typeof Estimator> = arrayMap("estimator", Estimator, 1, { needsBtf: true });
