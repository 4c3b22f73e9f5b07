// A connection by its place in the table, as maps that keep something beside its entry are asked.

import type { u32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { make } from "#prelude/intrinsics.js";
import { CONNECTIONS, FAMILY } from "./config.js";
import { Place } from "./maps.js";

/** The same for all numbers that mean one place: those that packets go by have upper bits that a table leaves out. */
export function placeOf(index: u32): View<typeof Place> {
  return make(Place, { connection: index & (CONNECTIONS - 1), family: FAMILY });
}
