// SCTP's states as LVS follows them: by chunks alone, from what the director sees. They are the server's (RFC 9260 section 4);
// INIT1, INIT, COOKIE_SENT, COOKIE_REPLIED and REJECTED are LVS's own.
// Linux v6.12 net/netfilter/ipvs/ip_vs_proto_sctp.c: sctp_states[], set_sctp_state(), sctp_events[].

import type { u32, u64 } from "#layout/numbers.js";
import { u32 as U32, u64 as U64 } from "#layout/numbers.js";
import {
  SCTP_CID_ABORT, SCTP_CID_COOKIE_ACK, SCTP_CID_COOKIE_ECHO, SCTP_CID_ERROR, SCTP_CID_INIT, SCTP_CID_INIT_ACK, SCTP_CID_SHUTDOWN,
  SCTP_CID_SHUTDOWN_ACK, SCTP_CID_SHUTDOWN_COMPLETE,
} from "#wire/sctp.js";
import { FROM_CLIENT, FROM_SERVER } from "./tcp.js";

/** Linux include/net/ip_vs.h, enum ip_vs_sctp_states; the names of `ipvsadm -Lc` are in control/encode. */
export const SCTP_NONE = 0;
export const SCTP_INIT1 = 1;
export const SCTP_INIT = 2;
export const SCTP_COOKIE_SENT = 3;
export const SCTP_COOKIE_REPLIED = 4;
export const SCTP_COOKIE_WAIT = 5;
export const SCTP_COOKIE = 6;
export const SCTP_COOKIE_ECHOED = 7;
export const SCTP_ESTABLISHED = 8;
export const SCTP_SHUTDOWN_SENT = 9;
export const SCTP_SHUTDOWN_RECEIVED = 10;
export const SCTP_SHUTDOWN_ACK_SENT = 11;
export const SCTP_REJECTED = 12;
export const SCTP_CLOSED = 13;

// The next state by the present one, four bits each, in the order of their numbers.
//                                                 NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL
const CLIENT_DATA = pack(/*                    */ [8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
const CLIENT_INIT = pack(/*                    */ [1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 2, 2]);
const CLIENT_INIT_ACK = pack(/*                */ [5, 5, 5, 3, 4, 6, 6, 7, 8, 9, 10, 11, 12, 13]);
const CLIENT_COOKIE_ECHO = pack(/*             */ [4, 2, 2, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
const CLIENT_COOKIE_ACK = pack(/*              */ [8, 1, 2, 3, 4, 5, 6, 8, 8, 9, 10, 11, 12, 13]);
const CLIENT_SHUTDOWN = pack(/*                */ [10, 1, 2, 3, 4, 5, 6, 7, 10, 9, 10, 11, 12, 13]);
const CLIENT_SHUTDOWN_ACK = pack(/*            */ [13, 2, 2, 3, 4, 5, 6, 7, 8, 13, 10, 13, 12, 13]);
const CLIENT_SHUTDOWN_COMPLETE = pack(/*       */ [13, 13, 13, 3, 4, 5, 6, 7, 8, 9, 10, 13, 12, 13]);
const CLIENT_ERROR = pack(/*                   */ [13, 1, 2, 3, 4, 5, 6, 13, 8, 9, 10, 11, 12, 13]);
const CLIENT_ABORT = pack(/*                   */ [13, 13, 13, 13, 13, 12, 13, 13, 13, 13, 13, 13, 13, 13]);
const SERVER_DATA = pack(/*                    */ [8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
const SERVER_INIT = pack(/*                    */ [5, 5, 5, 5, 5, 5, 5, 5, 8, 5, 5, 5, 5, 5]);
const SERVER_INIT_ACK = pack(/*                */ [3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
const SERVER_COOKIE_ECHO = pack(/*             */ [7, 7, 7, 7, 7, 7, 7, 7, 8, 9, 10, 11, 12, 13]);
const SERVER_COOKIE_ACK = pack(/*              */ [8, 8, 8, 8, 8, 8, 8, 8, 8, 9, 10, 11, 12, 13]);
const SERVER_SHUTDOWN = pack(/*                */ [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 10, 11, 12, 13]);
const SERVER_SHUTDOWN_ACK = pack(/*            */ [11, 11, 11, 11, 11, 5, 6, 7, 8, 11, 11, 11, 12, 13]);
const SERVER_SHUTDOWN_COMPLETE = pack(/*       */ [13, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
const SERVER_ERROR = pack(/*                   */ [13, 13, 13, 13, 13, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
const SERVER_ABORT = pack(/*                   */ [13, 12, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13]);
const CLIENT_ONLY_DATA = pack(/*               */ [8, 1, 2, 3, 4, 8, 6, 7, 8, 9, 10, 11, 12, 13]);
const CLIENT_ONLY_INIT = pack(/*               */ [1, 2, 2, 2, 2, 2, 6, 7, 8, 9, 10, 11, 2, 2]);
const CLIENT_ONLY_INIT_ACK = pack(/*           */ [7, 7, 7, 7, 7, 7, 6, 7, 8, 9, 10, 11, 12, 13]);
const CLIENT_ONLY_COOKIE_ECHO = pack(/*        */ [8, 8, 8, 8, 8, 8, 6, 7, 8, 9, 10, 11, 12, 13]);
const CLIENT_ONLY_COOKIE_ACK = pack(/*         */ [8, 1, 2, 8, 8, 5, 8, 8, 8, 9, 10, 11, 12, 13]);
const CLIENT_ONLY_SHUTDOWN = pack(/*           */ [10, 1, 2, 3, 4, 5, 6, 7, 10, 9, 10, 11, 12, 13]);
const CLIENT_ONLY_SHUTDOWN_ACK = pack(/*       */ [13, 2, 2, 3, 4, 5, 6, 7, 13, 13, 10, 13, 12, 13]);
const CLIENT_ONLY_SHUTDOWN_COMPLETE = pack(/*  */ [13, 13, 13, 13, 13, 5, 6, 7, 8, 9, 13, 13, 12, 13]);
const CLIENT_ONLY_ERROR = pack(/*              */ [13, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
const CLIENT_ONLY_ABORT = pack(/*              */ [13, 13, 13, 13, 13, 12, 13, 13, 13, 13, 13, 13, 13, 13]);

/** The state after a packet with these first two chunks: RFC 9260 section 3.3.7, an ABORT counts behind a cookie too. */
export function nextState(state: u32, chunk: u32, chunkAfter: u32, from: u32): u32 {
  const states = statesAfter(chunkAfter === SCTP_CID_ABORT ? chunkAfter : chunk, from);
  return U32(states >> U64(state << 2)) & 0x0f;
}

/** Types that are none of these, unknown ones too, are as DATA. */
function statesAfter(chunk: u32, from: u32): u64 {
  switch (chunk) {
    case SCTP_CID_INIT: return from === FROM_SERVER ? SERVER_INIT : from === FROM_CLIENT ? CLIENT_INIT : CLIENT_ONLY_INIT;
    case SCTP_CID_INIT_ACK: return from === FROM_SERVER ? SERVER_INIT_ACK : from === FROM_CLIENT ? CLIENT_INIT_ACK : CLIENT_ONLY_INIT_ACK;
    case SCTP_CID_ABORT: return from === FROM_SERVER ? SERVER_ABORT : from === FROM_CLIENT ? CLIENT_ABORT : CLIENT_ONLY_ABORT;
    case SCTP_CID_SHUTDOWN: return from === FROM_SERVER ? SERVER_SHUTDOWN : from === FROM_CLIENT ? CLIENT_SHUTDOWN : CLIENT_ONLY_SHUTDOWN;
    case SCTP_CID_SHUTDOWN_ACK: return from === FROM_SERVER ? SERVER_SHUTDOWN_ACK : from === FROM_CLIENT ? CLIENT_SHUTDOWN_ACK : CLIENT_ONLY_SHUTDOWN_ACK;
    case SCTP_CID_ERROR: return from === FROM_SERVER ? SERVER_ERROR : from === FROM_CLIENT ? CLIENT_ERROR : CLIENT_ONLY_ERROR;
    case SCTP_CID_COOKIE_ECHO: return from === FROM_SERVER ? SERVER_COOKIE_ECHO : from === FROM_CLIENT ? CLIENT_COOKIE_ECHO : CLIENT_ONLY_COOKIE_ECHO;
    case SCTP_CID_COOKIE_ACK: return from === FROM_SERVER ? SERVER_COOKIE_ACK : from === FROM_CLIENT ? CLIENT_COOKIE_ACK : CLIENT_ONLY_COOKIE_ACK;
    case SCTP_CID_SHUTDOWN_COMPLETE:
      return from === FROM_SERVER ? SERVER_SHUTDOWN_COMPLETE : from === FROM_CLIENT ? CLIENT_SHUTDOWN_COMPLETE : CLIENT_ONLY_SHUTDOWN_COMPLETE;
    default: return from === FROM_SERVER ? SERVER_DATA : from === FROM_CLIENT ? CLIENT_DATA : CLIENT_ONLY_DATA;
  }
}

export function isActive(state: u32): boolean {
  return state === SCTP_ESTABLISHED;
}

/** An INIT on a connection in such a state starts another one. */
export function isReusable(state: u32): boolean {
  return state === SCTP_CLOSED;
}

function pack(states: readonly u32[]): u64 {
  let packed = 0n;
  for (let i = 0; i < states.length; i++) packed |= U64(states[i]) << U64(4 * i);
  return packed;
}
