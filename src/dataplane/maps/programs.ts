// The programs that others end in, and what one leaves for the next.

import { Be16, u16, u32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { programArray, table } from "#prelude/maps.js";
import { Address } from "#wire/address.js";
import { PROCESSORS } from "../config.js";
import { FragmentKey } from "./fragments.js";

/** The programs that others end in (entry.ts). Linux kernel/bpf/core.c, bpf_prog_map_compatible(): an array has programs of one type. */
export const tcPrograms = programArray("tcPrograms", 32);
export const xdpPrograms = programArray("xdpPrograms", 16);
export const PROGRAM_TC_ICMP = 0;
export const PROGRAM_TC6 = 1;
export const PROGRAM_TC6_ICMP = 2;
export const PROGRAM_TC_SCTP = 3;
export const PROGRAM_TC6_SCTP = 4;
export const PROGRAM_TC_TUNNEL = 5;
export const PROGRAM_TC6_TUNNEL = 6;
export const PROGRAM_TC_APPLICATION = 7;
export const PROGRAM_TC6_APPLICATION = 8;
export const PROGRAM_TC_SIP = 9;
export const PROGRAM_TC6_SIP = 10;
export const PROGRAM_TC = 11;
export const PROGRAM_TC_FRAGMENTS = 12;
export const PROGRAM_TC6_FRAGMENTS = 13;
export const PROGRAM_TC_RELAY = 14;
export const PROGRAM_TC6_RELAY = 15;
export const PROGRAM_OUT6 = 16;
export const PROGRAM_OUT_SCTP = 17;
export const PROGRAM_OUT6_SCTP = 18;
export const PROGRAM_OUT_ICMP = 19;
export const PROGRAM_OUT6_ICMP = 20;
export const PROGRAM_TC_CUT = 21;
export const PROGRAM_XDP6 = 0;
export const PROGRAM_XDP_SCTP = 1;
export const PROGRAM_XDP6_SCTP = 2;
export const PROGRAM_XDP_TUNNEL = 3;
export const PROGRAM_XDP6_TUNNEL = 4;

/** What a processor's program leaves for the one that it ends in. */
export const Handover = struct("Handover", {
  /** In `connections`: the packet's; or NO_CONNECTION, and in `destinations`. */
  connection: u32,
  destination: u32,
  /** Of its Way (hop.ts). */
  outcome: u32,
  ifindex: u32,
  neighbourFamily: u32,
  neighbour: array(u32, 4),
  /** Of bytes (sum.ts): read back it is any number, and the verifier follows one. */
  sum: u32,
  /** 1 while a first fragment, whose note is left, goes on to the program that takes whole packets; and what the note is found by. */
  fragmentNoted: u32,
  fragment: FragmentKey,
  /** Of a packet that is to be cut: the bytes that each piece may have (cut.ts). */
  fits: u32,
  spare: array(u32, 9),
}, { size: 128 });
export const handovers = table("handovers", Handover, PROCESSORS);

/** What an ICMP error about a packet in a tunnel quotes: left by the program of the error's family for that of the packet's inside (relay.ts). */
export const Quotation = struct("Quotation", {
  /** The tunnel's ends: the director's own, the real server's. */
  source: Address,
  destination: Address,
  /** config.ts, IPV4 or IPV6: of those, and of the error. */
  family: u32,
  /** TUNNEL_…; of GUE the port. */
  tunnelType: u32,
  tunnelPort: Be16,
  padding: u16,
  /** In bytes from the frame's beginning: the error's ICMP header, behind which the tunnel's begin, that of the packet inside, and where the error ends. */
  icmpAt: u32,
  innerAt: u32,
  end: u32,
  spare: array(u32, 2),
}, { size: 64 });
export type Quotation = View<typeof Quotation>;
export const quotations = table("quotations", Quotation, PROCESSORS);
