// dh: destination hashing. Linux v6.12 net/netfilter/ipvs/ip_vs_dh.c, ip_vs_dh_schedule(): the address that the client
// asks for leads to one of 256 slots, and the slot to its member, whatever the weights; a member that has weight 0 or is
// overloaded takes none, and nobody in its place. control/slots.ts fills the slots.

import type { u32 } from "#layout/numbers.js";
import { host32 } from "#layout/numbers.js";
import type { Address } from "#wire/address.js";
import { foldAddress } from "#wire/address.js";
import type { Service } from "../maps.js";
import { schedulerStates } from "../maps.js";
import { destinationIfOpen, hash32 } from "../slot.js";

/** CONFIG_IP_VS_DH_TAB_BITS, as distributions have it. */
export const DH_SLOTS_BITS = 8;

export function scheduleDestinationHashing(service: Service, address: Address): u32 {
  const state = schedulerStates.at(service.stateAt);
  return destinationIfOpen(state, hash32(host32(foldAddress(address)), DH_SLOTS_BITS));
}
