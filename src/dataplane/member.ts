// What schedulers ask of a service's members, and how they search among them: by bpf_loop, in this processor's Search.

import type { i64, u32, u64 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import { bpf_loop } from "#prelude/helpers.js";
import type { Destination, Search, Searcher, Service } from "./maps.js";
import { DESTINATION_AVAILABLE, DESTINATION_OVERLOAD, destinations, members, searches } from "./maps.js";

/** No destination takes a new connection. */
export const NO_DESTINATION = 0xffffffff;

export function weightOf(membersAt: u32, place: u32): u32 {
  return members.at(membersAt + place).weight;
}

export function destinationOf(membersAt: u32, place: u32): u32 {
  return members.at(membersAt + place).destination;
}

/** Neither removed nor over its upper threshold. */
export function isAvailable(destination: Destination): boolean {
  return (destination.flags & (DESTINATION_AVAILABLE | DESTINATION_OVERLOAD)) === DESTINATION_AVAILABLE;
}

/** Linux v6.12 include/net/ip_vs.h, ip_vs_dest_conn_overhead(): an active connection counts as much as 256 others. */
export function overheadOf(destination: Destination): u64 {
  return (U64(destination.activeConnections) << 8n) + U64(destination.inactiveConnections);
}

/** A new search among the members of a service: no one is chosen. */
export function beginSearch(searcher: Searcher, service: Service): Search {
  const search = searches.at(searcher.processor);
  search.membersAt = service.membersAt;
  search.membersCount = service.membersCount;
  search.chosen = NO_DESTINATION;
  search.weight = 0;
  search.load = 1n;
  return search;
}

/**
 * Chooses the destination if its load, divided by its weight, is less than that of the one chosen so far: of equals the
 * first stays. Multiplied crosswise instead; as a search begins with a load of 1 and a weight of 0, the first destination
 * with a weight is less than that, and one without never is.
 */
export function chooseIfLess(search: Search, index: u32, load: u64, weight: u32): void {
  if (search.load * U64(weight) <= load * U64(search.weight)) return;
  search.chosen = index;
  search.load = load;
  search.weight = weight;
}

/** Chooses the destination if its weight is larger than that of the one chosen so far: of equals the first stays. */
export function chooseIfHeavier(search: Search, index: u32, weight: u32): void {
  if (weight <= search.weight) return;
  search.chosen = index;
  search.weight = weight;
}

/** Whether any member takes new connections. */
export function anyOpen(search: Search, searcher: Searcher): boolean {
  search.found = 0;
  bpf_loop(search.membersCount, findOpen, searcher, 0n);
  return search.found !== 0;
}

function findOpen(place: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  if (weightOf(search.membersAt, place) === 0 || !isAvailable(destinations.at(destinationOf(search.membersAt, place)))) return 0n;
  search.found = 1;
  return 1n;
}
