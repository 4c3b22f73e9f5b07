// What schedulers ask of a service's members.

import type { u32 } from "#layout/numbers.js";
import { DESTINATION_AVAILABLE, DESTINATION_OVERLOAD, destinations, members } from "./maps.js";

/** No destination takes a new connection. */
export const NO_DESTINATION = 0xffffffff;

export function weightOf(membersAt: u32, place: u32): u32 {
  return members.at(membersAt + place).weight;
}

export function destinationOf(membersAt: u32, place: u32): u32 {
  return members.at(membersAt + place).destination;
}

/** Neither removed nor over its upper threshold. */
export function isAvailable(membersAt: u32, place: u32): boolean {
  const flags = destinations.at(destinationOf(membersAt, place)).flags;
  return (flags & (DESTINATION_AVAILABLE | DESTINATION_OVERLOAD)) === DESTINATION_AVAILABLE;
}
