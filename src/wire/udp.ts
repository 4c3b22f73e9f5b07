// RFC 768: the User Datagram Protocol.

import { Be16 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";

/** 8 bytes. A checksum of zero: the sender computed none. */
export const Udp = struct("Udp", {
  source: Be16,
  destination: Be16,
  length: Be16,
  checksum: Be16,
}, { size: 8 });
export type Udp = View<typeof Udp>;

/** Where the checksum stands in the header, in bytes. */
export const UDP_CHECKSUM_OFFSET = 6;
