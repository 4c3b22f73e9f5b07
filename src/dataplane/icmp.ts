// The director's own words to a client: RFC 792 errors from the VIP, in answer to a packet that cannot go on. TC only,
// where a packet can change its length freely; XDP leaves such packets to TC.
//
//   │ Ethernet, turned round │ IP VIP→CIP tos 0xc0 ttl 64 │ ICMP type code │ the packet that caused it, 548 bytes at most │

import type { Be32, i32 } from "#layout/numbers.js";
import { Be16, be16, be32, host16, i32 as I32, u16, u32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { bpf_redirect, bpf_skb_adjust_room, bpf_skb_change_tail } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { fold } from "#wire/checksum.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { Icmp } from "#wire/icmp.js";
import { IPPROTO_ICMP, IPV4_HEADER_MIN, IPV4_PLAIN, Ipv4 } from "#wire/ipv4.js";
import { headerChecksum } from "./header-checksum.js";
import { NETWORK_AT } from "./flow.js";
import { Verdict, count, drop } from "./verdict.js";

/** RFC 1812 4.3.2.3: as much as fits in 576 bytes. */
const ICMP_PACKET_MAX = 576;
const ICMP_HEADERS = IPV4_HEADER_MIN + Icmp.size;
const QUOTE_MAX = ICMP_PACKET_MAX - ICMP_HEADERS;
/** Linux net/ipv4/icmp.c, icmp_send(): IPTOS_PREC_INTERNETCONTROL. */
export const INTERNETWORK_CONTROL = 0xc0;
export const ICMP_TTL = 64;
const BPF_ADJ_ROOM_MAC = 1;

export const Word = struct("Word", { first: Be16, second: Be16 }, { size: 4 });
export const Byte = struct("Byte", { value: u8 }, { size: 1 });
export const MacPair = struct("MacPair", { ethernet: Ethernet });

/** Turns the packet into an ICMP error to its sender and sends it back. `rest`: the next-hop MTU of FRAG_NEEDED, else 0. */
export function sendError(packet: Packet, type: u32, code: u32, rest: Be32, verdict: u32): i32 {
  "use subprogram";
  const cause = packet.view(Ipv4, NETWORK_AT);
  if (cause === null) return drop(Verdict.rewriteFailed);
  const client = cause.source;
  const virtual = cause.destination;
  const identification = cause.identification;
  const length = host16(cause.totalLength);
  const quoted = length < QUOTE_MAX ? length : QUOTE_MAX;
  if (bpf_skb_change_tail(packet, NETWORK_AT + quoted, 0n) !== 0n) return drop(Verdict.rewriteFailed);
  if (bpf_skb_adjust_room(packet, ICMP_HEADERS, BPF_ADJ_ROOM_MAC, 0n) !== 0n) return drop(Verdict.rewriteFailed);

  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return drop(Verdict.rewriteFailed);
  turnRound(ethernet);
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return drop(Verdict.rewriteFailed);
  ip.versionAndLength = IPV4_PLAIN;
  ip.typeOfService = INTERNETWORK_CONTROL;
  ip.totalLength = be16(ICMP_HEADERS + quoted);
  // RFC 6864 4.1: unique among what is sent to one host within its lifetime; the client's own numbering is.
  ip.identification = identification;
  ip.flagsAndOffset = be16(0);
  ip.ttl = ICMP_TTL;
  ip.protocol = IPPROTO_ICMP;
  ip.source = virtual;
  ip.destination = client;
  ip.checksum = headerChecksum(ip);

  const icmp = packet.view(Icmp, NETWORK_AT + IPV4_HEADER_MIN);
  if (icmp === null) return drop(Verdict.rewriteFailed);
  icmp.type = type;
  icmp.code = code;
  icmp.checksum = be16(0);
  icmp.rest = rest;
  icmp.checksum = sumFrom(packet, NETWORK_AT + IPV4_HEADER_MIN, Icmp.size + quoted);
  count(verdict);
  return I32(bpf_redirect(packet.ifindex, 0n));
}

function turnRound(ethernet: View<typeof Ethernet>): void {
  const before = make(MacPair);
  before.ethernet.source = ethernet.source;
  before.ethernet.destination = ethernet.destination;
  ethernet.source = before.ethernet.destination;
  ethernet.destination = before.ethernet.source;
  ethernet.etherType = ETH_P_IP;
}

/** RFC 1071 over at most 556 bytes of the packet. */
function sumFrom(packet: Packet, at: u32, bytes: u32): Be16 {
  let sum = 0;
  let done = 0;
  for (let i = 0; i < (Icmp.size + QUOTE_MAX) / 4; i++) {
    if (done + 4 > bytes) break;
    const word = packet.view(Word, at + i * 4);
    if (word === null) break;
    sum += u32(word.first) + u32(word.second);
    done += 4;
  }
  return u16(~fold(sum + sumOfRest(packet, at, bytes))) as Be16;
}

/** The last one to three bytes, as if zeros followed. */
function sumOfRest(packet: Packet, at: u32, bytes: u32): u32 {
  let sum = 0;
  const from = bytes & 0x3fc;
  for (let i = 0; i < 3; i++) {
    if (from + i < bytes) {
      const byte = packet.view(Byte, at + from + i);
      if (byte !== null) sum += (i & 1) === 0 ? byte.value : byte.value << 8;
    }
  }
  return sum;
}

/** No next-hop MTU. */
export const NO_REST = be32(0);
