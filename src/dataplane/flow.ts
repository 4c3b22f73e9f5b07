// What a packet is about: from its bytes (parse, in network/), for all later steps.

import { Be16, u8, u32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { make } from "#prelude/intrinsics.js";
import { Address } from "#wire/address.js";
import { Ethernet } from "#wire/ethernet.js";
import { IpProtocol } from "#wire/ipv4.js";

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
  /** SCTP's first chunk, and, behind a cookie, its second: their types; 0 where there is none, and of other protocols. */
  chunk: u8,
  chunkAfter: u8,
  /** 1 for AH and ESP, which have no ports: they go by the connection of their ends' key exchange (protocols/ipsec.ts). */
  follows: u8,
  /** Where the transport header begins, in bytes from the frame's beginning; in a fragment that is not the first, what it brings of the packet's data. */
  transportAt: u32,
  /** The IP packet's length in bytes, which is what LVS counts. */
  bytes: u32,
  /** For the program that takes fragments: what their packet is known by, as it stands on the wire, and 1 in all but the last. */
  identification: u32,
  moreFragments: u32,
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

// What parse() gives, if not the verdict by which the packet goes to the kernel's own stack.

/** There is a flow. */
export const PARSED = 0xffff;
/** There is ICMP, which may be about a flow. */
export const PARSED_ICMP = 0xfffe;
/** It is no packet of this program's family. */
export const OTHER_FAMILY = 0xfffd;
/** It is of this family, and of protocols that another program takes (config.ts, TRANSPORTS). */
export const OTHER_TRANSPORT = 0xfffc;
/** It is a fragment, and another program's business (fragments.ts). */
export const FRAGMENT = 0xfffb;
/** To that program: there is a flow, but for its ports, which are in the packet, or, if it is not the first, are not. */
export const PARSED_FIRST_FRAGMENT = 0xfffa;
export const PARSED_NEXT_FRAGMENT = 0xfff9;
