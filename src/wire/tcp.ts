// RFC 9293: the Transmission Control Protocol.

import { Be16, Be32, u8 } from "#layout/numbers.js";
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
