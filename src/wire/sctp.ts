// RFC 9260: the Stream Control Transmission Protocol.

import { Be16, Be32, u8, u32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";

/** The common header: 12 bytes, behind which come chunks. */
export const Sctp = struct("Sctp", {
  source: Be16,
  destination: Be16,
  verificationTag: Be32,
  /** CRC32c of the packet (crc32c.ts). Its least significant byte comes first, as in the host. */
  checksum: u32,
}, { size: 12 });
export type Sctp = View<typeof Sctp>;

/** The header of a chunk: 4 bytes. */
export const SctpChunk = struct("SctpChunk", {
  type: u8,
  flags: u8,
  /** With this header, without the bytes that fill up to the next multiple of four. */
  length: Be16,
}, { size: 4 });
export type SctpChunk = View<typeof SctpChunk>;

/** Types of chunks, as Linux include/linux/sctp.h spells them. */
export const SCTP_CID_DATA = 0;
export const SCTP_CID_INIT = 1;
export const SCTP_CID_INIT_ACK = 2;
export const SCTP_CID_ABORT = 6;
export const SCTP_CID_SHUTDOWN = 7;
export const SCTP_CID_SHUTDOWN_ACK = 8;
export const SCTP_CID_ERROR = 9;
export const SCTP_CID_COOKIE_ECHO = 10;
export const SCTP_CID_COOKIE_ACK = 11;
export const SCTP_CID_SHUTDOWN_COMPLETE = 14;
