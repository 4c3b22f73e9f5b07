// mh: Maglev hashing. Linux v6.12 net/netfilter/ipvs/ip_vs_mh.c, ip_vs_mh_schedule(): the client's address, with mh-port
// its port too, leads to one of 4,093 slots, and the slot to its member. Where that takes none, mh-fallback tries other
// slots. control/maglev.ts fills them such that a member more or less changes few of them.

import type { Be16, i64, u32 } from "#layout/numbers.js";
import { host16, host32, u32 as U32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Address } from "#wire/address.js";
import { foldAddress } from "#wire/address.js";
import type { Service } from "../maps.js";
import { HASH_FALLBACK, HASH_PORT, Searcher, schedulerStates, searches } from "../maps.js";
import { NO_DESTINATION, anyOpen, beginSearch } from "../member.js";
import { sipHash } from "../siphash.js";
import { destinationIfOpen, openDestinationAt } from "../slot.js";

/** CONFIG_IP_VS_MH_TAB_INDEX 12, as distributions have it: the fifth of the kernel's primes. */
export const MH_SLOTS = 4093;
/** generate_hash_secret(): both halves of each key. */
export const MH_KEY = 2654435761n;
export const MH_SKIP_KEY = 2654446892n;

export function scheduleMaglevHashing(service: Service, address: Address, port: Be16): u32 {
  const state = schedulerStates.at(service.stateAt);
  const hashedPort = (service.schedulerFlags & HASH_PORT) !== 0 ? host16(port) : 0;
  const hashed = host32(foldAddress(address)) + hashedPort;
  const slot = slotOf(hashed);
  const chosen = destinationIfOpen(state, slot);
  if (chosen !== NO_DESTINATION || (service.schedulerFlags & HASH_FALLBACK) === 0) return chosen;

  const searcher = make(Searcher, { processor: bpf_get_smp_processor_id() });
  const search = beginSearch(searcher, service);
  // Where nobody takes any, thousands of hashes would only tell the same.
  if (!anyOpen(search, searcher)) return NO_DESTINATION;
  search.hashed = hashed;
  search.slotsAt = state.slotsAt;
  search.slotsStart = slot;
  bpf_loop(state.slotsCount, visit, searcher, 0n);
  return search.chosen;
}

/** ip_vs_mh_get_fallback(): the address hashed anew with a number that counts up from the first slot's. */
function visit(round: u32, searcher: Searcher): i64 {
  const search = searches.at(searcher.processor);
  const offset = (round + search.slotsStart) % MH_SLOTS;
  search.chosen = openDestinationAt(search.slotsAt + slotOf(search.hashed + offset));
  return search.chosen === NO_DESTINATION ? 0n : 1n;
}

function slotOf(hashed: u32): u32 {
  return U32(sipHash(hashed, MH_KEY)) % MH_SLOTS;
}
