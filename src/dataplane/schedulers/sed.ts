// sed: shortest expected delay. Linux v6.12 net/netfilter/ipvs/ip_vs_sed.c, ip_vs_sed_schedule(): the member that would
// have the fewest active connections for its weight with this one among them. Of equals the newest.

import type { i64, u32 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { Searcher, destinations, searches } from "../maps.js";
import { beginSearch, chooseIfLess, destinationOf, isAvailable, weightOf } from "../member.js";

export function scheduleShortestExpectedDelay(service: Service): u32 {
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  bpf_loop(service.membersCount, visit, searcher, 0n);
  return search.chosen;
}

function visit(place: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const index = destinationOf(search.membersAt, place);
  const destination = destinations.at(index);
  if (!isAvailable(destination)) return 0n;
  chooseIfLess(search, index, U64(destination.activeConnections) + 1n, weightOf(search.membersAt, place));
  return 0n;
}
