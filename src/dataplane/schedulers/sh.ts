// sh: source hashing. Linux v6.12 net/netfilter/ipvs/ip_vs_sh.c, ip_vs_sh_schedule(): the client's address, with sh-port
// its port too, leads to one of 256 slots, and the slot to its member. Where that takes none, sh-fallback goes on from
// slot to slot. control/slots.ts fills the slots.

import type { Be16, i64, u32 } from "#layout/numbers.js";
import { host16, host32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Address } from "#wire/address.js";
import { foldAddress } from "#wire/address.js";
import type { Service } from "../maps.js";
import { HASH_FALLBACK, HASH_PORT, Searcher, schedulerStates, searches } from "../maps.js";
import { NO_DESTINATION, beginSearch } from "../member.js";
import { destinationIfOpen, hash32, openDestinationAt } from "../slot.js";

/** CONFIG_IP_VS_SH_TAB_BITS, as distributions have it. */
export const SH_SLOTS_BITS = 8;
const SH_SLOTS = 1 << SH_SLOTS_BITS;

export function scheduleSourceHashing(service: Service, address: Address, port: Be16): u32 {
  const state = schedulerStates.at(service.stateAt);
  const hashedPort = (service.schedulerFlags & HASH_PORT) !== 0 ? host16(port) : 0;
  const slot = hash32(host32(foldAddress(address)) + hashedPort, SH_SLOTS_BITS);
  const chosen = destinationIfOpen(state, slot);
  if (chosen !== NO_DESTINATION || (service.schedulerFlags & HASH_FALLBACK) === 0) return chosen;

  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  search.slotsAt = state.slotsAt;
  search.slotsStart = slot;
  bpf_loop(state.slotsCount, visit, searcher, 0n);
  return search.chosen;
}

/** ip_vs_sh_get_fallback(): slots in turn, from that which is as far from the first one tried as that is from 0. */
function visit(round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  search.chosen = openDestinationAt(search.slotsAt + ((round + search.slotsStart * 2) & (SH_SLOTS - 1)));
  return search.chosen === NO_DESTINATION ? 0n : 1n;
}
