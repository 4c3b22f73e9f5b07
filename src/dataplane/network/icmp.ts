// The director's own words to an IPv4 client: RFC 792 errors from the VIP, in answer to a packet that cannot go on. TC
// only, where a packet can change its length freely; XDP leaves such packets to TC. network/icmpv6.ts is its sibling.
//
//   │ Ethernet, turned round │ IP VIP→CIP tos 0xc0 ttl 64 │ ICMP type code │ the packet that caused it, 548 bytes at most │

import type { Be16, Be32, i32, u32 } from "#layout/numbers.js";
import { be16, host16, u16, u64 as U64 } from "#layout/numbers.js";
import { BPF_ADJ_ROOM_MAC } from "#prelude/flags.js";
import { bpf_skb_adjust_room, bpf_skb_change_tail } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { Address } from "#wire/address.js";
import { fold } from "#wire/checksum.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { Icmp } from "#wire/icmp.js";
import { IPPROTO_ICMP, IPV4_HEADER_MIN, IPV4_PLAIN, Ipv4 } from "#wire/ipv4.js";
import { NETWORK_AT } from "../flow.js";
import { headerChecksum } from "../header-checksum.js";
import { sendBack } from "../hop.js";
import { Verdict, drop } from "../verdict.js";
import { sumOf, turnRound } from "./reply.js";

/** RFC 1812 4.3.2.3: as much as fits in 576 bytes. */
const ICMP_PACKET_MAX = 576;
const ICMP_HEADERS = IPV4_HEADER_MIN + Icmp.size;
const QUOTE_MAX = ICMP_PACKET_MAX - ICMP_HEADERS;
/** Linux net/ipv4/icmp.c, icmp_send(): IPTOS_PREC_INTERNETCONTROL. */
export const INTERNETWORK_CONTROL = 0xc0;
/** Linux include/uapi/linux/ip.h: what icmp_send() keeps of the cause's type of service. */
export const IPTOS_TOS_MASK = 0x1e;
const ICMP_TTL = 64;

/** Of an error about a packet of so many bytes: its own, with all headers. */
export function errorBytes(bytes: u32): u32 {
  return ICMP_HEADERS + (bytes < QUOTE_MAX ? bytes : QUOTE_MAX);
}

/** Turns the packet into an ICMP error to its sender and sends it back. `rest`: the next-hop MTU of FRAG_NEEDED, else 0. */
export function sendError(packet: Packet, type: u32, code: u32, rest: Be32, verdict: u32): i32 {
  "use subprogram";
  const cause = packet.view(Ipv4, NETWORK_AT);
  if (cause === null) return drop(Verdict.rewriteFailed);
  const client = cause.source;
  const virtual = cause.destination;
  const identification = cause.identification;
  const typeOfService = (cause.typeOfService & IPTOS_TOS_MASK) | INTERNETWORK_CONTROL;
  const length = host16(cause.totalLength);
  const quoted = length < QUOTE_MAX ? length : QUOTE_MAX;
  if (bpf_skb_change_tail(packet, NETWORK_AT + quoted, 0n) !== 0n) return drop(Verdict.rewriteFailed);
  if (bpf_skb_adjust_room(packet, ICMP_HEADERS, BPF_ADJ_ROOM_MAC, 0n) !== 0n) return drop(Verdict.rewriteFailed);

  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return drop(Verdict.rewriteFailed);
  turnRound(ethernet);
  ethernet.etherType = ETH_P_IP;
  // RFC 6864 4.1: unique among what is sent to one host within its lifetime; the client's own numbering is.
  if (!writeHeader(packet, ICMP_HEADERS + quoted, typeOfService, identification, virtual, client)) return drop(Verdict.rewriteFailed);
  const icmp = packet.view(Icmp, NETWORK_AT + IPV4_HEADER_MIN);
  if (icmp === null) return drop(Verdict.rewriteFailed);
  icmp.type = type;
  icmp.code = code;
  icmp.checksum = be16(0);
  icmp.rest = rest;
  icmp.checksum = u16(~fold(sumOf(packet, NETWORK_AT + IPV4_HEADER_MIN, Icmp.size + quoted))) as Be16;
  return sendBack(packet, make(Address, { low: U64(client) }), verdict);
}

/** The IP header of the director's own error, `bytes` long with it. False when the packet is too short after all. */
export function writeHeader(packet: Packet, bytes: u32, typeOfService: u32, identification: Be16, source: Be32, destination: Be32): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  ip.versionAndLength = IPV4_PLAIN;
  ip.typeOfService = typeOfService;
  ip.totalLength = be16(bytes);
  ip.identification = identification;
  ip.flagsAndOffset = be16(0);
  ip.ttl = ICMP_TTL;
  ip.protocol = IPPROTO_ICMP;
  ip.source = source;
  ip.destination = destination;
  ip.checksum = headerChecksum(ip);
  return true;
}
