// The checksum of an IPv4 header that the director makes (RFC 791 section 3.1: over the header, itself taken as zero).

import type { Be16 } from "#layout/numbers.js";
import { u16, u32 } from "#layout/numbers.js";
import { fold } from "#wire/checksum.js";
import type { Ipv4 } from "#wire/ipv4.js";

/** Of a header without options. */
export function headerChecksum(ip: Ipv4): Be16 {
  const sum = words(ip.versionAndLength, ip.typeOfService) + u32(ip.totalLength) + u32(ip.identification)
    + u32(ip.flagsAndOffset) + words(ip.ttl, u32(ip.protocol))
    + halves(u32(ip.source)) + halves(u32(ip.destination));
  return u16(~fold(sum)) as Be16;
}

/** Two bytes as they stand side by side in memory, as one 16-bit word of a little-endian machine. */
function words(first: u32, second: u32): u32 {
  return first | (second << 8);
}

function halves(word: u32): u32 {
  return (word & 0xffff) + (word >>> 16);
}
