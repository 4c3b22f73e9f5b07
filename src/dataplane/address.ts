// Addresses as a program of one family sees them. Of IPv4 the upper half is known to be zero, and nothing is spent on it.

import { make } from "#prelude/intrinsics.js";
import { Address } from "#wire/address.js";
import { FAMILY, IPV6 } from "./config.js";

/** Whether two addresses of this program's family are one. */
export function isSame(a: Address, b: Address): boolean {
  return a.low === b.low && (FAMILY !== IPV6 || a.high === b.high);
}

/** 0.0.0.0 or :: */
export function isUnspecified(address: Address): boolean {
  return address.low === 0n && address.high === 0n;
}

export function masked(address: Address, mask: Address): Address {
  if (FAMILY !== IPV6) return make(Address, { low: address.low & mask.low });
  return make(Address, { high: address.high & mask.high, low: address.low & mask.low });
}
