// TCP's states as LVS follows them: by flags alone, from what the director sees.
// Linux v6.12 net/netfilter/ipvs/ip_vs_proto_tcp.c: tcp_states[], tcp_states_dos[], set_tcp_state(), tcp_state_active_table[].

import type { u32, u64 } from "#layout/numbers.js";
import { u32 as U32, u64 as U64 } from "#layout/numbers.js";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "#wire/tcp.js";

/** Linux include/net/ip_vs.h, enum ip_vs_tcp_states; the names are those of `ipvsadm -Lc`. */
export const TCP_NONE = 0;
export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT = 4;
export const TCP_TIME_WAIT = 5;
export const TCP_CLOSE = 6;
export const TCP_CLOSE_WAIT = 7;
export const TCP_LAST_ACK = 8;
export const TCP_LISTEN = 9;
export const TCP_SYNACK = 10;

/** Who sent the packet, and what the director sees of the connection. */
export const FROM_CLIENT = 0;
export const FROM_SERVER = 1;
/** From the client, of a connection whose answers pass the director by (DR, TUN). */
export const FROM_CLIENT_ONLY = 2;

// The next state by the present one, four bits each, in the order of their numbers.
//                                       NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA
const CLIENT_SYN = pack(/*           */ [3, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3]);
const CLIENT_FIN = pack(/*           */ [6, 7, 2, 5, 5, 5, 6, 7, 8, 9, 5]);
const CLIENT_ACK = pack(/*           */ [1, 1, 2, 1, 4, 5, 6, 7, 6, 9, 1]);
const CLIENT_RST = pack(/*           */ [6, 6, 6, 3, 6, 6, 6, 6, 8, 9, 3]);
const SERVER_SYN = pack(/*           */ [2, 1, 2, 3, 2, 2, 2, 2, 2, 9, 3]);
const SERVER_FIN = pack(/*           */ [5, 4, 2, 5, 4, 5, 6, 5, 8, 9, 5]);
const SERVER_ACK = pack(/*           */ [1, 1, 2, 1, 4, 5, 6, 7, 8, 1, 1]);
const SERVER_RST = pack(/*           */ [6, 6, 2, 6, 6, 5, 6, 6, 6, 6, 6]);
const CLIENT_ONLY_SYN = pack(/*      */ [3, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3]);
const CLIENT_ONLY_FIN = pack(/*      */ [6, 4, 2, 5, 4, 5, 6, 7, 8, 9, 5]);
const CLIENT_ONLY_ACK = pack(/*      */ [1, 1, 2, 1, 4, 5, 6, 7, 6, 9, 1]);
const CLIENT_ONLY_RST = pack(/*      */ [6, 6, 6, 3, 6, 6, 6, 6, 8, 9, 6]);

// The rows in which the stricter table of secure_tcp differs: the server must answer before the client's word counts.
const SECURE_CLIENT_SYN = pack(/*    */ [3, 1, 1, 3, 3, 3, 3, 3, 3, 3, 10]);
const SECURE_CLIENT_FIN = pack(/*    */ [6, 7, 2, 5, 5, 5, 6, 7, 8, 9, 10]);
const SECURE_CLIENT_ACK = pack(/*    */ [1, 1, 2, 3, 4, 5, 6, 7, 6, 9, 10]);
const SECURE_CLIENT_RST = pack(/*    */ [6, 6, 6, 3, 6, 6, 6, 6, 8, 9, 6]);
const SECURE_SERVER_SYN = pack(/*    */ [2, 1, 2, 10, 2, 2, 2, 2, 2, 9, 10]);
const SECURE_CLIENT_ONLY_SYN = pack([10, 1, 1, 3, 10, 10, 10, 10, 10, 10, 10]);

/** States that count as active connections: ESTABLISHED, SYN_SENT, SYN_RECV, SYNACK. */
const ACTIVE_STATES = (1 << TCP_ESTABLISHED) | (1 << TCP_SYN_SENT) | (1 << TCP_SYN_RECV) | (1 << TCP_SYNACK);

/** The state after a packet with these flags: rst before syn before fin before ack; without any of them, CLOSE. */
export function nextState(state: u32, flags: u32, from: u32, isSecure: boolean): u32 {
  if ((flags & (TCP_RST | TCP_SYN | TCP_FIN | TCP_ACK)) === 0) return TCP_CLOSE;
  const states = isSecure ? secureStatesAfter(flags, from) : statesAfter(flags, from);
  return U32(states >> U64(state << 2)) & 0x0f;
}

function statesAfter(flags: u32, from: u32): u64 {
  if ((flags & TCP_RST) !== 0) return from === FROM_SERVER ? SERVER_RST : from === FROM_CLIENT ? CLIENT_RST : CLIENT_ONLY_RST;
  if ((flags & TCP_SYN) !== 0) return from === FROM_SERVER ? SERVER_SYN : from === FROM_CLIENT ? CLIENT_SYN : CLIENT_ONLY_SYN;
  if ((flags & TCP_FIN) !== 0) return from === FROM_SERVER ? SERVER_FIN : from === FROM_CLIENT ? CLIENT_FIN : CLIENT_ONLY_FIN;
  return from === FROM_SERVER ? SERVER_ACK : from === FROM_CLIENT ? CLIENT_ACK : CLIENT_ONLY_ACK;
}

function secureStatesAfter(flags: u32, from: u32): u64 {
  if ((flags & TCP_RST) !== 0) return from === FROM_CLIENT ? SECURE_CLIENT_RST : statesAfter(flags, from);
  if ((flags & TCP_SYN) !== 0) return from === FROM_SERVER ? SECURE_SERVER_SYN : from === FROM_CLIENT ? SECURE_CLIENT_SYN : SECURE_CLIENT_ONLY_SYN;
  if (from !== FROM_CLIENT) return statesAfter(flags, from);
  return (flags & TCP_FIN) !== 0 ? SECURE_CLIENT_FIN : SECURE_CLIENT_ACK;
}

export function isActive(state: u32): boolean {
  return ((ACTIVE_STATES >>> state) & 1) !== 0;
}

/** A SYN on a connection in such a state starts another one: TIME_WAIT and CLOSE (conn_reuse_mode 1), with 2 FIN_WAIT by DR and TUN. */
export function isReusable(state: u32, reuseMode: u32, answersUnseen: boolean): boolean {
  if (state === TCP_TIME_WAIT || state === TCP_CLOSE) return true;
  return (reuseMode & 2) !== 0 && state === TCP_FIN_WAIT && answersUnseen;
}

function pack(states: readonly u32[]): u64 {
  let packed = 0n;
  for (let i = 0; i < states.length; i++) packed |= U64(states[i]) << U64(4 * i);
  return packed;
}
