// rr: round robin. Linux v6.12 net/netfilter/ipvs/ip_vs_rr.c, ip_vs_rr_schedule(): from the member after the last one
// chosen, the first that has a weight and is not overloaded. Members stand newest first.

import type { i64, u32 } from "#layout/numbers.js";
import { u32 as U32, u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { compareExchange, make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { Searcher, destinations, schedulerStates, searches } from "../maps.js";
import { NO_DESTINATION, beginSearch, destinationOf, isAvailable, weightOf } from "../member.js";

export function scheduleRoundRobin(service: Service): u32 {
  const state = schedulerStates.at(service.stateAt);
  const before = state.position;
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  search.place = U32(before);
  bpf_loop(service.membersCount, visit, searcher, 0n);
  // Another processor that chose at the same time has moved the place already: both have a destination, one step is lost.
  if (search.chosen !== NO_DESTINATION) compareExchange(state, "position", before, U64(search.place));
  return search.chosen;
}

/** `place` is the last one looked at, plus one: the next to look at, unless that is the end. */
function visit(_round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const place = search.place < search.membersCount ? search.place : 0;
  search.place = place + 1;
  const index = destinationOf(search.membersAt, place);
  if (weightOf(search.membersAt, place) === 0 || !isAvailable(destinations.at(index))) return 0n;
  search.chosen = index;
  return 1n;
}
