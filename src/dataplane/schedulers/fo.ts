// fo: weighted fail-over. Linux v6.12 net/netfilter/ipvs/ip_vs_fo.c, ip_vs_fo_schedule(): the member of the largest
// weight takes all, until it is overloaded or gone. Of equals the newest.

import type { i64, u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { Searcher, destinations, searches } from "../maps.js";
import { beginSearch, chooseIfHeavier, destinationOf, isAvailable, weightOf } from "../member.js";

export function scheduleFailOver(service: Service): u32 {
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  bpf_loop(service.membersCount, visit, searcher, 0n);
  return search.chosen;
}

function visit(place: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const index = destinationOf(search.membersAt, place);
  if (isAvailable(destinations.at(index))) chooseIfHeavier(search, index, weightOf(search.membersAt, place));
  return 0n;
}
