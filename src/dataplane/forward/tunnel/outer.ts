// The outer IP header of a tunnel, of either family.

import type { Be16, u32, u64 } from "#layout/numbers.js";
import { be16, be32, i32 as I32 } from "#layout/numbers.js";
import { BPF_ADJ_ROOM_MAC } from "#prelude/flags.js";
import { bpf_get_prandom_u32, bpf_skb_adjust_room, bpf_xdp_adjust_head } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { ipv4Of } from "#wire/address.js";
import { ETH_P_IP, ETH_P_IPV6, Ethernet } from "#wire/ethernet.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_UDP, IPV4_HEADER_MIN, IPV4_PLAIN, Ipv4 } from "#wire/ipv4.js";
import { Ipv6 } from "#wire/ipv6.js";
import { HOOK, IPV6, XDP } from "../../config.js";
import { NETWORK_AT } from "../../flow.js";
import { headerChecksum } from "../../header-checksum.js";
import type { Destination } from "../../maps.js";
import { sysctls } from "../../maps.js";
import type { Inner } from "./inner.js";

/** Linux include/uapi/linux/bpf.h: room between the Ethernet and the IP header, for an outer one of that family. */
const BPF_F_ADJ_ROOM_FIXED_GSO = 1n;
const BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 = 2n;
const BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 = 4n;

/**
 * So many bytes before the IP header; `room`: the kernel's flags for what stands between. At TC a super-packet's segments become as much
 * shorter, unless they are datagrams, which keep their length.
 */
export function makeRoom(packet: Packet, family: u32, bytes: u32, room: u64, inner: Inner): boolean {
  if (HOOK === XDP) return bpf_xdp_adjust_head(packet, -I32(bytes)) === 0n;
  const flags = room | (family === IPV6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
  return bpf_skb_adjust_room(packet, I32(bytes), BPF_ADJ_ROOM_MAC, inner.protocol === IPPROTO_UDP ? flags | BPF_F_ADJ_ROOM_FIXED_GSO : flags) === 0n;
}

/** `bytes`: of what follows. False when the packet is too short after all. */
export function writeIpv4(packet: Packet, destination: Destination, inner: Inner, protocol: IpProtocol, bytes: u32): boolean {
  const outer = packet.view(Ipv4, NETWORK_AT);
  const ethernet = packet.view(Ethernet, 0);
  if (outer === null || ethernet === null) return false;
  ethernet.etherType = ETH_P_IP;
  outer.versionAndLength = IPV4_PLAIN;
  outer.typeOfService = inner.typeOfService;
  outer.totalLength = lengthField(bytes + IPV4_HEADER_MIN);
  // ip_vs_xmit.c, ip_vs_tunnel_xmit(): with pmtu_disc 0 routers may cut it, for which it needs a number of its own.
  const mayBeCut = sysctls.at(0).pmtu_disc === 0 && inner.fragmentation !== be16(0);
  outer.identification = mayBeCut ? be16(bpf_get_prandom_u32() & 0xffff) : inner.identification;
  outer.flagsAndOffset = mayBeCut ? be16(0) : inner.fragmentation;
  outer.ttl = inner.ttl;
  outer.protocol = protocol;
  outer.source = ipv4Of(destination.tunnelSource);
  outer.destination = ipv4Of(destination.address);
  outer.checksum = headerChecksum(outer);
  return true;
}

/** As writeIpv4(). */
export function writeIpv6(packet: Packet, destination: Destination, inner: Inner, protocol: IpProtocol, bytes: u32): boolean {
  const outer = packet.view(Ipv6, NETWORK_AT);
  const ethernet = packet.view(Ethernet, 0);
  if (outer === null || ethernet === null) return false;
  ethernet.etherType = ETH_P_IPV6;
  outer.versionClassLabel = be32((6 << 28) | (inner.typeOfService << 20));
  outer.payloadLength = lengthField(bytes);
  outer.nextHeader = protocol;
  outer.hopLimit = inner.ttl;
  outer.source = destination.tunnelSource;
  outer.destination = destination.address;
  return true;
}

/** Linux include/linux/ip.h, iph_set_totlen(): a super-packet's length may be more than there is room for. */
export function lengthField(bytes: u32): Be16 {
  return be16(HOOK !== XDP && bytes > 0xffff ? 0 : bytes);
}
