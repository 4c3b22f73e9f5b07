// twos: the power of two choices. Linux v6.12 net/netfilter/ipvs/ip_vs_twos.c, ip_vs_twos_schedule(): two members are
// drawn, each with a chance as large as its weight, and the one with fewer connections for its weight is taken.
//
// The weights stand in a row; a draw is a place from 0 up to and with their sum, and takes the member in whose part it
// lies, ends included:
//
//   0       3     5 6
//   |  r3   | r2  |r1|      weights 3, 2, 1
//
// So the first has one chance more than its weight, in LVS as here.

import type { i64, u32 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import { bpf_get_prandom_u32, bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { Searcher, destinations, searches } from "../maps.js";
import { NO_DESTINATION, beginSearch, destinationOf, isAvailable, overheadOf, weightOf } from "../member.js";

export function schedulePowerOfTwoChoices(service: Service): u32 {
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  search.weightInAll = 0n;
  bpf_loop(service.membersCount, addWeight, searcher, 0n);
  search.firstAt = U64(bpf_get_prandom_u32()) % (search.weightInAll + 1n);
  search.secondAt = U64(bpf_get_prandom_u32()) % (search.weightInAll + 1n);
  search.weightPassed = 0n;
  search.second = NO_DESTINATION;
  bpf_loop(service.membersCount, draw, searcher, 0n);
  if (search.second !== NO_DESTINATION && U64(search.secondWeight) * search.load > U64(search.weight) * search.secondLoad) search.chosen = search.second;
  return search.chosen;
}

function addWeight(place: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  if (isAvailable(destinations.at(destinationOf(search.membersAt, place)))) search.weightInAll += U64(weightOf(search.membersAt, place));
  return 0n;
}

function draw(place: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const index = destinationOf(search.membersAt, place);
  const destination = destinations.at(index);
  const weight = weightOf(search.membersAt, place);
  if (weight === 0 || !isAvailable(destination)) return 0n;
  search.weightPassed += U64(weight);
  if (search.chosen === NO_DESTINATION && search.firstAt <= search.weightPassed) {
    search.chosen = index;
    search.weight = weight;
    search.load = overheadOf(destination);
  }
  if (search.second === NO_DESTINATION && search.secondAt <= search.weightPassed) {
    search.second = index;
    search.secondWeight = weight;
    search.secondLoad = overheadOf(destination);
  }
  return search.chosen !== NO_DESTINATION && search.second !== NO_DESTINATION ? 1n : 0n;
}
