// Which virtual service a packet is for. Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_service_find().

import type { Be16, u32 } from "#layout/numbers.js";
import { be16, u32 as U32, u64 as U64 } from "#layout/numbers.js";
import { make } from "#prelude/intrinsics.js";
import type { Address } from "#wire/address.js";
import { foldAddress } from "#wire/address.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { FAMILY } from "./config.js";
import type { Service } from "./maps.js";
import { ServiceKey, services, settings, VIP_FILTER_BITS } from "./maps.js";

/** The service on that port, or else the one on port 0. */
export function findService(address: Address, port: Be16, protocol: IpProtocol): Service | null {
  const key = make(ServiceKey, { address, port, protocol, family: FAMILY });
  const service = services.lookup(key);
  if (service !== null || settings.at(0).anyPortServices === 0) return service;
  key.port = ANY_PORT;
  return services.lookup(key);
}
const ANY_PORT = be16(0);

/** False only for an address that no service has: most packets that are none of ours end here, without a look-up. */
export function mayBeVip(address: Address): boolean {
  const bit = vipFilterBit(address);
  return ((settings.at(0).vipFilter[bit >>> 6] >> U64(bit & 63)) & 1n) !== 0n;
}

/** The filter's bit for an address; control/ sets by it what packets ask by it. */
export function vipFilterBit(address: Address): u32 {
  return U32((U64(foldAddress(address)) * 0x9e3779b1n) >> 20n) & (VIP_FILTER_BITS - 1);
}
