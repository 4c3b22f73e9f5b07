// A packet that is larger than its way carries, and may be cut (RFC 791 section 3.2): IPv4, without DF, or by a tunnel with pmtu_disc 0. A program of its own, TC only.
// It cuts one piece off, and both go their ways as fragments that came in (fragments.ts):
//
//   the packet ─▶ a copy that says to be a later fragment, with a note in its tc_index, comes in once more ─▶ fragments ─▶ here: its beginning off ─▶ fragments
//        └─▶ its rest off ─▶ fragments, at once: the first fragment comes first
//
// LVS differs: around packets in tunnels it has the kernel cut the outer packet, which the real server must put together before it can look inside.

import type { Be16, i32, u32 } from "#layout/numbers.js";
import { Be16 as Be16Type, be16, host16, i32 as I32, u16, u32 as U32, u8 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { BPF_ADJ_ROOM_NET, BPF_F_INGRESS } from "#prelude/flags.js";
import {
  bpf_clone_redirect, bpf_get_prandom_u32, bpf_get_smp_processor_id, bpf_skb_adjust_room, bpf_skb_change_tail, bpf_skb_load_bytes, bpf_skb_pull_data, bpf_skb_store_bytes, bpf_tail_call,
} from "#prelude/helpers.js";
import { make, sizeOf } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { difference16, fold, replace, words32 } from "#wire/checksum.js";
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPV4_HEADER_MAX, IPV4_HEADER_MIN, IP_DF, IP_FRAGMENT, IP_MF, IP_OFFSET, Ipv4 } from "#wire/ipv4.js";
import { TCP_CHECKSUM_OFFSET } from "#wire/tcp.js";
import { UDP_CHECKSUM_OFFSET } from "#wire/udp.js";
import { FAMILY, IPV6 } from "./config.js";
import { NETWORK_AT } from "./flow.js";
import { PROGRAM_TC_CUT, PROGRAM_TC_FRAGMENTS, handovers, sysctls, tcPrograms } from "./maps.js";
import { forbidsFragments } from "./network.js";
import { sumOf } from "./sum.js";
import { Verdict, drop } from "./verdict.js";

/** In the copy's tc_index, in the upper bits: its beginning is on its way already; below, how much of it, in the units of IP's offsets. */
const REST = 0x7800;
const REST_MASK = 0xfe00;
const REST_UNITS = 0x01ff;
const UNIT = 8;
/** In the tc_index of a packet that was scheduled for itself alone, and of its first piece: it goes where that said. */
export const SCHEDULED = 0x7768;

/** Whether a packet that is too large may be: ip_vs_xmit.c, ensure_mtu_is_adequate(): with pmtu_disc 0 one that forbids it goes through a tunnel in pieces all the same. */
export function mayCut(packet: Packet, byTunnel: boolean): boolean {
  return FAMILY !== IPV6 && (!forbidsFragments(packet) || (byTunnel && sysctls.at(0).pmtu_disc === 0));
}

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

/** Nobody else leads it here: the copy is no packet that anyone sent. */
export function toCutting(packet: Packet): i32 {
  bpf_tail_call(packet, tcPrograms, PROGRAM_TC_CUT);
  return drop(Verdict.tooBig);
}

export function cut(packet: Packet): i32 {
  const note = packet.tcIndex;
  if (isRest(note) ? !keepRest(packet, (note & REST_UNITS) * UNIT) : !keepFirst(packet)) return drop(Verdict.tooBig);
  // Of the first piece, what it was before.
  packet.tcIndex = isRest(note) ? 0 : note;
  bpf_tail_call(packet, tcPrograms, PROGRAM_TC_FRAGMENTS);
  return drop(Verdict.tooBig);
}

/** As much as fits, in whole units: net/ipv4/ip_output.c, ip_frag_next(). What is left comes in once more. */
function keepFirst(packet: Packet): boolean {
  if (!finishChecksum(packet)) return false;
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  const fits = handovers.at(bpf_get_smp_processor_id()).fits;
  const headerBytes = headerBytesOf(ip);
  const length = ip.totalLength;
  const before = (ip.flagsAndOffset & ~IP_DF) as Be16;
  if (fits < headerBytes + UNIT || fits >= host16(length)) return false;
  const room = (fits - headerBytes) >>> 3;
  const units = room < REST_UNITS ? room : REST_UNITS;
  // A fragment may claim to begin behind the end of any packet.
  if ((host16(before) & IP_OFFSET_HOST) + units > IP_OFFSET_HOST) return false;

  if ((ip.flagsAndOffset & IP_DF) !== be16(0) && (ip.flagsAndOffset & IP_FRAGMENT) === be16(0)) number(ip);
  resize(ip, length, be16(host16(before) + units));
  packet.tcIndex = REST | units;
  if (bpf_clone_redirect(packet, packet.ifindex, BPF_F_INGRESS) !== 0n) return false;
  if (bpf_skb_change_tail(packet, NETWORK_AT + headerBytes + units * UNIT, 0n) !== 0n) return false;
  const kept = packet.view(Ipv4, NETWORK_AT);
  if (kept === null) return false;
  resize(kept, be16(headerBytes + units * UNIT), (before | IP_MF) as Be16);
  return true;
}

const IP_OFFSET_HOST: u32 = host16(IP_OFFSET);

/** More than they can be: a power of two, for the verifier. */
const Options = struct("Options", { bytes: array(u8, 64) }, { size: 64 });

/** Takes `bytes` of data away, those behind the header. The helper takes those behind the header's first part: over what is left of them go the options. */
function keepRest(packet: Packet, bytes: u32): boolean {
  const whole = packet.view(Ipv4, NETWORK_AT);
  if (whole === null) return false;
  const optionBytes = headerBytesOf(whole) - IPV4_HEADER_MIN;
  const options = make(Options);
  if (optionBytes !== 0 && bpf_skb_load_bytes(packet, NETWORK_AT + IPV4_HEADER_MIN, options, optionBytes) !== 0n) return false;
  if (bpf_skb_adjust_room(packet, -I32(bytes), BPF_ADJ_ROOM_NET, 0n) !== 0n) return false;
  if (optionBytes !== 0) {
    if (bpf_skb_store_bytes(packet, NETWORK_AT + IPV4_HEADER_MIN, options, optionBytes, 0n) !== 0n) return false;
    leaveCopied(packet, optionBytes);
  }
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  resize(ip, be16(host16(ip.totalLength) - bytes), ip.flagsAndOffset);
  return true;
}

const IPOPT_END = 0;
const IPOPT_NOOP = 1;
const IPOPT_COPIED = 0x80;
const OptionHead = struct("OptionHead", { type: u8, length: u8 }, { size: 2 });
const OptionByte = struct("OptionByte", { value: u8 }, { size: 1 });

/**
 * RFC 791 section 3.1: later fragments have only the options that say so. net/ipv4/ip_options.c, ip_options_fragment(): the others become
 * padding. Where it is within an option stands in this processor's Handover: the verifier follows each byte once, not once for every option before.
 */
function leaveCopied(packet: Packet, optionBytes: u32): void {
  const handover = handovers.at(bpf_get_smp_processor_id());
  handover.sum = 0;
  for (let i = 0; i < IPV4_HEADER_MAX - IPV4_HEADER_MIN; i++) {
    if (i >= optionBytes) return;
    const at = NETWORK_AT + IPV4_HEADER_MIN + i;
    if (handover.sum === 0) {
      const head = packet.view(OptionHead, at);
      if (head === null || head.type === IPOPT_END) return;
      if (head.type === IPOPT_NOOP) continue;
      // A last byte has no room for a length.
      if (i + 1 >= optionBytes || head.length < 2 || head.length > optionBytes - i) return;
      handover.sum = (head.type & IPOPT_COPIED) !== 0 ? head.length | COPIED : head.length;
    }
    if ((handover.sum & COPIED) === 0) blank(packet, at, (i & 1) !== 0);
    handover.sum = (handover.sum & 0xff) === 1 ? 0 : handover.sum - 1;
  }
}

/** In the bytes left of an option, above what they can be: that it is one to be copied. */
const COPIED = 0x100;

/** A byte of the header becomes padding; `odd`: it is the second of its word. */
function blank(packet: Packet, at: u32, odd: boolean): void {
  const byte = packet.view(OptionByte, at);
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (byte === null || ip === null) return;
  const before = U32(byte.value);
  ip.checksum = replace(ip.checksum, difference16(u16(odd ? before << 8 : before) as Be16, u16(odd ? IPOPT_NOOP << 8 : IPOPT_NOOP) as Be16));
  byte.value = IPOPT_NOOP;
}

function headerBytesOf(ip: Ipv4): u32 {
  return (ip.versionAndLength & 0x0f) << 2;
}

/** RFC 6864 section 4: a whole packet that forbids it has no number that tells its pieces from those of others. */
function number(ip: Ipv4): void {
  const identification = be16(bpf_get_prandom_u32() & 0xffff);
  ip.checksum = replace(ip.checksum, difference16(ip.identification, identification));
  ip.identification = identification;
}

function resize(ip: Ipv4, length: Be16, flagsAndOffset: Be16): void {
  ip.checksum = replace(ip.checksum, difference16(ip.totalLength, length) + difference16(ip.flagsAndOffset, flagsAndOffset));
  ip.totalLength = length;
  ip.flagsAndOffset = flagsAndOffset;
}

const Sum = struct("LeftSum", { sum: Be16Type }, { size: 2 });
const SctpChecksum = struct("LeftCrc", { low: Be16Type, high: Be16Type }, { size: 4 });
const SCTP_CHECKSUM_OFFSET = 8;

/**
 * A sender on this machine, or a virtual machine of it, may leave the checksum of a whole packet to the device that sends it: then the
 * pseudo header's sum stands in its place, and the device would sum up one piece alone. Linux include/linux/skbuff.h, CHECKSUM_PARTIAL.
 * False when it cannot be made good: SCTP's, and such packets of less than BESIDE bytes.
 */
function finishChecksum(packet: Packet): boolean {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return false;
  if ((ip.flagsAndOffset & IP_FRAGMENT) !== be16(0)) return true;
  const headerBytes = headerBytesOf(ip);
  if (ip.protocol === IPPROTO_SCTP) {
    const crc = packet.view(SctpChecksum, NETWORK_AT + headerBytes + SCTP_CHECKSUM_OFFSET);
    return crc !== null && (U32(crc.low) | U32(crc.high)) !== 0;
  }
  if (ip.protocol !== IPPROTO_UDP && ip.protocol !== IPPROTO_TCP) return true;
  const bytes = U32(host16(ip.totalLength)) - headerBytes;
  const pseudo = fold(words32(ip.source) + words32(ip.destination) + U32(be16(U32(ip.protocol))) + U32(be16(bytes)));
  const checksumAt = NETWORK_AT + headerBytes + (ip.protocol === IPPROTO_UDP ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET);
  const isUdp = ip.protocol === IPPROTO_UDP;
  const transport = packet.view(Sum, checksumAt);
  if (transport === null) return false;
  if (U32(transport.sum) !== pseudo) return true;

  // One in 65,536 whole checksums looks the same.
  if (bpf_skb_pull_data(packet, NETWORK_AT + headerBytes + bytes) !== 0n) return false;
  const sum = sumOf(packet, NETWORK_AT + headerBytes, bytes);
  if (fold(sum + pseudo) === 0xffff) return true;
  const left = packet.view(Sum, checksumAt);
  if (left === null) return false;
  const finished = ~sum & 0xffff;
  left.sum = u16(isUdp && finished === 0 ? 0xffff : finished) as Be16;
  return takeFromDevice(packet);
}

const BESIDE = 96;
const Beside = struct("Beside", { bytes: array(u8, BESIDE) }, { size: BESIDE });

/**
 * Tells the kernel that the checksum is whole. No helper does; but when the place where summing up begins is taken off a packet, the
 * next bytes that are taken off make it forget: include/linux/skbuff.h, skb_postpull_rcsum(). All of them are put back.
 */
function takeFromDevice(packet: Packet): boolean {
  const at = NETWORK_AT + IPV4_HEADER_MIN;
  const beside = make(Beside);
  if (bpf_skb_load_bytes(packet, at, beside, sizeOf(Beside)) !== 0n) return false;
  if (bpf_skb_adjust_room(packet, -(BESIDE - UNIT), BPF_ADJ_ROOM_NET, 0n) !== 0n) return false;
  if (bpf_skb_adjust_room(packet, -UNIT, BPF_ADJ_ROOM_NET, 0n) !== 0n) return false;
  if (bpf_skb_adjust_room(packet, BESIDE, BPF_ADJ_ROOM_NET, 0n) !== 0n) return false;
  return bpf_skb_store_bytes(packet, at, beside, sizeOf(Beside), 0n) === 0n;
}
