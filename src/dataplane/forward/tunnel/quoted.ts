// A tunnel's packet as an ICMP error quotes it: which kind of tunnel, and where the packet inside begins. Linux v6.12
// net/netfilter/ipvs/ip_vs_core.c, ip_vs_in_icmp(), ipvs_udp_decap(), ipvs_gre_decap(), which know IPv4 in IPv4 alone.

import type { u32 } from "#layout/numbers.js";
import { be16 } from "#layout/numbers.js";
import type { Packet } from "#prelude/packet.js";
import { ETH_P_IP, ETH_P_IPV6 } from "#wire/ethernet.js";
import { GRE_CSUM, GRE_PLAIN, Gre } from "#wire/gre.js";
import { GUE_LENGTH_MASK, Gue } from "#wire/gue.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_GRE, IPPROTO_IPIP, IPPROTO_UDP } from "#wire/ipv4.js";
import { IPPROTO_IPV6 } from "#wire/ipv6.js";
import { Udp } from "#wire/udp.js";
import { IPV4, IPV6 } from "../../config.js";
import type { Flow } from "../../flow.js";
import type { Quotation } from "../../maps.js";
import { TUNNEL_GRE, TUNNEL_GUE, TUNNEL_IPIP } from "../../maps.js";
import { GRE_BYTES, GRE_CHECKSUM_BYTES } from "./gre.js";
import { GUE_BYTES } from "./gue.js";

/** No packet's family. */
export const NO_TUNNEL = 0;

/** `flow`: of the outer header. Fills in the tunnel's kind and port, and where the packet inside begins; gives its family, or NO_TUNNEL. */
export function readTunnel(packet: Packet, flow: Flow, quotation: Quotation): u32 {
  switch (flow.protocol) {
    case IPPROTO_UDP: return readGue(packet, flow, quotation);
    case IPPROTO_GRE: return readGre(packet, flow, quotation);
    default: return readIpip(flow, quotation);
  }
}

function readIpip(flow: Flow, quotation: Quotation): u32 {
  quotation.tunnelType = TUNNEL_IPIP;
  quotation.tunnelPort = be16(0);
  quotation.innerAt = flow.transportAt;
  return familyOf(flow.protocol);
}

function readGue(packet: Packet, flow: Flow, quotation: Quotation): u32 {
  const udp = packet.view(Udp, flow.transportAt);
  const gue = packet.view(Gue, flow.transportAt + Udp.size);
  if (udp === null || gue === null) return NO_TUNNEL;
  // Version 0, no control message.
  if ((gue.versionAndLength & ~GUE_LENGTH_MASK) !== 0) return NO_TUNNEL;
  quotation.tunnelType = TUNNEL_GUE;
  quotation.tunnelPort = udp.destination;
  quotation.innerAt = flow.transportAt + GUE_BYTES + ((gue.versionAndLength & GUE_LENGTH_MASK) << 2);
  return familyOf(gue.protocol);
}

function readGre(packet: Packet, flow: Flow, quotation: Quotation): u32 {
  const gre = packet.view(Gre, flow.transportAt);
  if (gre === null || (gre.flagsAndVersion !== GRE_PLAIN && gre.flagsAndVersion !== GRE_CSUM)) return NO_TUNNEL;
  quotation.tunnelType = TUNNEL_GRE;
  quotation.tunnelPort = be16(0);
  quotation.innerAt = flow.transportAt + (gre.flagsAndVersion === GRE_CSUM ? GRE_CHECKSUM_BYTES : GRE_BYTES);
  if (gre.protocol === ETH_P_IP) return IPV4;
  return gre.protocol === ETH_P_IPV6 ? IPV6 : NO_TUNNEL;
}

function familyOf(protocol: IpProtocol): u32 {
  if (protocol === IPPROTO_IPIP) return IPV4;
  return protocol === IPPROTO_IPV6 ? IPV6 : NO_TUNNEL;
}
