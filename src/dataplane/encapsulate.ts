// The tunnels that forward/tunnel.ts does not make in line, which is to say all but IPv4 in IPv4 by IPIP: a program of its
// own, so that those who have none of them pay nothing. What it is to do, the program that ended in it has left in this processor's Handover.

import type { i32, u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { IPV6_MTU_MIN } from "#wire/ipv6.js";
import { HOOK, IPV6, XDP } from "./config.js";
import { NO_CONNECTION } from "./connection.js";
import { NETWORK_AT } from "./flow.js";
import { writeGre, writeGreChecksum } from "./forward/tunnel/gre.js";
import { writeGue } from "./forward/tunnel/gue.js";
import { Inner, NO_SUM, innerSum, readInner } from "./forward/tunnel/inner.js";
import { bytesBetween, outerBytes, protocolOf, roomFor } from "./forward/tunnel/kind.js";
import { makeRoom, writeIpv4, writeIpv6 } from "./forward/tunnel/outer.js";
import { Way, transmit } from "./hop.js";
import { TUNNEL_GRE, TUNNEL_GUE, TUNNEL_NO_CHECKSUM, connections, destinations, handovers } from "./maps.js";
import { age } from "./network.js";
import { Verdict, drop } from "./verdict.js";

export function encapsulate(packet: Packet): i32 {
  const handover = handovers.at(bpf_get_smp_processor_id());
  const connection = connections.at(handover.connection);
  const destination = destinations.at(handover.connection === NO_CONNECTION ? handover.destination : connection.destination);
  const way = make(Way, { outcome: handover.outcome, ifindex: handover.ifindex, neighbourFamily: handover.neighbourFamily });
  way.neighbour = handover.neighbour;

  // Read once: an administrator may be changing them.
  const type = destination.tunnelType;
  const family = destination.family;
  const checksum = destination.tunnelChecksum !== TUNNEL_NO_CHECKSUM;
  const between = bytesBetween(type, checksum);
  const bytes = outerBytes(family) + between;
  // ip_vs_xmit.c, __ip_vs_get_out_rt_v6(): a tunnel that would leave less than every IPv6 packet may have is none.
  if (family === IPV6 && destination.hop.mtu < bytes + IPV6_MTU_MIN) return drop(Verdict.tooBig);

  const inner = make(Inner);
  if (!age(packet) || !readInner(packet, inner)) return drop(Verdict.rewriteFailed);
  if (!makeRoom(packet, family, bytes, roomFor(type), inner)) return drop(Verdict.rewriteFailed);
  const sum = checksum && hasSum(packet, type) ? innerSum(packet, NETWORK_AT + bytes, inner) : NO_SUM;
  const protocol = protocolOf(type);
  const written = family === IPV6
    ? writeIpv6(packet, destination, inner, protocol, between + inner.bytes)
    : writeIpv4(packet, destination, inner, protocol, between + inner.bytes);
  if (!written) return drop(Verdict.rewriteFailed);
  const at = NETWORK_AT + outerBytes(family);
  if (type === TUNNEL_GUE && !writeGue(packet, at, connection, destination, inner, sum)) return drop(Verdict.rewriteFailed);
  if (type === TUNNEL_GRE && !(checksum ? writeGreChecksum(packet, at, sum) : writeGre(packet, at))) return drop(Verdict.rewriteFailed);
  return transmit(packet, destination.hop, way);
}

/**
 * LVS differs: the segments of a super-packet go by GUE without checksums, each of which would be another one (Linux
 * net/ipv4/udp_offload.c, __skb_udp_tunnel_segment() makes them only for tunnels of the kernel's own). By GRE, whose receivers insist,
 * all have one and the same, which is right for those of one length.
 */
function hasSum(packet: Packet, type: u32): boolean {
  if (HOOK === XDP || packet.gsoSize === 0) return true;
  return type === TUNNEL_GRE;
}
