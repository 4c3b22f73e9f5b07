// A packet that is larger than its way carries, and may be cut (RFC 791 section 3.2): IPv4, without DF. A program of its own, TC only.
// It cuts one piece off, and both go their ways as fragments that came in (fragments.ts):
//
//   the packet ─▶ a copy, with a note in its tc_index, comes in once more ─▶ entry: too large ─▶ here: the copy's beginning off ─▶ fragments
//        └─▶ its rest off ─▶ fragments, at once: the first fragment comes first
//
// LVS has the kernel do it behind NAT and DR, with pieces as large; around packets in tunnels it cuts the outer packet, which
// the real server must put together before it can look inside.

import type { Be16, i32, u32 } from "#layout/numbers.js";
import { Be16 as Be16Type, be16, host16, i32 as I32, u32 as U32 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { BPF_ADJ_ROOM_NET, BPF_F_INGRESS } from "#prelude/flags.js";
import { bpf_clone_redirect, bpf_get_smp_processor_id, bpf_skb_adjust_room, bpf_skb_change_tail, bpf_tail_call } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { difference16, fold, replace, words32 } from "#wire/checksum.js";
import { IPPROTO_TCP, IPPROTO_UDP, IPV4_HEADER_MIN, IPV4_PLAIN, IP_FRAGMENT, IP_MF, Ipv4 } from "#wire/ipv4.js";
import { TCP_CHECKSUM_OFFSET } from "#wire/tcp.js";
import { UDP_CHECKSUM_OFFSET } from "#wire/udp.js";
import { FAMILY, IPV6 } from "./config.js";
import { NETWORK_AT } from "./flow.js";
import { PROGRAM_TC_CUT, PROGRAM_TC_FRAGMENTS, handovers, tcPrograms } from "./maps.js";
import { Verdict, drop } from "./verdict.js";

/** In the copy's tc_index, in the upper bits: what it begins with is on its way; below, how much that was, in the units of IP's offsets. */
const REST = 0x7800;
const REST_MASK = 0xfe00;
const REST_UNITS = 0x01ff;
const UNIT = 8;

/** Hands a packet on to be cut into pieces of at most `fits` bytes. Nothing was counted for it: it will be, piece by piece. */
export function cutToFit(packet: Packet, fits: u32): i32 {
  if (FAMILY !== IPV6) {
    handovers.at(bpf_get_smp_processor_id()).fits = fits;
    bpf_tail_call(packet, tcPrograms, PROGRAM_TC_CUT);
  }
  return drop(Verdict.tooBig);
}

/** Whether it is such a copy, on its way to here. */
export function isRest(tcIndex: u32): boolean {
  return (tcIndex & REST_MASK) === REST;
}

export function cut(packet: Packet): i32 {
  const note = packet.tcIndex;
  packet.tcIndex = 0;
  const units = note & REST_UNITS;
  if (isRest(note) && units !== 0 ? !keepRest(packet, units) : !keepFirst(packet)) return drop(Verdict.tooBig);
  bpf_tail_call(packet, tcPrograms, PROGRAM_TC_FRAGMENTS);
  return drop(Verdict.tooBig);
}

/** As much as fits, in whole units: net/ipv4/ip_output.c, ip_frag_next(). What is left comes in once more. */
function keepFirst(packet: Packet): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null || ip.versionAndLength !== IPV4_PLAIN || isLeftToDevice(packet, ip)) return false;
  const fits = handovers.at(bpf_get_smp_processor_id()).fits;
  if (fits < IPV4_HEADER_MIN + UNIT || fits >= host16(ip.totalLength)) return false;
  const room = (fits - IPV4_HEADER_MIN) >>> 3;
  const units = room < REST_UNITS ? room : REST_UNITS;

  packet.tcIndex = REST | units;
  if (bpf_clone_redirect(packet, packet.ifindex, BPF_F_INGRESS) !== 0n) return false;
  packet.tcIndex = 0;
  if (bpf_skb_change_tail(packet, NETWORK_AT + IPV4_HEADER_MIN + units * UNIT, 0n) !== 0n) return false;
  const kept = packet.view(Ipv4, NETWORK_AT);
  if (kept === null) return false;
  resize(kept, be16(IPV4_HEADER_MIN + units * UNIT), (kept.flagsAndOffset | IP_MF) as Be16);
  return true;
}

/** Takes `units` of data away, those behind the header. */
function keepRest(packet: Packet, units: u32): boolean {
  if (bpf_skb_adjust_room(packet, -I32(units * UNIT), BPF_ADJ_ROOM_NET, 0n) !== 0n) return false;
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  resize(ip, be16(host16(ip.totalLength) - units * UNIT), be16(host16(ip.flagsAndOffset) + units));
  return true;
}

function resize(ip: Ipv4, length: Be16, flagsAndOffset: Be16): void {
  ip.checksum = replace(ip.checksum, difference16(ip.totalLength, length) + difference16(ip.flagsAndOffset, flagsAndOffset));
  ip.totalLength = length;
  ip.flagsAndOffset = flagsAndOffset;
}

const Sum = struct("LeftSum", { sum: Be16Type }, { size: 2 });

/**
 * A sender on this machine, or a virtual machine of it, may leave the checksum of a whole packet to the device that sends it: then the
 * pseudo header's sum stands in its place, and the device would sum up one piece alone. Linux include/linux/skbuff.h, CHECKSUM_PARTIAL.
 */
function isLeftToDevice(packet: Packet, ip: Ipv4): boolean {
  if ((ip.flagsAndOffset & IP_FRAGMENT) !== be16(0)) return false;
  if (ip.protocol !== IPPROTO_UDP && ip.protocol !== IPPROTO_TCP) return false;
  const bytes = be16(host16(ip.totalLength) - IPV4_HEADER_MIN);
  const pseudo = fold(words32(ip.source) + words32(ip.destination) + U32(be16(U32(ip.protocol))) + U32(bytes));
  const at = NETWORK_AT + IPV4_HEADER_MIN + (ip.protocol === IPPROTO_UDP ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET);
  const transport = packet.view(Sum, at);
  return transport === null || U32(transport.sum) === pseudo;
}
