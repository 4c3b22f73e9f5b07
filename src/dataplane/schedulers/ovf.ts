// ovf: overflow. Linux v6.12 net/netfilter/ipvs/ip_vs_ovf.c, ip_vs_ovf_schedule(): as fo, among the members that have no
// more active connections than their weight says.

import type { i64, u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Service } from "../maps.js";
import { Searcher, destinations, searches } from "../maps.js";
import { beginSearch, chooseIfHeavier, destinationOf, isAvailable, weightOf } from "../member.js";

export function scheduleOverflow(service: Service): u32 {
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
  if (isAvailable(destination) && destination.activeConnections <= weight) chooseIfHeavier(search, index, weight);
  return 0n;
}
