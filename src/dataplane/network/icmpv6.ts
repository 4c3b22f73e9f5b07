// The director's own words to an IPv6 client: RFC 4443 errors from the VIP, in answer to a packet that cannot go on. TC
// only. network/icmp.ts is its sibling.
//
//   │ Ethernet, turned round │ IP VIP→CIP hop limit 64 │ ICMPv6 type code │ the packet that caused it, 1,232 bytes at most │

import type { Be16, Be32, i32 } from "#layout/numbers.js";
import { be16, host16, u16, u32 } from "#layout/numbers.js";
import { BPF_ADJ_ROOM_MAC } from "#prelude/flags.js";
import { bpf_skb_adjust_room, bpf_skb_change_tail } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { Address } from "#wire/address.js";
import { difference64, fold } from "#wire/checksum.js";
import { Ethernet } from "#wire/ethernet.js";
import { Icmp } from "#wire/icmp.js";
import { IPPROTO_ICMPV6, IPV6_HEADER, IPV6_VERSION, Ipv6 } from "#wire/ipv6.js";
import { NETWORK_AT } from "../flow.js";
import { sendBack } from "../hop.js";
import { Verdict, drop } from "../verdict.js";
import { ERROR_PACKET_MAX, sumOf, turnRound } from "./reply.js";

const ICMP_HEADERS = IPV6_HEADER + Icmp.size;
const QUOTE_MAX = ERROR_PACKET_MAX - ICMP_HEADERS;
const ICMPV6_HOP_LIMIT = 64;

/** Of an error about a packet of so many bytes: its own, with all headers. */
export function errorBytes(bytes: u32): u32 {
  return ICMP_HEADERS + (bytes < QUOTE_MAX ? bytes : QUOTE_MAX);
}

/** Turns the packet into an ICMPv6 error to its sender and sends it back. `rest`: the MTU of PKT_TOOBIG, else 0. */
export function sendError(packet: Packet, type: u32, code: u32, rest: Be32, verdict: u32): i32 {
  "use subprogram";
  const cause = packet.view(Ipv6, NETWORK_AT);
  if (cause === null) return drop(Verdict.rewriteFailed);
  const client = make(Address);
  client.high = cause.source.high;
  client.low = cause.source.low;
  const virtual = make(Address);
  virtual.high = cause.destination.high;
  virtual.low = cause.destination.low;
  const length = host16(cause.payloadLength) + IPV6_HEADER;
  const quoted = length < QUOTE_MAX ? length : QUOTE_MAX;
  if (bpf_skb_change_tail(packet, NETWORK_AT + quoted, 0n) !== 0n) return drop(Verdict.rewriteFailed);
  if (bpf_skb_adjust_room(packet, ICMP_HEADERS, BPF_ADJ_ROOM_MAC, 0n) !== 0n) return drop(Verdict.rewriteFailed);

  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return drop(Verdict.rewriteFailed);
  turnRound(ethernet);
  if (!writeHeader(packet, ICMP_HEADERS + quoted, virtual, client)) return drop(Verdict.rewriteFailed);
  const icmp = packet.view(Icmp, NETWORK_AT + IPV6_HEADER);
  if (icmp === null) return drop(Verdict.rewriteFailed);
  icmp.type = type;
  icmp.code = code;
  icmp.checksum = be16(0);
  icmp.rest = rest;
  const sum = pseudoHeaderSum(virtual, client, Icmp.size + quoted) + sumOf(packet, NETWORK_AT + IPV6_HEADER, Icmp.size + quoted);
  icmp.checksum = u16(~fold(sum)) as Be16;
  return sendBack(packet, client, verdict);
}

/** The IP header of the director's own error, `bytes` long with it. False when the packet is too short after all. */
export function writeHeader(packet: Packet, bytes: u32, source: Address, destination: Address): boolean {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip === null) return false;
  // LVS differs: the kernel gives its own packets a random flow label each.
  ip.versionClassLabel = IPV6_VERSION;
  ip.payloadLength = be16(bytes - IPV6_HEADER);
  ip.nextHeader = IPPROTO_ICMPV6;
  ip.hopLimit = ICMPV6_HOP_LIMIT;
  ip.source = source;
  ip.destination = destination;
  return true;
}

/** RFC 8200 section 8.1; ones' complement, in which the differences from zero are the words themselves (and 0xffff is 0). */
export function pseudoHeaderSum(source: Address, destination: Address, bytes: u32): u32 {
  return difference64(0n, source.high) + difference64(0n, source.low) + difference64(0n, destination.high) + difference64(0n, destination.low)
    + u32(be16(bytes)) + u32(be16(IPPROTO_ICMPV6));
}
