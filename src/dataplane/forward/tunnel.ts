// TUN: the packet, one hop older, inside another IP packet from the director to the real server, wherever that is. The
// real server unwraps it, holds the VIP itself and answers the client directly.
// Linux v6.12 net/netfilter/ipvs/ip_vs_xmit.c, ip_vs_tunnel_xmit(), ip_vs_tunnel_xmit_v6().
//
//   before  │ Ethernet │                 │ IP CIP→VIP ttl 64 │ … │
//   IPIP    │ Ethernet │ IP DIP→RIP ttl 63 │ IP CIP→VIP ttl 63 │ … │
//   GUE     │ Ethernet │ IP DIP→RIP ttl 63 │ UDP │ GUE │ IP CIP→VIP ttl 63 │ … │
//   GRE     │ Ethernet │ IP DIP→RIP ttl 63 │ GRE │ IP CIP→VIP ttl 63 │ … │
//
// IPv4 in IPv4 by IPIP is done here; for the others a program ends in one of their own (encapsulate.ts).

import type { i32, u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_tail_call } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { IPPROTO_IPIP, IPV4_HEADER_MIN } from "#wire/ipv4.js";
import { FAMILY, HOOK, IPV4, XDP } from "../config.js";
import type { Way } from "../hop.js";
import { transmit } from "../hop.js";
import type { Destination } from "../maps.js";
import {
  PROGRAM_TC6_TUNNEL, PROGRAM_TC_TUNNEL, PROGRAM_XDP6_TUNNEL, PROGRAM_XDP_TUNNEL, TUNNEL_IPIP, handovers, tcPrograms, xdpPrograms,
} from "../maps.js";
import { age } from "../network.js";
import { Verdict, drop } from "../verdict.js";
import { Inner, readInner } from "./tunnel/inner.js";
import { IPIP_ROOM } from "./tunnel/ipip.js";
import { makeRoom, writeIpv4 } from "./tunnel/outer.js";

/** `index`: in `connections`. */
export function forwardTunnel(packet: Packet, index: u32, destination: Destination, way: Way): i32 {
  if (FAMILY !== IPV4 || destination.family !== IPV4 || destination.tunnelType !== TUNNEL_IPIP) return handOver(packet, index, way);
  const inner = make(Inner);
  if (!age(packet) || !readInner(packet, inner)) return drop(Verdict.rewriteFailed);
  if (!makeRoom(packet, IPV4, IPV4_HEADER_MIN, IPIP_ROOM, inner)) return drop(Verdict.rewriteFailed);
  if (!writeIpv4(packet, destination, inner, IPPROTO_IPIP, inner.bytes)) return drop(Verdict.rewriteFailed);
  return transmit(packet, destination.hop, way);
}

function handOver(packet: Packet, index: u32, way: Way): i32 {
  const handover = handovers.at(bpf_get_smp_processor_id());
  handover.connection = index;
  handover.outcome = way.outcome;
  handover.ifindex = way.ifindex;
  handover.neighbourFamily = way.neighbourFamily;
  handover.neighbour = way.neighbour;
  if (HOOK === XDP) bpf_tail_call(packet, xdpPrograms, FAMILY === IPV4 ? PROGRAM_XDP_TUNNEL : PROGRAM_XDP6_TUNNEL);
  else bpf_tail_call(packet, tcPrograms, FAMILY === IPV4 ? PROGRAM_TC_TUNNEL : PROGRAM_TC6_TUNNEL);
  return drop(Verdict.rewriteFailed);
}
