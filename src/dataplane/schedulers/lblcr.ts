// lblcr: locality-based least connection with replication. Linux v6.12 net/netfilter/ipvs/ip_vs_lblcr.c,
// ip_vs_lblcr_schedule(): as lblc, but an address has some servers, of which the one with the fewest connections for its
// weight is taken. When that is crowded another joins them; after lblcr_expiration without a change, a day, the most loaded leaves.

import type { i64, u32 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Address } from "#wire/address.js";
import { isCrowded, isOutdated, remember } from "../locality.js";
import type { Locality, Search, Service } from "../maps.js";
import { LOCALITY_SERVERS_MAX, LocalityKey, Searcher, destinations, localities, searches, sysctls } from "../maps.js";
import { NO_DESTINATION, beginSearch, chooseIfLess, isAvailable, overheadOf } from "../member.js";
import { scheduleWeightedLeastConnection } from "./wlc.js";

export function scheduleByLocalityWithReplication(service: Service, address: Address, now: u32): u32 {
  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  const key = make(LocalityKey, { serviceSlot: service.slot, address });
  const locality = localities.lookup(key);
  if (locality === null || isOutdated(locality.usedAt, now, sysctls.at(0).lblcr_expiration)) {
    const first = scheduleWeightedLeastConnection(service);
    if (first !== NO_DESTINATION) remember(search, key, first, now);
    return first;
  }
  locality.usedAt = now;
  search.locality = locality;
  search.serviceSlot = service.slot;
  bpf_loop(search.locality.serversCount, findLeast, searcher, 0n);
  const least = search.chosen;
  if (search.locality.serversCount > 1 && isOutdated(search.locality.changedAt, now, sysctls.at(0).lblcr_expiration)) shrink(search, searcher, key, now);
  if (least !== NO_DESTINATION && !isCrowded(search, searcher, destinations.at(least))) return least;

  const chosen = scheduleWeightedLeastConnection(service);
  if (chosen !== NO_DESTINATION) join(search, searcher, key, chosen, now);
  return chosen;
}

/** ip_vs_dest_set_min(): the newest first. */
function findLeast(round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const server = newest(search.locality, round);
  const destination = destinations.at(server);
  if (!isAvailable(destination) || destination.serviceSlot !== search.serviceSlot) return 0n;
  chooseIfLess(search, server, overheadOf(destination), destination.weight);
  return 0n;
}

/** ip_vs_dest_set_max(): the one with the most connections for its weight goes. */
function shrink(search: Search, searcher: Searcher, key: View<typeof LocalityKey>, now: u32): void {
  search.second = NO_DESTINATION;
  bpf_loop(search.locality.serversCount, findMost, searcher, 0n);
  if (search.second === NO_DESTINATION) return;
  leave(search, searcher);
  save(search, key, now);
}

function findMost(round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const server = newest(search.locality, round);
  const destination = destinations.at(server);
  const load = overheadOf(destination);
  if (destination.weight === 0) return 0n;
  if (search.second !== NO_DESTINATION && search.secondLoad * U64(destination.weight) >= load * U64(search.secondWeight)) return 0n;
  search.second = server;
  search.secondWeight = destination.weight;
  search.secondLoad = load;
  return 0n;
}

/** ip_vs_dest_set_insert(): unless it is there already. In a full set it takes the place of the oldest. */
function join(search: Search, searcher: Searcher, key: View<typeof LocalityKey>, server: u32, now: u32): void {
  search.found = 0;
  bpf_loop(search.locality.serversCount, findChosen, searcher, 0n);
  if (search.found !== 0) return;
  if (search.locality.serversCount >= LOCALITY_SERVERS_MAX) {
    search.second = search.locality.servers[0];
    leave(search, searcher);
  }
  search.locality.servers[search.locality.serversCount] = server;
  search.locality.serversCount += 1;
  save(search, key, now);
}

function findChosen(round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  if (search.locality.servers[round] !== search.chosen) return 0n;
  search.found = 1;
  return 1n;
}

/** ip_vs_dest_set_erase() of the server `second`; the others keep their order. */
function leave(search: Search, searcher: Searcher): void {
  search.kept = 0;
  bpf_loop(search.locality.serversCount, keepOthers, searcher, 0n);
  search.locality.serversCount = search.kept;
}

function keepOthers(round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const server = search.locality.servers[round];
  if (server === search.second) return 0n;
  search.locality.servers[search.kept] = server;
  search.kept += 1;
  return 0n;
}

function newest(locality: Locality, round: u32): u32 {
  return locality.servers[locality.serversCount - 1 - round];
}

function save(search: Search, key: View<typeof LocalityKey>, now: u32): void {
  search.locality.changedAt = now;
  localities.update(key, search.locality, 0n);
}
