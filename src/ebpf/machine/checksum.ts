// The Internet checksum's arithmetic (RFC 1071, RFC 1624) in the kernel's terms: a __wsum is a 32-bit one's complement
// sum, a __sum16 its folded complement as it stands in a packet. Linux include/net/checksum.h,
// include/asm-generic/checksum.h. Results agree to the bit, which of the two zeros included.

export const csumAdd = (a: number, b: number): number => {
  const sum = (a >>> 0) + (b >>> 0);
  return sum > 0xffff_ffff ? (sum + 1) >>> 0 : sum;
};

export const csumSub = (a: number, b: number): number => csumAdd(a, ~b);

/** The complement of the sum in 16 bits. */
export function csumFold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return ~((once & 0xffff) + (once >>> 16)) & 0xffff;
}

/**
 * The sum of 32-bit words as they stand, added to `seed`; missing bytes of the last are zero. Words, not pairs of bytes,
 * as the kernel's csum_partial() of 64-bit machines sums: 0xffffffff and 0x1fffe are the same to a checksum, but not bits.
 */
export function csumPartial(bytes: Uint8Array, seed: number): number {
  let sum = seed;
  for (let i = 0; i < bytes.length; i += 4) {
    sum = csumAdd(sum, bytes[i]! | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24));
  }
  return sum >>> 0;
}

/** Without the complement. */
export function csumFrom32to16(sum: number): number {
  const rotated = (sum >>> 16) | (sum << 16);
  return ((sum >>> 0) + (rotated >>> 0)) % 0x1_0000_0000 >>> 16;
}

/** Of a __sum16, for a change of 32 bits that it covers. */
export const csumReplace4 = (check: number, from: number, to: number): number => csumFold(csumAdd(csumSub(~check, from), to));

/** For a change of 16 bits: RFC 1624 equation 3. */
export function csumReplace2(check: number, from: number, to: number): number {
  return ~csum16Add(csum16Add(~check & 0xffff, ~from & 0xffff), to & 0xffff) & 0xffff;
}

export const csumReplaceByDiff = (check: number, diff: number): number => csumFold(csumAdd(diff, ~check));

const csum16Add = (a: number, b: number): number => {
  const sum = a + b;
  return (sum & 0xffff) + (sum >>> 16);
};
