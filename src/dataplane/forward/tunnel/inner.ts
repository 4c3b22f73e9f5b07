// The packet inside a tunnel: what the headers around it take from it.

import type { u32 } from "#layout/numbers.js";
import { Be16, be16, host16, host32, u32 as U32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { bpf_get_prandom_u32, bpf_skb_pull_data } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { fold, words32 } from "#wire/checksum.js";
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPV4_PLAIN, IP_DF, IP_FRAGMENT, IP_OFFSET, IpProtocol, Ipv4 } from "#wire/ipv4.js";
import { IPPROTO_ICMPV6, IPV6_HEADER, Ipv6 } from "#wire/ipv6.js";
import { Tcp } from "#wire/tcp.js";
import { Udp } from "#wire/udp.js";
import { FAMILY, FRAGMENTS, HOOK, IPV6, XDP } from "../../config.js";
import { NETWORK_AT } from "../../flow.js";
import { SUM_BYTES_MAX, sumOf } from "../../sum.js";

export const Inner = struct("Inner", {
  /** The packet's length. */
  bytes: U32,
  /** As the outer header has it: see outerTypeOfService(). */
  typeOfService: u8,
  ttl: u8,
  protocol: IpProtocol,
  /** For an outer IPv4 header. */
  fragmentation: Be16,
  identification: Be16,
});
export type Inner = View<typeof Inner>;

/** ip_vs_prepare_tunneled_skb(), of the packet at hand. False when it is too short after all. */
export function readInner(packet: Packet, inner: Inner): boolean {
  return FAMILY === IPV6 ? readIpv6(packet, inner) : readIpv4(packet, inner);
}

function readIpv4(packet: Packet, inner: Inner): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  inner.bytes = wholeLength(packet, host16(ip.totalLength), 0);
  inner.typeOfService = outerTypeOfService(ip.typeOfService);
  inner.ttl = ip.ttl;
  inner.protocol = ip.protocol;
  inner.fragmentation = (ip.flagsAndOffset & IP_DF) as Be16;
  inner.identification = inner.fragmentation === be16(0) ? identificationOf(ip) : be16(0);
  return true;
}

/** RFC 6864: with DF it means nothing; without, the inner one serves as well as any, but for one of its packet's fragments, which share theirs. */
function identificationOf(ip: View<typeof Ipv4>): Be16 {
  return !FRAGMENTS || (ip.flagsAndOffset & IP_OFFSET) === be16(0) ? ip.identification : be16(bpf_get_prandom_u32() & 0xffff);
}

function readIpv6(packet: Packet, inner: Inner): boolean {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip === null) return false;
  inner.bytes = wholeLength(packet, host16(ip.payloadLength), IPV6_HEADER);
  inner.typeOfService = outerTypeOfService((host32(ip.versionClassLabel) >>> 20) & 0xff);
  inner.ttl = ip.hopLimit;
  inner.protocol = ip.nextHeader;
  inner.fragmentation = be16(0);
  inner.identification = be16(bpf_get_prandom_u32() & 0xffff);
  return true;
}

/** Super-packets of more than 64 KB have no room for their length, and say 0. */
function wholeLength(packet: Packet, said: u32, headerBytes: u32): u32 {
  return HOOK !== XDP && said === 0 && packet.gsoSize !== 0 ? packet.length - NETWORK_AT : said + headerBytes;
}

/** Linux include/net/inet_ecn.h, INET_ECN_encapsulate(): "congestion experienced" stays inside, and is ECT(0) outside. */
function outerTypeOfService(typeOfService: u32): u32 {
  return typeOfService ^ (typeOfService & (typeOfService >>> 1) & 1);
}

/**
 * RFC 1071: the sum of the packet inside, which begins at `at`, folded; or NO_SUM. Of a packet whose transport has a checksum it
 * follows from the headers, without a look at the rest: Linux Documentation/networking/checksum-offloads.rst, "LCO". So
 * it does if the sender left that checksum to its device, and if a packet is damaged its tunnel's checksum is wrong too.
 */
export function innerSum(packet: Packet, at: u32, inner: Inner): u32 {
  if (isSummed(packet, at, inner)) return FAMILY === IPV6 ? impliedSum6(packet, at, inner) : impliedSum4(packet, at, inner);
  if (inner.bytes > SUM_BYTES_MAX) return NO_SUM;
  if (HOOK !== XDP) bpf_skb_pull_data(packet, at + inner.bytes);
  return sumOf(packet, at, inner.bytes);
}

/** In the place of a sum: there is none. */
export const NO_SUM = 0xffffffff;

/** Whether the transport's checksum covers all behind an IP header without options or extensions. */
function isSummed(packet: Packet, at: u32, inner: Inner): boolean {
  if (FAMILY !== IPV6) {
    const ip = packet.view(Ipv4, at);
    if (ip === null || ip.versionAndLength !== IPV4_PLAIN || (ip.flagsAndOffset & IP_FRAGMENT) !== be16(0)) return false;
  }
  if (inner.protocol === IPPROTO_TCP || inner.protocol === (FAMILY === IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) return true;
  if (inner.protocol !== IPPROTO_UDP) return false;
  const udp = packet.view(Udp, at + (FAMILY === IPV6 ? Ipv6.size : Ipv4.size));
  return udp !== null && udp.checksum !== be16(0);
}

/** The header sums up to nothing, and the rest to the pseudo header's negative; ICMP has none. */
function impliedSum4(packet: Packet, at: u32, inner: Inner): u32 {
  const ip = packet.view(Ipv4, at);
  if (ip === null || inner.protocol === IPPROTO_ICMP) return 0;
  const bytes = transportBytes(packet, at, inner);
  return ~fold(words32(ip.source) + words32(ip.destination) + U32(be16(U32(inner.protocol))) + U32(be16(bytes))) & 0xffff;
}

/** Addresses and length stand in the header and, negative, in the rest's sum: what remains is the same of every packet of the flow. */
function impliedSum6(packet: Packet, at: u32, inner: Inner): u32 {
  const ip = packet.view(Ipv6, at);
  if (ip === null) return 0;
  return fold(words32(ip.versionClassLabel) + U32(ip.nextHeader) + (ip.hopLimit << 8) + (~U32(be16(U32(inner.protocol))) & 0xffff));
}

/** Of a super-packet: as its segments will have them, but for a shorter last one. */
function transportBytes(packet: Packet, at: u32, inner: Inner): u32 {
  if (HOOK === XDP || packet.gsoSize === 0) return inner.bytes - Ipv4.size;
  const tcp = packet.view(Tcp, at + Ipv4.size);
  if (tcp === null || inner.protocol !== IPPROTO_TCP) return packet.gsoSize + Udp.size;
  return packet.gsoSize + ((tcp.dataOffset >>> 4) << 2);
}
