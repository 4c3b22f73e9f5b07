// RFC 792: the Internet Control Message Protocol.

import { Be16, Be32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";

/** 8 bytes; what `rest` means depends on the type. */
export const Icmp = struct("Icmp", {
  type: u8,
  code: u8,
  checksum: Be16,
  rest: Be32,
}, { size: 8 });
export type Icmp = View<typeof Icmp>;

/** Names as Linux include/uapi/linux/icmp.h spells them. */
export const ICMP_DEST_UNREACH = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_HOST_UNREACH = 1;
export const ICMP_PORT_UNREACH = 3;
export const ICMP_FRAG_NEEDED = 4;
export const ICMP_EXC_TTL = 0;
