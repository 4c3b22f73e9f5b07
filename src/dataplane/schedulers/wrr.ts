// wrr: weighted round robin. Linux v6.12 net/netfilter/ipvs/ip_vs_wrr.c, ip_vs_wrr_schedule(): rounds over the members,
// each for those whose weight reaches the current weight, which falls by the divisor (the weights' greatest common
// divisor) from round to round and begins again at the largest. Members stand newest first.

import type { i64, u32, u64 } from "#layout/numbers.js";
import { u32 as U32, u64 as U64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { bpf_loop } from "#prelude/helpers.js";
import { compareExchange, make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { schedulerStates } from "../maps.js";
import { isAvailable, NO_DESTINATION, weightOf, destinationOf } from "../member.js";

const Search = struct("WeightedRoundRobinSearch", {
  membersAt: U32, membersCount: U32, place: U32, found: U32,
  currentWeight: U32, maximumWeight: U32, divisor: U32,
  /** The largest weight, below the current one, that was passed over and may be taken in a later round. */
  largestBelow: U32,
  /** The round was walked from its beginning. */
  wholeRound: U32,
});
type Search = View<typeof Search>;

export function scheduleWeightedRoundRobin(service: Service): u32 {
  const state = schedulerStates.at(service.stateAt);
  if (state.maximumWeight === 0) return NO_DESTINATION;
  const before = state.position;
  const search = make(Search, {
    membersAt: service.membersAt, membersCount: service.membersCount, place: U32(before),
    currentWeight: U32(before >> 32n), maximumWeight: state.maximumWeight, divisor: state.divisor,
  });
  // The rest of the round under way, then at most two whole ones: the second takes the weight that the first has shown.
  bpf_loop(service.membersCount * 3 + 1, visit, search, 0n);
  if (search.found === 0) return NO_DESTINATION;
  compareExchange(state, "position", before, U64(search.place) | (U64(search.currentWeight) << 32n));
  return destinationOf(search.membersAt, search.place - 1);
}

function visit(_round: u32, search: Search): i64 {
  if (search.place >= search.membersCount) beginRound(search);
  const place = search.place < search.membersCount ? search.place : 0;
  search.place = place + 1;
  const weight = weightOf(search.membersAt, place);
  if (weight === 0 || !isAvailable(search.membersAt, place)) return 0n;
  if (weight >= search.currentWeight) {
    search.found = 1;
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
