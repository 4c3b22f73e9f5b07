// RFC 1071 and 1624: the Internet checksum, and how it changes with a header's fields. Sums are ones' complement over
// 16-bit words as they stand in memory (RFC 1071 section 2 B: the byte order does not matter as long as it is one).

import type { Be16, Be32, u64 } from "#layout/numbers.js";
import { u16, u32 } from "#layout/numbers.js";

/** Folds a sum of 16-bit words into 16 bits; right for sums below 2^32. */
export function fold(sum: u32): u32 {
  let folded = (sum >>> 16) + (sum & 0xffff);
  folded = (folded >>> 16) + (folded & 0xffff);
  return folded;
}

/** RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). `difference` is the sum of ~m + m' for all that changes, below 2^31. */
export function replace(checksum: Be16, difference: u32): Be16 {
  return u16(~fold((~u32(checksum) & 0xffff) + difference)) as Be16;
}

/** ~m + m' of a 16-bit word. */
export function difference16(before: Be16, after: Be16): u32 {
  return (~u32(before) & 0xffff) + u32(after);
}

/** The same of a 32-bit word: of both its halves. */
export function difference32(before: Be32, after: Be32): u32 {
  const removed = ~u32(before);
  return (removed & 0xffff) + (removed >>> 16) + (u32(after) & 0xffff) + (u32(after) >>> 16);
}

/** The same of half an IPv6 address. */
export function difference64(before: u64, after: u64): u32 {
  return difference32(u32(before) as Be32, u32(after) as Be32) + difference32(u32(before >> 32n) as Be32, u32(after >> 32n) as Be32);
}

/** The words of 32 bits, added up. */
export function words32(value: Be32): u32 {
  return (u32(value) & 0xffff) + (u32(value) >>> 16);
}

/** The same of half an address. */
export function words64(value: u64): u32 {
  return words32(u32(value) as Be32) + words32(u32(value >> 32n) as Be32);
}
