// What the director tells a client whose packet cannot go on. TC only: XDP leaves such packets to it.

import type { i32, u32 } from "#layout/numbers.js";
import { be32 } from "#layout/numbers.js";
import type { Packet } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { replace } from "#wire/checksum.js";
import { ICMP_DEST_UNREACH, ICMP_EXC_TTL, ICMP_FRAG_NEEDED, ICMP_PORT_UNREACH, ICMP_TIME_EXCEEDED, Icmp } from "#wire/icmp.js";
import { ICMPV6_DEST_UNREACH, ICMPV6_EXC_HOPLIMIT, ICMPV6_PKT_TOOBIG, ICMPV6_PORT_UNREACH, ICMPV6_TIME_EXCEED } from "#wire/icmpv6.js";
import { IPV6_HEADER } from "#wire/ipv6.js";
import { FAMILY, IPV6 } from "./config.js";
import { countOut } from "./counters.js";
import { NETWORK_AT } from "./flow.js";
import type { Connection } from "./maps.js";
import { CONNECTION_METHOD_MASK, CONNECTION_ONE_PACKET, METHOD_MASQ } from "./maps.js";
import { addressDifference, setSource } from "./network.js";
import { errorBytes as icmpBytes, sendError as sendIcmp } from "./network/icmp.js";
import { errorBytes as icmpv6Bytes, sendError as sendIcmpv6 } from "./network/icmpv6.js";
import { Verdict, drop } from "./verdict.js";

/** The four bytes after the checksum when they say nothing. */
const NO_REST = be32(0);

/** ip_vs_core.c, ip_vs_leave(): no server takes it, and the client is told so, TCP's too. */
export function refusePort(packet: Packet, verdict: u32): i32 {
  return FAMILY === IPV6
    ? sendIcmpv6(packet, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, NO_REST, verdict)
    : sendIcmp(packet, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, NO_REST, verdict);
}

/** ip_vs_xmit.c, decrement_ttl(): it was on its way for too long. */
export function refuseAge(packet: Packet, verdict: u32): i32 {
  return FAMILY === IPV6
    ? sendIcmpv6(packet, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, NO_REST, verdict)
    : sendIcmp(packet, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, NO_REST, verdict);
}

/** The same to a real server, of its packet to a client: from the address that the director has towards it. */
export function refuseAnswer(packet: Packet, client: Address, director: Address, verdict: u32): i32 {
  const sent = refusePort(packet, verdict);
  if (!setSource(packet, director)) return drop(Verdict.rewriteFailed);
  if (FAMILY !== IPV6) return sent;
  // RFC 4443 section 2.3: the message's checksum holds the address too.
  const message = packet.view(Icmp, NETWORK_AT + IPV6_HEADER);
  if (message === null) return drop(Verdict.rewriteFailed);
  message.checksum = replace(message.checksum, addressDifference(client, director));
  return sent;
}

/** RFC 1191, RFC 8201: what would fit. */
export function refuseSize(packet: Packet, mtu: u32, verdict: u32): i32 {
  return FAMILY === IPV6
    ? sendIcmpv6(packet, ICMPV6_PKT_TOOBIG, 0, be32(mtu), verdict)
    : sendIcmp(packet, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, be32(mtu), verdict);
}

/**
 * What the director tells about a connection's packet of `bytes` passes LVS on its own way out (NF_INET_LOCAL_OUT: ip_vs_core.c, ip_vs_out_icmp()),
 * and is counted as an answer where ip_vs_conn_out_get() finds the connection by the client's and the virtual address: not by NAT.
 */
export function countRefusal(connection: Connection, bytes: u32): void {
  if ((connection.flags & CONNECTION_METHOD_MASK) === METHOD_MASQ || (connection.flags & CONNECTION_ONE_PACKET) !== 0) return;
  countOut(connection.destination, FAMILY === IPV6 ? icmpv6Bytes(bytes) : icmpBytes(bytes));
}
