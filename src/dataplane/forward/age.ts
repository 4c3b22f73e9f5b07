// Every forwarded packet is one hop older.

import type { Be16 } from "#layout/numbers.js";
import { be16, u16, u32 } from "#layout/numbers.js";
import type { Ipv4 } from "#wire/ipv4.js";

/** One less time to live. The packet's time to live is known to be above 1. */
export function age(ip: Ipv4): void {
  // Linux v6.12 include/net/ip.h, ip_decrease_ttl(): the time to live is the upper byte of its word, so the checksum grows
  // by 0x0100, as ones' complement numbers do: what is carried out comes in below, and 0xffff is 0.
  const sum = u32(ip.checksum) + u32(be16(0x0100));
  ip.checksum = u16(sum + ((sum + 1) >>> 16)) as Be16;
  ip.ttl -= 1;
}
