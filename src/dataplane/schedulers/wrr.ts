// wrr: weighted round robin. Linux v6.12 net/netfilter/ipvs/ip_vs_wrr.c, ip_vs_wrr_schedule(): rounds over the members,
// each for those whose weight reaches the current weight, which falls by the divisor (the weights' greatest common
// divisor) from round to round and begins again at the largest. Members stand newest first.

import type { i64, u32 } from "#layout/numbers.js";
import { u32 as U32, u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { compareExchange, make } from "#prelude/intrinsics.js";
import type { Search, Service } from "../maps.js";
import { Searcher, destinations, schedulerStates, searches } from "../maps.js";
import { NO_DESTINATION, beginSearch, destinationOf, isAvailable, weightOf } from "../member.js";

export function scheduleWeightedRoundRobin(service: Service): u32 {
  const state = schedulerStates.at(service.stateAt);
  if (state.maximumWeight === 0) return NO_DESTINATION;
  const before = state.position;
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  search.place = U32(before);
  search.currentWeight = U32(before >> 32n);
  search.maximumWeight = state.maximumWeight;
  search.divisor = state.divisor;
  search.largestBelow = 0;
  search.wholeRound = 0;
  // The rest of the round under way, then at most two whole ones: the second takes the weight that the first has shown.
  bpf_loop(service.membersCount * 3 + 1, visit, searcher, 0n);
  if (search.chosen !== NO_DESTINATION) compareExchange(state, "position", before, U64(search.place) | (U64(search.currentWeight) << 32n));
  return search.chosen;
}

function visit(_round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  if (search.place >= search.membersCount) beginRound(search);
  const place = search.place < search.membersCount ? search.place : 0;
  search.place = place + 1;
  const weight = weightOf(search.membersAt, place);
  const index = destinationOf(search.membersAt, place);
  if (weight === 0 || !isAvailable(destinations.at(index))) return 0n;
  if (weight >= search.currentWeight) {
    search.chosen = index;
    return 1n;
  }
  if (weight > search.largestBelow) search.largestBelow = weight;
  return 0n;
}

/**
 * The current weight falls by one divisor; below that it begins again at the largest. The kernel does so through rounds
 * that find nobody: those are skipped here, once a whole round has shown which weight is the next that somebody reaches.
 */
function beginRound(search: Search): void {
  const current = search.currentWeight;
  let fall = search.divisor;
  if (search.wholeRound !== 0 && search.largestBelow !== 0) {
    fall = ((current - search.largestBelow + search.divisor - 1) / search.divisor) * search.divisor;
  }
  search.currentWeight = current > fall ? current - fall : search.maximumWeight;
  search.place = 0;
  search.wholeRound = 1;
  search.largestBelow = 0;
}
