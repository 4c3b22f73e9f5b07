// What is particular to IPv6 on a packet's path. network/ipv4.ts is its sibling, with the same parts in the same order.

import type { u32 } from "#layout/numbers.js";
import { be16, host16, u32 as U32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { likely } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { difference64 } from "#wire/checksum.js";
import { ETH_P_IPV6, Ethernet } from "#wire/ethernet.js";
import { ICMPV6_INFOMSG } from "#wire/icmpv6.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_AH } from "#wire/ipv4.js";
import {
  IPPROTO_DSTOPTS, IPPROTO_FRAGMENT, IPPROTO_HOPOPTS, IPPROTO_ICMPV6, IPPROTO_ROUTING, IPV6_FRAGMENT_MORE, IPV6_FRAGMENT_OFFSET, IPV6_HEADER, IPV6_VERSION,
  IPV6_VERSION_MASK, Ipv6, Ipv6Extension, Ipv6Fragment,
} from "#wire/ipv6.js";
import { FRAGMENTS, HOOK, XDP } from "../config.js";
import type { Flow } from "../flow.js";
import { FRAGMENT, NETWORK_AT, OTHER_FAMILY, PARSED_FIRST_FRAGMENT, PARSED_ICMP, PARSED_NEXT_FRAGMENT } from "../flow.js";
import { isNotedFragment, parseTransport } from "../transport.js";
import { beginnings } from "../maps.js";
import { Verdict } from "../verdict.js";

/** Extension headers that are passed over, and the bytes that they may have together: whoever has more goes to the stack. */
const EXTENSIONS_MAX = 6;
const EXTENSION_BYTES_MAX = 128;
/** Multiples of four up to that. */
const EXTENSION_BYTES_MASK = 0xfc;
/** Ethernet, IP with extension headers, TCP without options: no header that is looked at reaches further. */
export const HEADERS_MAX = 14 + IPV6_HEADER + EXTENSION_BYTES_MAX + 20;

/** Fills `flow`; see network.ts. */
export function parse(packet: Packet, flow: Flow): u32 {
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return Verdict.truncated;
  if (ethernet.etherType !== ETH_P_IPV6) return OTHER_FAMILY;
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip === null) return Verdict.truncated;
  if ((ip.versionClassLabel & IPV6_VERSION_MASK) !== IPV6_VERSION) return Verdict.notIp;

  flow.source = ip.source;
  flow.destination = ip.destination;
  flow.ttl = ip.hopLimit;
  flow.bytes = totalLength(packet, ip);
  // net/ipv6/ip6_input.c, ip6_rcv_core(), as ip_rcv_core().
  if (flow.bytes > packet.length - NETWORK_AT) return Verdict.truncated;
  const outcome = skipExtensions(packet, NETWORK_AT + IPV6_HEADER, ip.nextHeader, flow);
  if (outcome !== SKIPPED) return outcome;
  if (FRAGMENTS) return parseFragment(flow, isExtension(ip.nextHeader));
  return flow.protocol === IPPROTO_ICMPV6 ? PARSED_ICMP : parseTransport(packet, flow);
}

/** Without extensions it is whole, and this processor's Beginning is another packet's. */
function parseFragment(flow: Flow, hasExtensions: boolean): u32 {
  flow.identification = 0;
  flow.moreFragments = 0;
  if (!hasExtensions) return PARSED_FIRST_FRAGMENT;
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  flow.identification = U32(beginning.identification);
  flow.moreFragments = (beginning.fragmentation & IPV6_FRAGMENT_MORE) === be16(0) ? 0 : 1;
  return (beginning.fragmentation & IPV6_FRAGMENT_OFFSET) === be16(0) ? PARSED_FIRST_FRAGMENT : PARSED_NEXT_FRAGMENT;
}

/** Of a packet that parse() took: whether it is the first fragment of one. */
export function isFragment(packet: Packet): boolean {
  const ip = packet.view(Ipv6, NETWORK_AT);
  return ip !== null && isExtension(ip.nextHeader) && (beginnings.at(bpf_get_smp_processor_id()).fragmentation & IPV6_FRAGMENT_MORE) !== be16(0);
}

const SKIPPED = 0xfff0;

/** net/ipv6/exthdrs_core.c, ipv6_find_hdr(): sets where the transport header begins, and its protocol. */
function skipExtensions(packet: Packet, at: u32, first: IpProtocol, flow: Flow): u32 {
  flow.protocol = first;
  flow.transportAt = at;
  if (likely(!isExtension(first))) return SKIPPED;
  const outcome = walkExtensions(packet, at, first);
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  flow.protocol = beginning.protocol;
  flow.transportAt = at + (beginning.extensionBytes & EXTENSION_BYTES_MASK);
  return outcome;
}

function isExtension(protocol: IpProtocol): boolean {
  return protocol === IPPROTO_HOPOPTS || protocol === IPPROTO_ROUTING || protocol === IPPROTO_DSTOPTS || protocol === IPPROTO_FRAGMENT
    || protocol === IPPROTO_AH;
}

/** Tells by way of this processor's Beginning: read back the length is any, and the verifier follows one packet, not one for each number of headers. */
function walkExtensions(packet: Packet, at: u32, first: IpProtocol): u32 {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  beginning.fragmentation = be16(0);
  // ip_vs_core.c, ip_vs_in_icmp_v6(): an error may be about a first fragment, and is none itself.
  const isQuoted = at !== NETWORK_AT + IPV6_HEADER;
  let protocol = first;
  let skipped = 0;
  for (let i = 0; i < EXTENSIONS_MAX; i++) {
    if (!isExtension(protocol)) break;
    if (protocol === IPPROTO_FRAGMENT) {
      const fragment = packet.view(Ipv6Fragment, at + skipped);
      if (fragment === null) return Verdict.truncated;
      // A fragment of a fragment is nobody's.
      if (beginning.fragmentation !== be16(0)) return Verdict.otherProtocol;
      if (!FRAGMENTS && !isWhole(fragment) && !(isQuoted ? isFirst(fragment) : isNoted(fragment))) return FRAGMENT;
      if (!isQuoted) beginning.fragmentation = fragment.offsetAndFlags;
      beginning.identification = fragment.identification;
      skipped += Ipv6Fragment.size;
      protocol = fragment.nextHeader;
      // What follows in others than the first is from the middle of the packet.
      if (FRAGMENTS && (fragment.offsetAndFlags & IPV6_FRAGMENT_OFFSET) !== be16(0)) break;
    } else {
      const extension = packet.view(Ipv6Extension, at + skipped);
      if (extension === null) return Verdict.truncated;
      // RFC 4302 section 2.2: AH counts in words, and not the first two.
      skipped += protocol === IPPROTO_AH ? (U32(extension.length) + 2) << 2 : (U32(extension.length) + 1) << 3;
      protocol = extension.nextHeader;
    }
    if (skipped > EXTENSION_BYTES_MAX) return Verdict.otherProtocol;
  }
  beginning.protocol = protocol;
  beginning.extensionBytes = skipped;
  return SKIPPED;
}

/** RFC 6946: neither an offset nor more to come. */
function isWhole(fragment: View<typeof Ipv6Fragment>): boolean {
  return (fragment.offsetAndFlags & (IPV6_FRAGMENT_OFFSET | IPV6_FRAGMENT_MORE)) === be16(0);
}

/** The transport header is behind it. */
function isFirst(fragment: View<typeof Ipv6Fragment>): boolean {
  return (fragment.offsetAndFlags & IPV6_FRAGMENT_OFFSET) === be16(0);
}

/** A first fragment goes on as a whole packet does, when its note is left. */
function isNoted(fragment: View<typeof Ipv6Fragment>): boolean {
  return isFirst(fragment) && isNotedFragment();
}

/** RFC 2675: a super-packet of more than 64 KB has no room for its length, and says 0. */
function totalLength(packet: Packet, ip: Ipv6): u32 {
  const length = host16(ip.payloadLength);
  if (HOOK !== XDP && length === 0 && packet.gsoSize !== 0) return packet.length - NETWORK_AT;
  return length + IPV6_HEADER;
}

/** RFC 4291 section 2.5: neither ::, nor ::1, nor multicast. */
export function isUnicast(source: Address): boolean {
  if ((U32(source.high) & 0xff) === 0xff) return false;
  return source.high !== 0n || (source.low !== 0n && source.low !== LOOPBACK_LOW);
}
/** ::1 as the wire has it. */
const LOOPBACK_LOW = 0x0100_0000_0000_0000n;

/** RFC 8200 section 5: routers never cut. */
export function forbidsFragments(_packet: Packet): boolean {
  return true;
}

/** One less hop, of which there are known to be more than 1. False when the packet is too short after all. */
export function age(packet: Packet): boolean {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip === null) return false;
  ip.hopLimit -= 1;
  return true;
}

/** The packet is `bytes` long, its header included. */
export function setLength(packet: Packet, bytes: u32): boolean {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip === null) return false;
  ip.payloadLength = be16(bytes - IPV6_HEADER);
  return true;
}

/** The address that the packet goes to becomes `address`. */
export function setDestination(packet: Packet, address: Address): boolean {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip === null) return false;
  ip.destination = address;
  return true;
}

/** The address that it comes from. */
export function setSource(packet: Packet, address: Address): boolean {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip === null) return false;
  ip.source = address;
  return true;
}

/** An ICMPv6 type that is an error about a packet of somebody's. */
export function isError(type: u32): boolean {
  return type < ICMPV6_INFOMSG;
}

/** The header at `at`, of a packet that an error quotes. Fills in addresses, protocol and where the transport header begins. */
export function parseQuoted(packet: Packet, at: u32, flow: Flow): boolean {
  const cause = packet.view(Ipv6, at);
  if (cause === null || (cause.versionClassLabel & IPV6_VERSION_MASK) !== IPV6_VERSION) return false;
  flow.source = cause.source;
  flow.destination = cause.destination;
  return skipExtensions(packet, at + IPV6_HEADER, cause.nextHeader, flow) === SKIPPED;
}

/** A quoted header gets a new address. Gives what that adds to the ICMP checksum. */
export function setQuotedSource(quoted: View<typeof Ipv6>, address: Address): u32 {
  const difference = addressDifference(quoted.source, address);
  quoted.source = address;
  return difference;
}

export function setQuotedDestination(quoted: View<typeof Ipv6>, address: Address): u32 {
  const difference = addressDifference(quoted.destination, address);
  quoted.destination = address;
  return difference;
}

/** What an address that changes adds to a checksum (wire/checksum.ts). */
export function addressDifference(before: Address, after: Address): u32 {
  return difference64(before.high, after.high) + difference64(before.low, after.low);
}
