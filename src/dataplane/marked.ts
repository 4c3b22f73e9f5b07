// Packets with a firewall mark that netfilter gave them: TC and XDP ran before, so control/mark-return.ts routes them back here, through
// a device of weir's own. Only first packets come: once a connection stands, its packets are found where they arrive.
//
//   NIC ─▶ weir_tc: none of ours ─▶ PREROUTING: mark N ─▶ rule: fwmark N ─▶ weir-marks ═ weir-back ─▶ here ─▶ weir_tc: service of mark N

import type { Be16, i32 } from "#layout/numbers.js";
import { be16, i32 as I32, u16, u32 as U32 } from "#layout/numbers.js";
import { BPF_F_INGRESS } from "#prelude/flags.js";
import { bpf_redirect, bpf_tail_call } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { ETH_P_IP, ETH_P_IPV6, Ethernet } from "#wire/ethernet.js";
import { Ipv4 } from "#wire/ipv4.js";
import { Ipv6 } from "#wire/ipv6.js";
import { isRest } from "./cut.js";
import { NETWORK_AT } from "./flow.js";
import { LinkEnds } from "./hop.js";
import type { Destination } from "./maps.js";
import { PROGRAM_TC, settings, tcPrograms } from "./maps.js";
import { Verdict, drop } from "./verdict.js";

/** In the packet's tc_index, which it keeps in the stack: it was here, so that it does not go round for ever where a rule of routing is missing. */
const WAS_HERE = 0x7765;
/** The same: it is the stack's, and passes here. */
const LET_BY = 0x7766;
/** The MAC address of both devices, 02:77:65:69:72:00, as LinkEnds has it. */
export const MARKED_MAC = 0x69657702;
export const MARKED_MAC_END = 0x0072;

export function takeBack(packet: Packet): i32 {
  const before = packet.tcIndex;
  if (before === WAS_HERE) return drop(Verdict.cameAgain);
  if (isRest(before)) return goOn(packet);
  packet.tcIndex = WAS_HERE;
  if (before === LET_BY) return TC_ACT_UNSPEC;
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return TC_ACT_UNSPEC;
  if (ethernet.etherType === ETH_P_IP) renew4(packet);
  else if (ethernet.etherType === ETH_P_IPV6) renew6(packet);
  return goOn(packet);
}

function goOn(packet: Packet): i32 {
  bpf_tail_call(packet, tcPrograms, PROGRAM_TC);
  return TC_ACT_UNSPEC;
}

/** ip_forward() took one hop from its time to live, and so will weir: LVS takes one. The opposite of network/ipv4.ts, age(). */
function renew4(packet: Packet): void {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return;
  const sum = U32(ip.checksum) + U32(be16(0xfeff));
  ip.checksum = u16(sum + ((sum + 1) >>> 16)) as Be16;
  ip.ttl += 1;
}

function renew6(packet: Packet): void {
  const ip = packet.view(Ipv6, NETWORK_AT);
  if (ip !== null) ip.hopLimit += 1;
}

/**
 * A packet of a connection to the director itself, to its stack. Of a service by mark it comes in by weir-back: where it came in
 * it would be marked and routed back once more, with its socket found already, and ip_forward() and ip6_forward() drop what has one.
 */
export function toOwnSocket(packet: Packet, destination: Destination): i32 {
  const ifindex = settings.at(0).markedIfindex;
  if (destination.virtualMark === 0 || ifindex === 0 || packet.ifindex === ifindex) return TC_ACT_UNSPEC;
  const ends = packet.view(LinkEnds, 0);
  if (ends === null) return drop(Verdict.rewriteFailed);
  ends.destination = MARKED_MAC;
  ends.destinationEnd = MARKED_MAC_END;
  packet.tcIndex = LET_BY;
  return I32(bpf_redirect(ifindex, BPF_F_INGRESS));
}
