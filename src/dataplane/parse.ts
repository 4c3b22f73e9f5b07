// The second step of a packet: from bytes to the flow that it belongs to. Only what later steps need is read.

import type { u32 } from "#layout/numbers.js";
import { Be16, u8, u32 as U32, u64, host16 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { bpf_skb_pull_data } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { Address } from "#wire/address.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPV4_HEADER_MIN, IP_FRAGMENT, IpProtocol, Ipv4 } from "#wire/ipv4.js";
import { Tcp } from "#wire/tcp.js";
import { Udp } from "#wire/udp.js";
import { be16 } from "#layout/numbers.js";
import { HOOK, XDP } from "./config.js";
import { Verdict } from "./verdict.js";

/** Of a packet, in registers: what it is about. Addresses and ports as they stand on the wire. */
export const Flow = struct("Flow", {
  source: Address,
  destination: Address,
  sourcePort: Be16,
  destinationPort: Be16,
  protocol: IpProtocol,
  ttl: u8,
  /** TCP's flags; 0 of other protocols. */
  tcpFlags: u8,
  /** Where the transport header begins, in bytes from the frame's beginning. */
  transportAt: U32,
  /** The IP packet's length in bytes, which is what LVS counts. */
  bytes: U32,
});
export type Flow = View<typeof Flow>;

/** Of a flow, what functions beside the path are given: a struct that is passed to one stands in memory, and `flow` is not to. */
export const Ends = struct("Ends", { client: Address, virtual: Address, clientPort: Be16, virtualPort: Be16, protocol: IpProtocol });
export type Ends = View<typeof Ends>;

export function endsOf(flow: Flow): Ends {
  const ends = make(Ends, { clientPort: flow.sourcePort, virtualPort: flow.destinationPort, protocol: flow.protocol });
  ends.client = flow.source;
  ends.virtual = flow.destination;
  return ends;
}

/** Where the IP header begins. */
export const NETWORK_AT = Ethernet.size;
/** Ethernet, IP with all options, TCP without: no header that is looked at reaches further. */
const HEADERS_MAX = 14 + 60 + 20;

/** parse() found a flow. */
export const PARSED = 0xffff;
/** parse() found ICMP, which may be about a flow. */
export const PARSED_ICMP = 0xfffe;

/** TC: sees to it that all headers lie in the packet's linear part. */
export function pullHeaders(packet: Packet): void {
  if (packet.linear < HEADERS_MAX && packet.linear < packet.length) {
    bpf_skb_pull_data(packet, packet.length < HEADERS_MAX ? packet.length : HEADERS_MAX);
  }
}

/** Fills `flow`; gives PARSED, PARSED_ICMP, or the verdict by which the packet goes to the kernel's own stack. */
export function parse(packet: Packet, flow: Flow): u32 {
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return Verdict.truncated;
  if (ethernet.etherType !== ETH_P_IP) return Verdict.notIpv4;
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return Verdict.truncated;
  if (ip.versionAndLength >>> 4 !== 4) return Verdict.notIpv4;
  const headerBytes = (ip.versionAndLength & 0x0f) << 2;
  if (headerBytes < IPV4_HEADER_MIN) return Verdict.truncated;
  if ((ip.flagsAndOffset & IP_FRAGMENT) !== be16(0)) return Verdict.fragment;

  flow.source.low = u64(ip.source);
  flow.destination.low = u64(ip.destination);
  flow.protocol = ip.protocol;
  flow.ttl = ip.ttl;
  flow.bytes = totalLength(packet, ip);
  flow.transportAt = NETWORK_AT + headerBytes;
  // net/ipv4/ip_input.c, ip_rcv_core(): a packet that claims to be longer than it is ends there; what is behind its end
  // is padding, and no transport header.
  if (flow.bytes > packet.length - NETWORK_AT) return Verdict.truncated;

  if (ip.protocol === IPPROTO_TCP) {
    if (flow.bytes < headerBytes + Tcp.size) return Verdict.truncated;
    const tcp = packet.view(Tcp, flow.transportAt);
    if (tcp === null) return Verdict.truncated;
    flow.sourcePort = tcp.source;
    flow.destinationPort = tcp.destination;
    flow.tcpFlags = tcp.flags;
    return PARSED;
  }
  if (ip.protocol === IPPROTO_UDP) {
    if (flow.bytes < headerBytes + Udp.size) return Verdict.truncated;
    const udp = packet.view(Udp, flow.transportAt);
    if (udp === null) return Verdict.truncated;
    flow.sourcePort = udp.source;
    flow.destinationPort = udp.destination;
    return PARSED;
  }
  return ip.protocol === IPPROTO_ICMP ? PARSED_ICMP : Verdict.otherProtocol;
}

/** Linux include/linux/ip.h, iph_totlen(): a super-packet of more than 64 KB has no room for its length, and says 0. */
function totalLength(packet: Packet, ip: Ipv4): u32 {
  const length = host16(ip.totalLength);
  if (HOOK !== XDP && length === 0 && packet.gsoSize !== 0) return packet.length - NETWORK_AT;
  return length;
}
