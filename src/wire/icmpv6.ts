// RFC 4443: the Internet Control Message Protocol of IPv6. Its header is ICMP's (icmp.ts); its checksum covers a pseudo
// header too (section 2.3).

/** Names as Linux include/uapi/linux/icmpv6.h spells them. Types below 128 are errors, the others informational. */
export const ICMPV6_DEST_UNREACH = 1;
export const ICMPV6_PKT_TOOBIG = 2;
export const ICMPV6_TIME_EXCEED = 3;
export const ICMPV6_INFOMSG = 128;
export const ICMPV6_ADDR_UNREACH = 3;
export const ICMPV6_PORT_UNREACH = 4;
export const ICMPV6_EXC_HOPLIMIT = 0;
