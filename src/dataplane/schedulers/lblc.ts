// lblc: locality-based least connection. Linux v6.12 net/netfilter/ipvs/ip_vs_lblc.c, ip_vs_lblc_schedule(): an address's
// connections stay with one server, chosen as by wlc, while that has a weight and is not crowded. For caches that serve
// many addresses.

import type { u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Address } from "#wire/address.js";
import { isCrowded, isOutdated, remember, stillServes } from "../locality.js";
import type { Service } from "../maps.js";
import { LocalityKey, Searcher, destinations, localities, sysctls } from "../maps.js";
import { NO_DESTINATION, beginSearch } from "../member.js";
import { scheduleWeightedLeastConnection } from "./wlc.js";

export function scheduleByLocality(service: Service, address: Address, now: u32): u32 {
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  const key = make(LocalityKey, { serviceSlot: service.slot, address });
  const locality = localities.lookup(key);
  if (locality !== null && !isOutdated(locality.usedAt, now, sysctls.at(0).lblc_expiration)) {
    locality.usedAt = now;
    const server = locality.servers[0];
    const destination = destinations.at(server);
    if (stillServes(destination, service) && !isCrowded(search, searcher, destination)) return server;
  }
  const chosen = scheduleWeightedLeastConnection(service);
  if (chosen !== NO_DESTINATION) remember(search, key, chosen, now);
  return chosen;
}
