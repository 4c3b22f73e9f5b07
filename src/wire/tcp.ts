// RFC 9293: the Transmission Control Protocol.

import { Be16, Be32, i32, u8 } from "#layout/numbers.js";
import type { u32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";

/** The header without options: 20 bytes. */
export const Tcp = struct("Tcp", {
  source: Be16,
  destination: Be16,
  sequence: Be32,
  acknowledgement: Be32,
  /** Header length in 32-bit words in the upper four bits. */
  dataOffset: u8,
  flags: u8,
  window: Be16,
  checksum: Be16,
  urgent: Be16,
}, { size: 20 });
export type Tcp = View<typeof Tcp>;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_ACK = 0x10;

/** Where the checksum stands in the header, in bytes. */
export const TCP_CHECKSUM_OFFSET = 16;

/** Options: their bytes at most, and kinds (RFC 9293 section 3.2, RFC 2018). Each but the first two is followed by its length. */
export const TCP_OPTIONS_MAX = 40;
export const TCP_OPTION_END = 0;
export const TCP_OPTION_NOTHING = 1;
export const TCP_OPTION_SACK = 5;

/** Whether a sequence number stands behind another (RFC 9293 section 3.4; Linux include/net/tcp.h, after()). */
export function isAfter(a: u32, b: u32): boolean {
  return i32(b - a) < 0;
}
