// nq: never queue. Linux v6.12 net/netfilter/ipvs/ip_vs_nq.c, ip_vs_nq_schedule(): the first member without active
// connections, whatever its weight; while there is none, as sed.

import type { i64, u32 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { Searcher, destinations, searches } from "../maps.js";
import { beginSearch, chooseIfLess, destinationOf, isAvailable, weightOf } from "../member.js";

export function scheduleNeverQueue(service: Service): u32 {
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  bpf_loop(service.membersCount, visit, searcher, 0n);
  return search.chosen;
}

function visit(place: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const index = destinationOf(search.membersAt, place);
  const destination = destinations.at(index);
  const weight = weightOf(search.membersAt, place);
  if (weight === 0 || !isAvailable(destination)) return 0n;
  if (destination.activeConnections === 0) {
    search.chosen = index;
    return 1n;
  }
  chooseIfLess(search, index, U64(destination.activeConnections) + 1n, weight);
  return 0n;
}
