// RFC 1071: the Internet checksum, over whole buffers. The data plane updates checksums by differences; this computes
// them anew, so that each can tell whether the other is right.

/** The ones' complement sum of all 16-bit words, not yet inverted; the last odd byte counts as a word's first. */
export function onesComplementSum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const bytes of parts) {
    for (let i = 0; i + 1 < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    if (bytes.length % 2 === 1) sum += (bytes[bytes.length - 1] ?? 0) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** What a checksum field must hold when it was zero in `parts`. Only the last part may have an odd number of bytes. */
export const internetChecksum = (...parts: readonly Uint8Array[]): number => ~onesComplementSum(...parts) & 0xffff;
