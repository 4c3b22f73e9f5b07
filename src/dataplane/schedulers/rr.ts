// rr: round robin. Linux v6.12 net/netfilter/ipvs/ip_vs_rr.c, ip_vs_rr_schedule(): from the member after the last one
// chosen, the first that has a weight and is not overloaded. Members stand newest first.

import type { i64, u32 } from "#layout/numbers.js";
import { u32 as U32, u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { compareExchange, make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { Searcher, schedulerStates, searches } from "../maps.js";
import { NO_DESTINATION, destinationOf, isAvailable, weightOf } from "../member.js";

export function scheduleRoundRobin(service: Service): u32 {
  const state = schedulerStates.at(service.stateAt);
  const before = state.position;
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = searches.at(searcher.processor);
  search.membersAt = service.membersAt;
  search.membersCount = service.membersCount;
  search.place = U32(before);
  search.found = 0;
  bpf_loop(service.membersCount, visit, searcher, 0n);
  if (search.found === 0) return NO_DESTINATION;
  // Another processor that chose at the same time has moved the place already: both have a destination, one step is lost.
  compareExchange(state, "position", before, U64(search.place));
  return destinationOf(search.membersAt, search.place - 1);
}

/** `place` is the last one looked at, plus one: the next to look at, unless that is the end. */
function visit(_round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const place = search.place < search.membersCount ? search.place : 0;
  search.place = place + 1;
  if (weightOf(search.membersAt, place) === 0 || !isAvailable(search.membersAt, place)) return 0n;
  search.found = 1;
  return 1n;
}
