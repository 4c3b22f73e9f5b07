// What persistence engines keep (engines/).

import { u32, u64, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { MapFlag } from "#ebpf/spec.js";
import { hashMap, table } from "#prelude/maps.js";
import { PROCESSORS } from "../config.js";
import { Place } from "./applications.js";

/** Linux v6.12 include/net/ip_vs.h, IP_VS_PEDATA_MAXLEN: bytes of a Call-ID. */
export const CALL_ID_MAX = 255;
/** Bytes of a message that are read: of a longer one none. */
export const SIP_MESSAGE_MAX = 2048;
/** Templates at once whose calls are shown: of more, weir goes by the call all the same. */
export const CALLS_MAX = 2 ** 16;

/** The text of a call, for those who list connections. */
export const Call = struct("Call", { text: array(u8, 256), length: u32 }, { size: 260 });
export const calls = hashMap("calls", Place, Call, CALLS_MAX, MapFlag.NO_PREALLOC);

/** A message while it is read, one a processor. In a map for the reason that Search is. */
export const SipMessage = struct("SipMessage", {
  bytes: array(u8, SIP_MESSAGE_MAX),
  length: u32,
  /** engines/sip.ts: at which step the walk over its bytes is, and from where on it goes on. */
  step: u32,
  resumeAt: u32,
  /** Of the Call-ID: where it begins, and its part behind @. */
  start: u32,
  domainAt: u32,
  callLength: u32,
  hash: u64,
  call: Call,
  spare: u32,
}, { size: 2344 });
export type SipMessage = View<typeof SipMessage>;
export const sipMessages = table("sipMessages", SipMessage, PROCESSORS);
/** What bpf_loop hands from byte to byte: whose message it is. */
export const SipReader = struct("SipReader", { processor: u32 });
export type SipReader = View<typeof SipReader>;
