// Every forwarded packet is one hop older. Linux v6.12 include/net/ip.h, ip_decrease_ttl().

import type { Be16 } from "#layout/numbers.js";
import { be16, u32 as U32 } from "#layout/numbers.js";
import type { Ipv4 } from "#wire/ipv4.js";
import { replace16 } from "#wire/checksum.js";

/** One less time to live; the checksum follows (RFC 1624). The packet's time to live is known to be above 1. */
export function age(ip: Ipv4): void {
  // The TTL is the first byte of a word in the packet: as a number in network order it counts 0x0100.
  const before = be16(U32(ip.ttl) << 8) as Be16;
  const after = be16(U32(ip.ttl - 1) << 8) as Be16;
  ip.checksum = replace16(ip.checksum, before, after);
  ip.ttl -= 1;
}
