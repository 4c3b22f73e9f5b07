// What lblc and lblcr remember of an address: which servers its connections go to. Linux v6.12
// net/netfilter/ipvs/ip_vs_lblc.c, ip_vs_lblcr.c, which have it so that a cache's server sees the same addresses again.

import type { i32, i64, u32 } from "#layout/numbers.js";
import { u32 as U32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { bpf_loop } from "#prelude/helpers.js";
import { ticksOf } from "./clock.js";
import type { Destination, Search, Searcher, Service } from "./maps.js";
import { DESTINATION_AVAILABLE, destinations, localities, LocalityKey, searches } from "./maps.js";
import { destinationOf, weightOf } from "./member.js";

/**
 * Whether that was longer ago than `seconds`, lblc_expiration or lblcr_expiration. LVS differs: what was not used for so
 * long ends at its time, not at the next round of a timer.
 */
export function isOutdated(since: u32, now: u32, seconds: i32): boolean {
  return seconds < 0 || U32(now - since) > ticksOf(U32(seconds));
}

/** An overloaded one still takes what comes for its addresses. The place may be another service's by now. */
export function stillServes(destination: Destination, service: Service): boolean {
  return (destination.flags & DESTINATION_AVAILABLE) !== 0 && destination.weight !== 0 && destination.serviceSlot === service.slot;
}

/** is_overloaded(): it has more active connections than its weight says, and some member not half as many. */
export function isCrowded(search: Search, searcher: Searcher, destination: Destination): boolean {
  if (destination.activeConnections <= destination.weight) return false;
  search.found = 0;
  bpf_loop(search.membersCount, findIdle, searcher, 0n);
  return search.found !== 0;
}

function findIdle(place: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const destination = destinations.at(destinationOf(search.membersAt, place));
  if (destination.activeConnections * 2 >= weightOf(search.membersAt, place)) return 0n;
  search.found = 1;
  return 1n;
}

/** From now on the address has this one server. */
export function remember(search: Search, key: View<typeof LocalityKey>, server: u32, now: u32): void {
  const locality = search.locality;
  locality.usedAt = now;
  locality.changedAt = now;
  locality.serversCount = 1;
  locality.servers[0] = server;
  localities.update(key, locality, 0n);
}
