// TUN: the packet, one hop older, inside another IP packet (RFC 2003) from the director to the real server, wherever
// that is. The real server unwraps it, holds the VIP itself and answers the client directly.
// Linux v6.12 net/netfilter/ipvs/ip_vs_xmit.c, ip_vs_tunnel_xmit().
//
//   before  │ Ethernet │                 │ IP CIP→VIP ttl 64 │ … │
//   after   │ Ethernet │ IP DIP→RIP ttl 63 │ IP CIP→VIP ttl 63 │ … │

import type { Be16, i32 } from "#layout/numbers.js";
import { be16, host16 } from "#layout/numbers.js";
import { bpf_skb_adjust_room, bpf_xdp_adjust_head } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { ipv4Of } from "#wire/address.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { IPPROTO_IPIP, IPV4_HEADER_MIN, IPV4_PLAIN, IP_DF, Ipv4 } from "#wire/ipv4.js";
import { HOOK, XDP } from "../config.js";
import type { Way } from "../hop.js";
import { transmit } from "../hop.js";
import type { Destination } from "../maps.js";
import { NETWORK_AT } from "../flow.js";
import { age } from "../network.js";
import { Verdict, drop } from "../verdict.js";
import { headerChecksum } from "../header-checksum.js";

/** Bytes that the tunnel takes from the way's MTU. */
export const TUNNEL_OVERHEAD = IPV4_HEADER_MIN;

/** Linux include/uapi/linux/bpf.h: room between the Ethernet and the IP header, for an outer IPv4 header. */
const BPF_ADJ_ROOM_MAC = 1;
const BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 = 2n;

export function forwardTunnel(packet: Packet, destination: Destination, way: Way): i32 {
  if (!age(packet)) return drop(Verdict.rewriteFailed);
  const inner = packet.view(Ipv4, NETWORK_AT);
  if (inner === null) return drop(Verdict.rewriteFailed);
  const typeOfService = inner.typeOfService;
  const ttl = inner.ttl;
  const length = host16(inner.totalLength);
  const fragmentation = (inner.flagsAndOffset & IP_DF) as Be16;
  // RFC 6864: with DF the identification means nothing; without, the inner one serves as well as any.
  const identification = fragmentation === be16(0) ? inner.identification : be16(0);
  if (!makeRoom(packet)) return drop(Verdict.rewriteFailed);

  const outer = packet.view(Ipv4, NETWORK_AT);
  if (outer === null) return drop(Verdict.rewriteFailed);
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return drop(Verdict.rewriteFailed);
  ethernet.etherType = ETH_P_IP;
  outer.versionAndLength = IPV4_PLAIN;
  outer.typeOfService = typeOfService;
  outer.totalLength = be16(length + IPV4_HEADER_MIN);
  outer.identification = identification;
  outer.flagsAndOffset = fragmentation;
  outer.ttl = ttl;
  outer.protocol = IPPROTO_IPIP;
  outer.source = ipv4Of(destination.tunnelSource);
  outer.destination = ipv4Of(destination.address);
  outer.checksum = headerChecksum(outer);
  return transmit(packet, destination.hop, way);
}

/** Twenty bytes before the IP header. At TC a super-packet's segments become as much shorter. */
function makeRoom(packet: Packet): boolean {
  if (HOOK === XDP) return bpf_xdp_adjust_head(packet, -IPV4_HEADER_MIN) === 0n;
  return bpf_skb_adjust_room(packet, IPV4_HEADER_MIN, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4) === 0n;
}
