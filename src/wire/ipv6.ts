// RFC 8200: the Internet Protocol, version 6, and the extension headers that stand before the transport header.

import { Be16, Be32, be16, be32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { Address } from "./address.js";
import { IpProtocol } from "./ipv4.js";

/** IANA protocol numbers, names as Linux include/uapi/linux/in6.h spells them. */
export const IPPROTO_HOPOPTS = 0 as IpProtocol;
export const IPPROTO_IPV6 = 41 as IpProtocol;
export const IPPROTO_ROUTING = 43 as IpProtocol;
export const IPPROTO_FRAGMENT = 44 as IpProtocol;
export const IPPROTO_ICMPV6 = 58 as IpProtocol;
export const IPPROTO_DSTOPTS = 60 as IpProtocol;

/** 40 bytes. */
export const Ipv6 = struct("Ipv6", {
  /** Four bits of version, eight of traffic class, twenty of flow label. */
  versionClassLabel: Be32,
  /** Of all that follows this header. */
  payloadLength: Be16,
  nextHeader: IpProtocol,
  hopLimit: u8,
  source: Address,
  destination: Address,
}, { size: 40 });
export type Ipv6 = View<typeof Ipv6>;

export const IPV6_HEADER = 40;
/** RFC 8200 section 5: every link carries packets of so many bytes. */
export const IPV6_MTU_MIN = 1280;
/** Of versionClassLabel: the version as it must be, and the traffic class. */
export const IPV6_VERSION_MASK = be32(0xf0000000);
export const IPV6_VERSION = be32(0x60000000);
export const IPV6_CLASS_MASK = be32(0x0ff00000);

/** How every extension header begins but for the fragment's: its length in units of 8 bytes, the first not counted. */
export const Ipv6Extension = struct("Ipv6Extension", { nextHeader: IpProtocol, length: u8 }, { size: 2 });

export const Ipv6Fragment = struct("Ipv6Fragment", {
  nextHeader: IpProtocol,
  reserved: u8,
  /** Thirteen bits of offset in units of 8 bytes, two reserved, one: more fragments. */
  offsetAndFlags: Be16,
  identification: Be32,
}, { size: 8 });
export const IPV6_FRAGMENT_OFFSET = be16(0xfff8);
export const IPV6_FRAGMENT_MORE = be16(0x0001);
