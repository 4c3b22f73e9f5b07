// What is particular to IPv4 on a packet's path. network/ipv6.ts is its sibling, with the same parts in the same order.

import type { Be16, u32 } from "#layout/numbers.js";
import { be16, host16, host32, u16, u32 as U32, u64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import type { Packet } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { ipv4Of } from "#wire/address.js";
import { difference16, difference32, replace } from "#wire/checksum.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { ICMP_DEST_UNREACH, ICMP_SOURCE_QUENCH, ICMP_TIME_EXCEEDED } from "#wire/icmp.js";
import { IPPROTO_ICMP, IPV4_HEADER_MIN, IP_DF, IP_FRAGMENT, IP_MF, IP_OFFSET, Ipv4 } from "#wire/ipv4.js";
import { FRAGMENTS, HOOK, XDP } from "../config.js";
import type { Flow } from "../flow.js";
import { FRAGMENT, NETWORK_AT, OTHER_FAMILY, PARSED_FIRST_FRAGMENT, PARSED_ICMP, PARSED_NEXT_FRAGMENT } from "../flow.js";
import { isNotedFragment, parseTransport } from "../transport.js";
import { Verdict } from "../verdict.js";

/** Ethernet, IP with all options, TCP without: no header that is looked at reaches further. */
export const HEADERS_MAX = 14 + 60 + 20;

/** Fills `flow`; see network.ts. */
export function parse(packet: Packet, flow: Flow): u32 {
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return Verdict.truncated;
  if (ethernet.etherType !== ETH_P_IP) return OTHER_FAMILY;
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return Verdict.truncated;
  if (ip.versionAndLength >>> 4 !== 4) return Verdict.notIp;
  const headerBytes = (ip.versionAndLength & 0x0f) << 2;
  if (headerBytes < IPV4_HEADER_MIN) return Verdict.truncated;
  if (!FRAGMENTS && (ip.flagsAndOffset & IP_FRAGMENT) !== be16(0) && !isNoted(ip)) return FRAGMENT;

  flow.source.low = u64(ip.source);
  flow.destination.low = u64(ip.destination);
  flow.protocol = ip.protocol;
  flow.ttl = ip.ttl;
  flow.bytes = totalLength(packet, ip);
  flow.transportAt = NETWORK_AT + headerBytes;
  // net/ipv4/ip_input.c, ip_rcv_core(): a packet that claims to be longer than it is ends there; what is behind its end
  // is padding, and no transport header.
  if (flow.bytes > packet.length - NETWORK_AT) return Verdict.truncated;
  if (FRAGMENTS) return parseFragment(ip, flow);
  return ip.protocol === IPPROTO_ICMP ? PARSED_ICMP : parseTransport(packet, flow);
}

/** A first fragment goes on as a whole packet does, when its note is left. */
function isNoted(ip: Ipv4): boolean {
  return (ip.flagsAndOffset & IP_OFFSET) === be16(0) && isNotedFragment();
}

function parseFragment(ip: Ipv4, flow: Flow): u32 {
  flow.identification = U32(ip.identification);
  flow.moreFragments = (ip.flagsAndOffset & IP_MF) === be16(0) ? 0 : 1;
  return (ip.flagsAndOffset & IP_OFFSET) === be16(0) ? PARSED_FIRST_FRAGMENT : PARSED_NEXT_FRAGMENT;
}

/** Of a packet that parse() took: whether it is the first fragment of one. */
export function isFragment(packet: Packet): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  return ip !== null && (ip.flagsAndOffset & IP_MF) !== be16(0);
}

/** Linux include/linux/ip.h, iph_totlen(): a super-packet of more than 64 KB has no room for its length, and says 0. */
function totalLength(packet: Packet, ip: Ipv4): u32 {
  const length = host16(ip.totalLength);
  if (HOOK !== XDP && length === 0 && packet.gsoSize !== 0) return packet.length - NETWORK_AT;
  return length;
}

/** net/ipv4/route.c, ip_route_input_slow() refuses other sources before LVS sees them; to answer them would be worse. */
export function isUnicast(source: Address): boolean {
  const first = host32(ipv4Of(source)) >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

/** Its sender would rather hear of it than see it cut. */
export function forbidsFragments(packet: Packet): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  return ip !== null && (ip.flagsAndOffset & IP_DF) !== be16(0);
}

/** One less time to live, which is known to be above 1. False when the packet is too short after all. */
export function age(packet: Packet): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  // Linux v6.12 include/net/ip.h, ip_decrease_ttl(): the time to live is the upper byte of its word, so the checksum grows
  // by 0x0100, as ones' complement numbers do: what is carried out comes in below, and 0xffff is 0.
  const sum = U32(ip.checksum) + U32(be16(0x0100));
  ip.checksum = u16(sum + ((sum + 1) >>> 16)) as Be16;
  ip.ttl -= 1;
  return true;
}

/** The packet is `bytes` long, its header included. */
export function setLength(packet: Packet, bytes: u32): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  ip.checksum = replace(ip.checksum, difference16(ip.totalLength, be16(bytes)));
  ip.totalLength = be16(bytes);
  return true;
}

/** The address that the packet goes to becomes `address`. */
export function setDestination(packet: Packet, address: Address): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  ip.checksum = replace(ip.checksum, difference32(ip.destination, ipv4Of(address)));
  ip.destination = ipv4Of(address);
  return true;
}

/** The address that it comes from. */
export function setSource(packet: Packet, address: Address): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  ip.checksum = replace(ip.checksum, difference32(ip.source, ipv4Of(address)));
  ip.source = ipv4Of(address);
  return true;
}

/** An ICMP type that is an error about a packet of somebody's. */
export function isError(type: u32): boolean {
  return type === ICMP_DEST_UNREACH || type === ICMP_SOURCE_QUENCH || type === ICMP_TIME_EXCEEDED;
}

/** The header at `at`, of a packet that an error quotes. Fills in addresses, protocol and where the transport header begins. */
export function parseQuoted(packet: Packet, at: u32, flow: Flow): boolean {
  const cause = packet.view(Ipv4, at);
  if (cause === null) return false;
  const headerBytes = (cause.versionAndLength & 0x0f) << 2;
  if (cause.versionAndLength >>> 4 !== 4 || headerBytes < IPV4_HEADER_MIN || (cause.flagsAndOffset & IP_OFFSET) !== be16(0)) return false;
  flow.source.low = u64(cause.source);
  flow.destination.low = u64(cause.destination);
  flow.protocol = cause.protocol;
  flow.transportAt = at + headerBytes;
  return true;
}

/** ip_vs_nat_icmp(): a quoted header gets a checksum to go with its new address. Gives what that adds to the ICMP checksum. */
export function setQuotedSource(quoted: View<typeof Ipv4>, address: Address): u32 {
  const difference = changeHeader(quoted, difference32(quoted.source, ipv4Of(address)));
  quoted.source = ipv4Of(address);
  return difference;
}

export function setQuotedDestination(quoted: View<typeof Ipv4>, address: Address): u32 {
  const difference = changeHeader(quoted, difference32(quoted.destination, ipv4Of(address)));
  quoted.destination = ipv4Of(address);
  return difference;
}

function changeHeader(quoted: View<typeof Ipv4>, difference: u32): u32 {
  const before = quoted.checksum;
  quoted.checksum = replace(before, difference);
  return difference + difference16(before, quoted.checksum);
}

/** What an address that changes adds to a checksum (wire/checksum.ts). */
export function addressDifference(before: Address, after: Address): u32 {
  return difference32(ipv4Of(before), ipv4Of(after));
}
