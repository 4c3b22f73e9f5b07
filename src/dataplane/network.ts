// What a packet's path asks of the network layer: of IPv4 in one program, of IPv6 in the other.

import type { u32 } from "#layout/numbers.js";
import { bpf_skb_pull_data } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { Ipv4 } from "#wire/ipv4.js";
import { Ipv6 } from "#wire/ipv6.js";
import { FAMILY, IPV6 } from "./config.js";
import type { Flow } from "./flow.js";
import {
  HEADERS_MAX as HEADERS_MAX4, addressDifference as addressDifference4, age as age4, forbidsFragments as forbidsFragments4,
  isError as isError4, isFragment as isFragment4, isUnicast as isUnicast4, parse as parse4, parseQuoted as parseQuoted4, setDestination as setDestination4,
  setLength as setLength4, setQuotedDestination as setQuotedDestination4, setQuotedSource as setQuotedSource4, setSource as setSource4,
} from "./network/ipv4.js";
import {
  HEADERS_MAX as HEADERS_MAX6, addressDifference as addressDifference6, age as age6, forbidsFragments as forbidsFragments6,
  isError as isError6, isFragment as isFragment6, isUnicast as isUnicast6, parse as parse6, parseQuoted as parseQuoted6, setDestination as setDestination6,
  setLength as setLength6, setQuotedDestination as setQuotedDestination6, setQuotedSource as setQuotedSource6, setSource as setSource6,
} from "./network/ipv6.js";

/** TC: sees to it that all headers lie in the packet's linear part. */
export function pullHeaders(packet: Packet): void {
  const most = FAMILY === IPV6 ? HEADERS_MAX6 : HEADERS_MAX4;
  if (packet.linear < most && packet.linear < packet.length) bpf_skb_pull_data(packet, packet.length < most ? packet.length : most);
}

/** Fills `flow`; gives PARSED or one of its siblings (flow.ts), or the verdict by which the packet goes to the kernel's own stack. */
export function parse(packet: Packet, flow: Flow): u32 {
  return FAMILY === IPV6 ? parse6(packet, flow) : parse4(packet, flow);
}

/** Whether a client may have that address. */
export function isUnicast(source: Address): boolean {
  return FAMILY === IPV6 ? isUnicast6(source) : isUnicast4(source);
}

/** A packet that is too big: whether its sender must be told. */
export function forbidsFragments(packet: Packet): boolean {
  return FAMILY === IPV6 ? forbidsFragments6(packet) : forbidsFragments4(packet);
}

/** Of a packet that parse() took: whether it is the first fragment of one. */
export function isFragment(packet: Packet): boolean {
  return FAMILY === IPV6 ? isFragment6(packet) : isFragment4(packet);
}

/** An ICMP type that is an error about a packet of somebody's. */
export function isError(type: u32): boolean {
  return FAMILY === IPV6 ? isError6(type) : isError4(type);
}

/** The header at `at`, of a packet that an error quotes: fills in addresses, protocol and where the transport header begins. False when it is none. */
export function parseQuoted(packet: Packet, at: u32, flow: Flow): boolean {
  return FAMILY === IPV6 ? parseQuoted6(packet, at, flow) : parseQuoted4(packet, at, flow);
}

// Those below change the packet. They are false when it is too short after all.

/** One less time to live, which is known to be above 1. */
export function age(packet: Packet): boolean {
  return FAMILY === IPV6 ? age6(packet) : age4(packet);
}

export function setDestination(packet: Packet, address: Address): boolean {
  return FAMILY === IPV6 ? setDestination6(packet, address) : setDestination4(packet, address);
}

/** The packet's length in bytes, its IP header included. */
export function setLength(packet: Packet, bytes: u32): boolean {
  return FAMILY === IPV6 ? setLength6(packet, bytes) : setLength4(packet, bytes);
}

export function setSource(packet: Packet, address: Address): boolean {
  return FAMILY === IPV6 ? setSource6(packet, address) : setSource4(packet, address);
}

/** What the functions below give when the packet is too short after all. */
export const NOT_THERE = 0xffffffff;

/** Of a packet that an error quotes, its header at `at`: a new address. Gives what that adds to the ICMP checksum, or NOT_THERE. */
export function setQuotedSource(packet: Packet, at: u32, address: Address): u32 {
  if (FAMILY === IPV6) {
    const quoted = packet.view(Ipv6, at);
    return quoted === null ? NOT_THERE : setQuotedSource6(quoted, address);
  }
  const quoted = packet.view(Ipv4, at);
  return quoted === null ? NOT_THERE : setQuotedSource4(quoted, address);
}

export function setQuotedDestination(packet: Packet, at: u32, address: Address): u32 {
  if (FAMILY === IPV6) {
    const quoted = packet.view(Ipv6, at);
    return quoted === null ? NOT_THERE : setQuotedDestination6(quoted, address);
  }
  const quoted = packet.view(Ipv4, at);
  return quoted === null ? NOT_THERE : setQuotedDestination4(quoted, address);
}

/** What an address that changes adds to a checksum of the transport's (wire/checksum.ts). */
export function addressDifference(before: Address, after: Address): u32 {
  return FAMILY === IPV6 ? addressDifference6(before, after) : addressDifference4(before, after);
}
