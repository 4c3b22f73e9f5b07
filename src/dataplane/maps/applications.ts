// What the program for connections of applications keeps (application.ts, dialogue.ts).

import { u16, u32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { hashMap, table } from "#prelude/maps.js";
import { Address } from "#wire/address.js";
import { PROCESSORS } from "../config.js";
import { DIALOGUES_MAX } from "./limits.js";

/** A connection by its place, in the table of its family. */
export const Place = struct("Place", { connection: u32, family: u32 }, { size: 8 });

/** What is kept of an application's connection beside its entry: Linux include/net/ip_vs.h, struct ip_vs_conn, app_data, n_control and out_seq. */
export const Dialogue = struct("Dialogue", {
  /** What the client asked for last: applications/ftp.ts, ACTIVE and its siblings. */
  mode: u32,
  /** Whether the answer to that is still to come; the sequence number of the one that came last. */
  awaitsReply: u32,
  repliedAt: u32,
  /** Connections that it announced and that still stand. While there are any, it does. */
  controlled: u32,
  /** Of the server's bytes, what their sequence numbers grow by on the way: up to the last one that changed its length, and after it (application.ts). */
  correctedAt: u32,
  growthBefore: u32,
  growthAfter: u32,
  spare: u32,
}, { size: 32 });
export type Dialogue = View<typeof Dialogue>;
export const dialogues = hashMap("dialogues", Place, Dialogue, DIALOGUES_MAX);

/** Bytes of an FTP line; a payload of more is none. Twice as many are all that bpf_csum_diff() compares at once. */
export const FTP_LINE_BYTES = 256;

/** A line of FTP's while it is read, one a processor. In a map for the reason that Search is. */
export const FtpLine = struct("FtpLine", {
  bytes: array(u8, FTP_LINE_BYTES),
  /** As it goes on: with `text` in the place of the bytes from `start` to before `end`. */
  rewritten: array(u8, FTP_LINE_BYTES),
  text: array(u8, 32),
  /** Bytes of each. */
  length: u32,
  rewrittenLength: u32,
  textLength: u32,
  start: u32,
  end: u32,
  /** applications/ftp.ts: at which step the walk over its bytes is, what it looks for and what it found. */
  step: u32,
  mode: u32,
  skip: u8,
  skipped: u8,
  delimiter: u8,
  /** Of an address: how many numbers are read, the one that is being read, and what came last. */
  numbersCount: u8,
  number: u32,
  last: u32,
  /** IPv6: how many numbers stand before ::, or NO_GAP. */
  gapAt: u32,
  groups: array(u16, 8),
  port: u32,
  address: Address,
  spare: array(u32, 10),
}, { size: 664 });
export type FtpLine = View<typeof FtpLine>;
export const ftpLines = table("ftpLines", FtpLine, PROCESSORS);
/** What bpf_loop hands from byte to byte: whose line it is. */
export const FtpReader = struct("FtpReader", { processor: u32 });
export type FtpReader = View<typeof FtpReader>;
