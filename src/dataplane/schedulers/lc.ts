// lc: least connection. Linux v6.12 net/netfilter/ipvs/ip_vs_lc.c, ip_vs_lc_schedule(): as wlc, with all weights alike;
// a member of weight 0 takes none.

import type { i64, u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { Searcher, destinations, searches } from "../maps.js";
import { beginSearch, chooseIfLess, destinationOf, isAvailable, overheadOf, weightOf } from "../member.js";

export function scheduleLeastConnection(service: Service): u32 {
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  bpf_loop(service.membersCount, visit, searcher, 0n);
  return search.chosen;
}

function visit(place: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const index = destinationOf(search.membersAt, place);
  const destination = destinations.at(index);
  if (weightOf(search.membersAt, place) === 0 || !isAvailable(destination)) return 0n;
  chooseIfLess(search, index, overheadOf(destination), 1);
  return 0n;
}
