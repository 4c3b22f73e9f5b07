// RFC 1071 and 1624: the Internet checksum, and how it changes with a header's fields. Sums are ones' complement over
// 16-bit words as they stand in memory (RFC 1071 section 2 B: the byte order does not matter as long as it is one).

import type { Be16, Be32 } from "#layout/numbers.js";
import { u16, u32 } from "#layout/numbers.js";

/** Folds a sum of 16-bit words into 16 bits; right for sums below 2^32. */
export function fold(sum: u32): u32 {
  let folded = (sum >>> 16) + (sum & 0xffff);
  folded = (folded >>> 16) + (folded & 0xffff);
  return folded;
}

/** RFC 1624 equation 3: HC' = ~(~HC + ~m + m'), for one 16-bit word. */
export function replace16(checksum: Be16, before: Be16, after: Be16): Be16 {
  const sum = (~u32(checksum) & 0xffff) + (~u32(before) & 0xffff) + u32(after);
  return u16(~fold(sum)) as Be16;
}

/** The same for a 32-bit word: equation 3 with both its halves. */
export function replace32(checksum: Be16, before: Be32, after: Be32): Be16 {
  const removed = ~u32(before);
  const sum = (~u32(checksum) & 0xffff) + (removed & 0xffff) + (removed >>> 16) + (u32(after) & 0xffff) + (u32(after) >>> 16);
  return u16(~fold(sum)) as Be16;
}
