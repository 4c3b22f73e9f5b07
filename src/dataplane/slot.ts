// The slots of the hashing schedulers: what a hash leads to.

import type { u32 } from "#layout/numbers.js";
import type { SchedulerState } from "./maps.js";
import { destinations, slots } from "./maps.js";
import { NO_DESTINATION, isAvailable } from "./member.js";

/** Linux include/linux/hash.h, hash_32(), GOLDEN_RATIO_32: a multiplication of which the upper `bits` are kept. */
export function hash32(value: u32, bits: u32): u32 {
  return (value * 0x61c88647) >>> (32 - bits);
}

/** The destination of a service's slot if it takes new connections, or NO_DESTINATION. */
export function destinationIfOpen(state: SchedulerState, slot: u32): u32 {
  return slot < state.slotsCount ? openDestinationAt(state.slotsAt + slot) : NO_DESTINATION;
}

/** The same, of a place in `slots`. */
export function openDestinationAt(place: u32): u32 {
  const index = slots.at(place).destination;
  const destination = destinations.at(index);
  return destination.weight !== 0 && isAvailable(destination) ? index : NO_DESTINATION;
}
