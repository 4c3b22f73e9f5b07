// An address of either family, as the data plane carries it: sixteen bytes as they stand on the wire (RFC 4291). An IPv4
// address is the first half of `low`, and all else is zero; which of the two it is, something beside it says.

import type { Be32 } from "#layout/numbers.js";
import { u32, u64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";

/** 16 bytes. Both halves in the byte order of the wire, held as the host loads them: for ===, &, ^ only. */
export const Address = struct("Address", { high: u64, low: u64 }, { size: 16 });
export type Address = View<typeof Address>;

export function ipv4Of(address: Address): Be32 {
  return u32(address.low) as Be32;
}

/** Its 32-bit words, one upon the other by exclusive or: of IPv4, the address itself. */
export function foldAddress(address: Address): Be32 {
  const halves = address.high ^ address.low;
  return u32(u32(halves) ^ u32(halves >> 32n)) as Be32;
}
