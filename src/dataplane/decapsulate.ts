// The real server's side of TUN, where its kernel has no IPIP device: takes packets out of the director's tunnel
// (RFC 2003) at TC ingress and hands them to the stack, which holds the VIP. A program of its own, not the director's.
//
//   before  │ Ethernet │ IP DIP→RIP protocol 4 │ IP CIP→VIP │ … │
//   after   │ Ethernet │ IP CIP→VIP │ … │
//
// Whatever is not such a packet for one of this server's VIPs goes on to the stack as it is.

import type { i32 } from "#layout/numbers.js";
import { Be32, be16, u64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { BPF_ADJ_ROOM_MAC } from "#prelude/flags.js";
import { bpf_skb_adjust_room, bpf_skb_pull_data } from "#prelude/helpers.js";
import { atomicAdd, make } from "#prelude/intrinsics.js";
import { hashMap, table } from "#prelude/maps.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_SHOT, TC_ACT_UNSPEC } from "#prelude/packet.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { IPPROTO_IPIP, IPV4_HEADER_MIN, IPV4_PLAIN, IP_FRAGMENT, Ipv4 } from "#wire/ipv4.js";

/** VIPs of one real server, and addresses at which tunnels end; both are few. */
export const TUNNEL_ADDRESSES_MAX = 1024;

export const Ipv4Address = struct("Ipv4Address", { address: Be32 });
/** Only the key counts. */
export const Present = struct("Present", { since: u64 });

/** This server's own addresses: the director's outer header goes to one of them. */
export const tunnelEnds = hashMap("tunnelEnds", Ipv4Address, Present, TUNNEL_ADDRESSES_MAX);
export const tunnelVips = hashMap("tunnelVips", Ipv4Address, Present, TUNNEL_ADDRESSES_MAX);

export const TunnelCounters = struct("TunnelCounters", {
  packetsOut: u64,
  /** Of tunnel packets: they need the kernel's own IPIP device, which puts them together first. */
  fragments: u64,
  failures: u64,
});
export const tunnelCounters = table("tunnelCounters", TunnelCounters, 1);

const NETWORK_AT = Ethernet.size;
/** Both IP headers, without options. */
const HEADERS = Ethernet.size + 2 * Ipv4.size;

/** A super-packet's segments are the TCP segments that they were. */
const BPF_F_ADJ_ROOM_FIXED_GSO = 1n;

export function entry(packet: Packet): i32 {
  if (packet.linear < HEADERS && packet.length >= HEADERS) bpf_skb_pull_data(packet, HEADERS);
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return TC_ACT_UNSPEC;
  if (ethernet.etherType !== ETH_P_IP) return TC_ACT_UNSPEC;
  const outer = packet.view(Ipv4, NETWORK_AT);
  if (outer === null) return TC_ACT_UNSPEC;
  if (outer.protocol !== IPPROTO_IPIP || outer.versionAndLength !== IPV4_PLAIN) return TC_ACT_UNSPEC;
  if (tunnelEnds.lookup(make(Ipv4Address, { address: outer.destination })) === null) return TC_ACT_UNSPEC;
  if ((outer.flagsAndOffset & IP_FRAGMENT) !== be16(0)) {
    atomicAdd(tunnelCounters.at(0), "fragments", 1n);
    return TC_ACT_UNSPEC;
  }
  const inner = packet.view(Ipv4, NETWORK_AT + IPV4_HEADER_MIN);
  if (inner === null) return TC_ACT_UNSPEC;
  if (tunnelVips.lookup(make(Ipv4Address, { address: inner.destination })) === null) return TC_ACT_UNSPEC;

  if (bpf_skb_adjust_room(packet, -IPV4_HEADER_MIN, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) !== 0n) {
    atomicAdd(tunnelCounters.at(0), "failures", 1n);
    return TC_ACT_SHOT;
  }
  atomicAdd(tunnelCounters.at(0), "packetsOut", 1n);
  return TC_ACT_UNSPEC;
}
