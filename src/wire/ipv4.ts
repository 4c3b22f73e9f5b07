// RFC 791: the Internet Protocol, version 4.

import type { Branded } from "#layout/numbers.js";
import { Be16, Be32, be16, distinct, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";

export type IpProtocol = Branded<number, "IpProtocol">;
export const IpProtocol = distinct<IpProtocol>("IpProtocol", u8);

/** IANA protocol numbers, names as Linux include/uapi/linux/in.h spells them. IPPROTO_IP is IPVS's word for all of them. */
export const IPPROTO_IP = 0 as IpProtocol;
export const IPPROTO_ICMP = 1 as IpProtocol;
export const IPPROTO_IPIP = 4 as IpProtocol;
export const IPPROTO_TCP = 6 as IpProtocol;
export const IPPROTO_UDP = 17 as IpProtocol;
export const IPPROTO_GRE = 47 as IpProtocol;
export const IPPROTO_ESP = 50 as IpProtocol;
export const IPPROTO_AH = 51 as IpProtocol;
export const IPPROTO_SCTP = 132 as IpProtocol;

/** The header without options: 20 bytes. */
export const Ipv4 = struct("Ipv4", {
  /** Version in the upper four bits, header length in 32-bit words in the lower. */
  versionAndLength: u8,
  typeOfService: u8,
  totalLength: Be16,
  identification: Be16,
  flagsAndOffset: Be16,
  ttl: u8,
  protocol: IpProtocol,
  checksum: Be16,
  source: Be32,
  destination: Be32,
}, { size: 20 });
export type Ipv4 = View<typeof Ipv4>;

/** The header's length in bytes, without and with the most options that fit. */
export const IPV4_HEADER_MIN = 20;
export const IPV4_HEADER_MAX = 60;
/** Version 4, header of five words. */
export const IPV4_PLAIN = 0x45;

/** Of flagsAndOffset: don't fragment; more fragments; those or an offset, which is to say: a fragment. */
export const IP_DF = be16(0x4000);
export const IP_MF = be16(0x2000);
export const IP_FRAGMENT = be16(0x3fff);
/** Where in its packet a fragment begins, in units of eight bytes: only the first, at 0, has the transport header. */
export const IP_OFFSET = be16(0x1fff);
