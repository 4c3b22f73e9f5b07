// What a client is told of an error about the tunnel that its packet was in. Of the same family: what the router said, with the MTU
// that is left inside, as ip_vs_in_icmp() does. Of the other, as the kernel's own tunnels do: that the server cannot be reached (Linux v6.12
// net/ipv6/ip6_tunnel.c, ip4ip6_err(), ip6_tnl_err(); net/ipv6/sit.c, ipip6_err()), or that MTU.

import type { u32 } from "#layout/numbers.js";
import { Be32, be16, be32, host32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import type { Packet } from "#prelude/packet.js";
import { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, ICMP_HOST_UNREACH, ICMP_SOURCE_QUENCH, Icmp } from "#wire/icmp.js";
import { ICMPV6_ADDR_UNREACH, ICMPV6_DEST_UNREACH, ICMPV6_PKT_TOOBIG, ICMPV6_TIME_EXCEED } from "#wire/icmpv6.js";
import { IP_DF, Ipv4 } from "#wire/ipv4.js";
import { IPV6_MTU_MIN } from "#wire/ipv6.js";
import { FAMILY, IPV6 } from "./config.js";
import type { Quotation } from "./maps.js";
import { Verdict } from "./verdict.js";

/** No header that is looked at begins later; all begin at even places. */
export const OFFSET_MASK = 0x1fe;

/** The beginning of an ICMP header. */
export const Told = struct("Told", { type: u8, code: u8, rest: Be32 });
export type Told = View<typeof Told>;

// What translate() gives, if not the verdict by which the error ends.

export const TOLD = 0xffff;
/** It is none that concerns the client. */
export const NOT_TOLD = 0xfffe;

/** ip_vs_in_icmp(): an MTU so small is told as it is (RFC 791: 68 bytes are forwarded by every host). */
const IPV4_MTU_MIN = 68;

/** Fills in what the client is told. `innerAt`: where the client's packet begins. */
export function translate(packet: Packet, quotation: Quotation, innerAt: u32, told: Told): u32 {
  const icmpAt = quotation.icmpAt & OFFSET_MASK;
  const icmp = packet.view(Icmp, icmpAt);
  if (icmp === null) return NOT_TOLD;
  const type = icmp.type;
  const isByIpv6 = quotation.family === IPV6;
  if (isByIpv6 ? type > ICMPV6_TIME_EXCEED : FAMILY === IPV6 && type === ICMP_SOURCE_QUENCH) return NOT_TOLD;
  if (isByIpv6 ? type === ICMPV6_PKT_TOOBIG : type === ICMP_DEST_UNREACH && icmp.code === ICMP_FRAG_NEEDED) {
    const mtu = host32(icmp.rest);
    return tellSize(packet, innerAt, isByIpv6 ? mtu : mtu & 0xffff, innerAt - (icmpAt + Icmp.size), told);
  }
  if (quotation.family === FAMILY) {
    told.type = type;
    told.code = icmp.code;
    told.rest = icmp.rest;
  } else {
    told.type = FAMILY === IPV6 ? ICMPV6_DEST_UNREACH : ICMP_DEST_UNREACH;
    told.code = FAMILY === IPV6 ? ICMPV6_ADDR_UNREACH : ICMP_HOST_UNREACH;
    told.rest = be32(0);
  }
  return TOLD;
}

/** `mtu`: of the tunnel's way; `overhead`: bytes of its headers. LVS differs: it takes off the outer IP header's alone. */
function tellSize(packet: Packet, innerAt: u32, mtu: u32, overhead: u32, told: Told): u32 {
  if (FAMILY === IPV6) {
    told.type = ICMPV6_PKT_TOOBIG;
    told.code = 0;
    // RFC 8201 section 4: less than that is no MTU.
    told.rest = be32(mtu > IPV6_MTU_MIN + overhead ? mtu - overhead : IPV6_MTU_MIN);
    return TOLD;
  }
  const cause = packet.view(Ipv4, innerAt);
  if (cause === null) return NOT_TOLD;
  // A client that allows fragments has no use for it.
  if ((cause.flagsAndOffset & IP_DF) === be16(0)) return Verdict.tooBig;
  told.type = ICMP_DEST_UNREACH;
  told.code = ICMP_FRAG_NEEDED;
  told.rest = be32(mtu > IPV4_MTU_MIN + overhead ? mtu - overhead : mtu & 0xffff);
  return TOLD;
}
