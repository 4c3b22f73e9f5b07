// What differs between the kinds of tunnel: IPIP, GUE, GRE, by Destination.tunnelType.

import type { u32, u64 } from "#layout/numbers.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_GRE, IPPROTO_UDP, IPV4_HEADER_MIN } from "#wire/ipv4.js";
import { IPV6_HEADER } from "#wire/ipv6.js";
import { IPV6 } from "../../config.js";
import { TUNNEL_GRE, TUNNEL_GUE } from "../../maps.js";
import { GRE_BYTES, GRE_CHECKSUM_BYTES, GRE_ROOM } from "./gre.js";
import { GUE_BYTES, GUE_ROOM } from "./gue.js";
import { IPIP_ROOM, ipipProtocol } from "./ipip.js";

/** The outer IP header. */
export function outerBytes(family: u32): u32 {
  return family === IPV6 ? IPV6_HEADER : IPV4_HEADER_MIN;
}

/** What stands between the IP headers. */
export function bytesBetween(type: u32, checksum: boolean): u32 {
  if (type === TUNNEL_GUE) return GUE_BYTES;
  if (type === TUNNEL_GRE) return checksum ? GRE_CHECKSUM_BYTES : GRE_BYTES;
  return 0;
}

/** The kernel's flag for it at TC. */
export function roomFor(type: u32): u64 {
  if (type === TUNNEL_GUE) return GUE_ROOM;
  if (type === TUNNEL_GRE) return GRE_ROOM;
  return IPIP_ROOM;
}

/** What the outer header calls it. */
export function protocolOf(type: u32): IpProtocol {
  if (type === TUNNEL_GUE) return IPPROTO_UDP;
  if (type === TUNNEL_GRE) return IPPROTO_GRE;
  return ipipProtocol();
}
