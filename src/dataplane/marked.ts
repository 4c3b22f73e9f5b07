// Packets that netfilter gave the mark of a service, on their way back to weir. Marks are set in PREROUTING, after XDP and TC
// have run; so the kernel's routing sends such packets into a device of weir's own (control/marked-way.ts), and at its other
// end they come here, with their mark.
//
//   NIC ─▶ weir_tc: no service ─▶ PREROUTING: mark 7 ─▶ routing: fwmark 7 ─▶ weir-mark ═ weir-mark-in ─▶ here ─▶ weir_tc: the service of mark 7
//                                                       iif weir-mark-in ◀────────── to the stack, as ever ◀───────── takes it not
//
// Only packets of no connection come this way: those that begin one, and those that weir does not take.

import type { i32 } from "#layout/numbers.js";
import { be16, i32 as I32 } from "#layout/numbers.js";
import { bpf_redirect, bpf_skb_pull_data, bpf_tail_call } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { difference16, replace } from "#wire/checksum.js";
import { ETH_P_IP, ETH_P_IPV6, Ethernet } from "#wire/ethernet.js";
import { Ipv4 } from "#wire/ipv4.js";
import { Ipv6 } from "#wire/ipv6.js";
import { NETWORK_AT } from "./flow.js";
import { LinkEnds } from "./hop.js";
import type { Destination } from "./maps.js";
import { PROGRAM_TC, settings, tcPrograms } from "./maps.js";
import { Verdict, drop, pass } from "./verdict.js";

/** In the packet's tc_index, which it keeps in the stack: it was here. No qdisc has a class of this number by itself. */
const WAS_HERE = 0x7765;
/** The same: it comes to be the stack's, and to pass here. */
const LET_BY = 0x7766;
/** The MAC address of both ends of the device, 02:77:65:69:72:00, as LinkEnds has it. */
export const MARKED_MAC = 0x69657702;
export const MARKED_MAC_END = 0x0072;
/** Linux include/uapi/linux/bpf.h, BPF_F_INGRESS: as if it came in there. */
const BPF_F_INGRESS = 1n;

export function entry(packet: Packet): i32 {
  const before = packet.tcIndex;
  // Given to the stack, it was sent this way again: a rule of routing is missing that keeps it from that. It would go round for ever.
  if (before === WAS_HERE) return drop(Verdict.cameAgain);
  packet.tcIndex = WAS_HERE;
  if (before === LET_BY) return TC_ACT_UNSPEC;
  if (!rejuvenate(packet)) return pass(Verdict.notIp);
  bpf_tail_call(packet, tcPrograms, PROGRAM_TC);
  return drop(Verdict.rewriteFailed);
}

/**
 * A packet of a connection to the director itself, to its stack. Of a service by mark it must not be marked and sent this way
 * once more: the stack has found its socket by then, and ip_forward() drops what has one. So it comes in by weir-mark-in.
 */
export function toOwnSocket(packet: Packet, destination: Destination): i32 {
  const markedIfindex = settings.at(0).markedIfindex;
  if (destination.virtualMark === 0 || markedIfindex === 0 || packet.ifindex === markedIfindex) return TC_ACT_UNSPEC;
  const ends = packet.view(LinkEnds, 0);
  if (ends === null) return drop(Verdict.rewriteFailed);
  ends.destination = MARKED_MAC;
  ends.destinationEnd = MARKED_MAC_END;
  packet.tcIndex = LET_BY;
  return I32(bpf_redirect(markedIfindex, BPF_F_INGRESS));
}

/** As old as it came: net/ipv4/ip_forward.c, ip_forward() and net/ipv6/ip6_output.c, ip6_forward() have made it a hop older. False when it is no IP packet. */
function rejuvenate(packet: Packet): boolean {
  const most = NETWORK_AT + Ipv6.size;
  if (packet.linear < most && packet.linear < packet.length) bpf_skb_pull_data(packet, packet.length < most ? packet.length : most);
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return false;
  if (ethernet.etherType === ETH_P_IPV6) return rejuvenateIpv6(packet);
  return ethernet.etherType === ETH_P_IP && rejuvenateIpv4(packet);
}

function rejuvenateIpv4(packet: Packet): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  // The time to live is the upper byte of its word.
  ip.checksum = replace(ip.checksum, difference16(be16(0), be16(0x0100)));
  ip.ttl += 1;
  return true;
}

function rejuvenateIpv6(packet: Packet): boolean {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip === null) return false;
  ip.hopLimit += 1;
  return true;
}
