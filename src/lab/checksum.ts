// RFC 1071: the Internet checksum, and RFC 9260 appendix A: CRC32c, over whole buffers. The data plane updates both by
// differences; this computes them anew, so that each can tell whether the other is right.

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

/** SCTP's, of a packet whose checksum field holds zeros: the number whose least significant byte comes first in the field. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

/** By byte: what it adds to the remainder, by the polynomial 0x1edc6f41, whose bits are held in reverse. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ ((remainder & 1) * 0x82f63b78);
  return remainder;
});
