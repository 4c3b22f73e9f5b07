// ICMP errors about a connection's packets follow the connection: without them, path MTU discovery ends at the director.
// Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_in_icmp(), ip_vs_out_icmp(), ip_vs_nat_icmp(), and their siblings for
// IPv6; ip_vs_xmit.c, ip_vs_icmp_xmit(). A program of its own, TC only; XDP leaves all ICMP to TC. An error quotes the
// packet that caused it:
//
//   │ IP router→VIP │ ICMP │ IP VIP→CIP │ ports …                  about an answer: goes to the connection's real server
//   │ IP RIP→CIP    │ ICMP │ IP CIP→RIP │ ports …                  about a request by NAT: goes to the client, from the VIP
//   │ IP router→DIP │ ICMP │ IP DIP→RIP │ IP CIP→VIP │ ports …     about a tunnel packet: goes to the client, unwrapped
//
// Checksums change by differences, so that one that came wrong leaves wrong. LVS differs: it drops such a packet.

import type { Be16, Be32, i32 } from "#layout/numbers.js";
import { be16, be32, host16, host32, u32 } from "#layout/numbers.js";
import { bpf_skb_adjust_room, bpf_skb_pull_data } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { ipv4Of } from "#wire/address.js";
import { difference16, difference32, replace } from "#wire/checksum.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, Icmp } from "#wire/icmp.js";
import { IPPROTO_ICMP, IPPROTO_IPIP, IPV4_HEADER_MIN, IPV4_PLAIN, IP_DF, Ipv4 } from "#wire/ipv4.js";
import { isSame } from "./address.js";
import { TICK_SHIFT, ticks } from "./clock.js";
import { FAMILY, IPV4, IPV6 } from "./config.js";
import { NO_CONNECTION, findByClient, findByServer, clientOf, serverOf, touch, virtualOf } from "./connection.js";
import { countIn, countOut } from "./counters.js";
import { isToDrop } from "./defense.js";
import { Flow, NETWORK_AT, PARSED_ICMP } from "./flow.js";
import { forwardRoute } from "./forward/route.js";
import { forwardTunnel } from "./forward/tunnel.js";
import { headerChecksum } from "./header-checksum.js";
import { HOP_NO_ROUTE, Way, resolveClient, resolveDestination, transmit } from "./hop.js";
import type { Connection } from "./maps.js";
import { CONNECTION_METHOD_MASK, METHOD_MASQ, METHOD_ROUTE, METHOD_TUNNEL, SERVICE_SIP, connections, destinations, sysctls } from "./maps.js";
import { NOT_THERE, addressDifference, age, isError, isUnicast, parse, parseQuoted, setDestination, setQuotedDestination, setQuotedSource, setSource } from "./network.js";
import { ICMP_TTL, INTERNETWORK_CONTROL, IPTOS_TOS_MASK } from "./network/icmp.js";
import { NO_CONNECTION_YET, NO_SERVER, TABLE_FULL, TO_DROP, enter } from "./schedule.js";
import { findService, mayBeAnswer, mayBeVip } from "./service.js";
import { Ports, readPorts } from "./transport.js";
import { Verdict, drop, pass } from "./verdict.js";

/** Of an error: its own headers, those that it quotes, with all options, and those of a tunnel between; to the ports. */
const HEADERS_MAX = 256;

/** Linux include/uapi/linux/bpf.h. */
const BPF_ADJ_ROOM_MAC = 1;
/** ip_vs_conn.c, ip_vs_conn_new(): three seconds, until a packet of its own sets its state. */
const UNANSWERED_TICKS = u32((3n * 1_000_000_000n) >> TICK_SHIFT);
/** ip_vs_in_icmp(): an MTU so small is told as it is (RFC 791: 68 bytes are forwarded by every host). */
const TUNNEL_MTU_MIN = 68 + IPV4_HEADER_MIN;

/** An ICMP packet, handed on by entry(): along with its connection if it is an error about one, else to the stack. */
export function followConnection(packet: Packet): i32 {
  if (packet.linear < HEADERS_MAX && packet.linear < packet.length) {
    bpf_skb_pull_data(packet, packet.length < HEADERS_MAX ? packet.length : HEADERS_MAX);
  }
  const now = ticks();
  const error = make(Flow);
  if (parse(packet, error) !== PARSED_ICMP) return pass(Verdict.otherProtocol);
  const icmpAt = error.transportAt;
  const end = NETWORK_AT + error.bytes;
  const icmp = packet.view(Icmp, icmpAt);
  if (icmp === null) return pass(Verdict.otherProtocol);
  if (!isError(icmp.type)) return pass(Verdict.otherProtocol);

  // The packet that caused it, and, unless it was a request in our tunnel, turned round: as one that goes where the error goes.
  const flow = make(Flow);
  const quotedAt = icmpAt + Icmp.size;
  if (!parseQuoted(packet, quotedAt, flow)) return pass(Verdict.otherProtocol);
  const isTunnel = FAMILY === IPV4 && flow.protocol === IPPROTO_IPIP;
  if (isTunnel) {
    // Neither our own header nor a router's error has options.
    if (icmpAt !== NETWORK_AT + IPV4_HEADER_MIN || flow.transportAt !== quotedAt + IPV4_HEADER_MIN) return pass(Verdict.otherProtocol);
    if (!parseQuoted(packet, quotedAt + IPV4_HEADER_MIN, flow)) return pass(Verdict.otherProtocol);
    if (!readPorts(packet, end, flow)) return pass(Verdict.otherProtocol);
  } else {
    if (!readPorts(packet, end, flow)) return pass(Verdict.otherProtocol);
    turnRound(flow);
  }
  if (mayBeVip(flow.destination)) {
    let index = findByClient(flow, now);
    if (index === NO_CONNECTION && !isTunnel && sysctls.at(0).schedule_icmp !== 0) index = begin(packet, flow, now);
    if (index < NO_CONNECTION_YET) {
      return isTunnel ? unwrapForClient(packet, connections.at(index), now) : toServer(packet, error, flow, index, now);
    }
    if (index === NO_SERVER) return drop(Verdict.noDestination);
    if (index === TABLE_FULL) return drop(Verdict.tableFull);
    if (index === TO_DROP) return drop(Verdict.dropPacket);
  }
  if (isTunnel || !mayBeAnswer()) return pass(Verdict.otherProtocol);
  const index = findByServer(flow, now);
  if (index === NO_CONNECTION) return pass(Verdict.otherProtocol);
  return toClient(packet, error, flow, connections.at(index), now);
}

/** ip_vs_core.c, ip_vs_try_to_schedule() with sysctl_schedule_icmp(): the error is about an answer of a connection that nobody here knows, and begins it. */
function begin(packet: Packet, flow: Flow, now: u32): u32 {
  if (flow.follows !== 0) return NO_CONNECTION;
  const service = findService(packet, flow);
  if (service === null || !isUnicast(flow.source) || (service.flags & SERVICE_SIP) !== 0) return NO_CONNECTION;
  if (isToDrop()) return TO_DROP;
  const index = enter(packet, service, flow, now);
  if (index < NO_CONNECTION_YET) touch(index, UNANSWERED_TICKS, now);
  return index;
}

function turnRound(flow: Flow): void {
  const high = flow.source.high;
  const low = flow.source.low;
  const port = flow.sourcePort;
  flow.source = flow.destination;
  flow.sourcePort = flow.destinationPort;
  flow.destination.high = high;
  flow.destination.low = low;
  flow.destinationPort = port;
}

/** About an answer that went to the client: its sender must know. A server that was removed is told too, as by ip_vs_in_icmp(). */
function toServer(packet: Packet, error: Flow, cause: Flow, index: u32, now: u32): i32 {
  const connection = connections.at(index);
  const destination = destinations.at(connection.destination);
  const method = connection.flags & CONNECTION_METHOD_MASK;
  const way = make(Way);
  resolveDestination(packet, destination, now, way);
  countIn(connection.destination, error.bytes);
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  // RFC 1122 3.2.2: never an error about an error.
  if (error.ttl <= 1) return drop(Verdict.ttlExceeded);
  if (error.bytes + (method === METHOD_TUNNEL ? destination.overhead : 0) > destination.hop.mtu) return drop(Verdict.tooBig);
  switch (method) {
    case METHOD_MASQ: {
      const server = serverOf(connection);
      if (!setDestination(packet, server) || !age(packet)) return drop(Verdict.rewriteFailed);
      if (!changeQuotedSource(packet, error, cause, server, connection.destinationPort)) return drop(Verdict.rewriteFailed);
      return transmit(packet, destination.hop, way);
    }
    case METHOD_TUNNEL: return forwardTunnel(packet, index, destination, way);
    case METHOD_ROUTE: return forwardRoute(packet, destination.hop, way);
    default: return pass(Verdict.otherProtocol);
  }
}

/** About a request by NAT: the client, who knows the VIP only, hears of it from there. */
function toClient(packet: Packet, error: Flow, cause: Flow, connection: Connection, now: u32): i32 {
  if (!isSame(error.destination, clientOf(connection))) return pass(Verdict.otherProtocol);
  if (error.ttl <= 1) return pass(Verdict.answerTtlExceeded);
  const way = make(Way);
  resolveClient(packet, connection, now, way);
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  if (error.bytes > connection.clientHop.mtu) return drop(Verdict.tooBig);
  countOut(connection.destination, error.bytes);
  const virtual = virtualOf(connection);
  if (!setSource(packet, virtual) || !age(packet)) return drop(Verdict.rewriteFailed);
  if (!changeQuotedDestination(packet, error, cause, virtual, connection.virtualPort)) return drop(Verdict.rewriteFailed);
  return transmit(packet, connection.clientHop, way);
}

// ip_vs_nat_icmp(): of what is quoted, the address and the port change; the transport header's checksum stays.

function changeQuotedSource(packet: Packet, error: Flow, cause: Flow, address: Address, port: Be16): boolean {
  let change = setQuotedSource(packet, error.transportAt + Icmp.size, address);
  if (change === NOT_THERE) return false;
  if (cause.follows === 0) {
    const ports = packet.view(Ports, cause.transportAt);
    if (ports === null) return false;
    change += difference16(ports.source, port);
    ports.source = port;
  }
  return changeIcmp(packet, error.transportAt, change + outerDifference(error.destination, address));
}

function changeQuotedDestination(packet: Packet, error: Flow, cause: Flow, address: Address, port: Be16): boolean {
  let change = setQuotedDestination(packet, error.transportAt + Icmp.size, address);
  if (change === NOT_THERE) return false;
  if (cause.follows === 0) {
    const ports = packet.view(Ports, cause.transportAt);
    if (ports === null) return false;
    change += difference16(ports.destination, port);
    ports.destination = port;
  }
  return changeIcmp(packet, error.transportAt, change + outerDifference(error.source, address));
}

/** RFC 4443 section 2.3: ICMPv6 sums the addresses of its own packet too, of which one has changed. */
function outerDifference(before: Address, after: Address): u32 {
  return FAMILY === IPV6 ? addressDifference(before, after) : 0;
}

function changeIcmp(packet: Packet, icmpAt: u32, difference: u32): boolean {
  const icmp = packet.view(Icmp, icmpAt);
  if (icmp === null) return false;
  icmp.checksum = replace(icmp.checksum, difference);
  return true;
}

/**
 * About a packet in our tunnel: the client hears of it from the VIP, as icmp_send() makes it, with the MTU that is left
 * inside. LVS differs: it remembers the way's MTU, and cuts to 576 bytes; here the router tells each client, as it likes.
 *
 *   before  │ Ethernet │ IP router→DIP │ ICMP │ IP DIP→RIP │ IP CIP→VIP │ …
 *   after   │ Ethernet │               IP VIP→CIP   │ ICMP │ IP CIP→VIP │ …
 */
function unwrapForClient(packet: Packet, connection: Connection, now: u32): i32 {
  const destination = destinations.at(connection.destination);
  const error = packet.view(Ipv4, NETWORK_AT);
  const icmp = packet.view(Icmp, NETWORK_AT + IPV4_HEADER_MIN);
  const outer = packet.view(Ipv4, QUOTED_AT);
  const cause = packet.view(Ipv4, QUOTED_AT + IPV4_HEADER_MIN);
  if (error === null || icmp === null || outer === null || cause === null) return drop(Verdict.rewriteFailed);
  // Only about what this director sent: by that tunnel, from the address that the error came to.
  if ((connection.flags & CONNECTION_METHOD_MASK) !== METHOD_TUNNEL || outer.destination !== ipv4Of(destination.address)
    || outer.source !== ipv4Of(destination.tunnelSource) || error.destination !== outer.source) return pass(Verdict.otherProtocol);
  const type = icmp.type;
  const code = icmp.code;
  let rest = icmp.rest;
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) {
    if ((cause.flagsAndOffset & IP_DF) === be16(0)) return drop(Verdict.tooBig);
    rest = be32(mtuInside(host32(rest) & 0xffff));
  }
  const bytes = host16(error.totalLength) - IPV4_HEADER_MIN;
  const typeOfService = (cause.typeOfService & IPTOS_TOS_MASK) | INTERNETWORK_CONTROL;
  const identification = cause.identification;
  // The message loses the outer header, whose words the message's checksum held, right or wrong.
  const outerWords = (~u32(headerChecksum(outer)) & 0xffff) + u32(outer.checksum);
  const checksum = replace(icmp.checksum, difference32(icmp.rest, rest) + difference32(outerWords as Be32, be32(0)));

  const way = make(Way);
  resolveClient(packet, connection, now, way);
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  if (bytes > connection.clientHop.mtu) return drop(Verdict.tooBig);
  if (bpf_skb_adjust_room(packet, -IPV4_HEADER_MIN, BPF_ADJ_ROOM_MAC, 0n) !== 0n) return drop(Verdict.rewriteFailed);

  const ethernet = packet.view(Ethernet, 0);
  const ip = packet.view(Ipv4, NETWORK_AT);
  const message = packet.view(Icmp, NETWORK_AT + IPV4_HEADER_MIN);
  if (ethernet === null || ip === null || message === null) return drop(Verdict.rewriteFailed);
  ethernet.etherType = ETH_P_IP;
  ip.versionAndLength = IPV4_PLAIN;
  ip.typeOfService = typeOfService;
  ip.totalLength = be16(bytes);
  ip.identification = identification;
  ip.flagsAndOffset = be16(0);
  ip.ttl = ICMP_TTL;
  ip.protocol = IPPROTO_ICMP;
  ip.source = connection.virtualAddress;
  ip.destination = connection.clientAddress;
  ip.checksum = headerChecksum(ip);
  message.type = type;
  message.code = code;
  message.checksum = checksum;
  message.rest = rest;
  // Twice, as seen on a real one: ip_vs_in_icmp() counts what is quoted, ip_vs_out_icmp() at LOCAL_OUT the error as it leaves.
  countOut(connection.destination, bytes - IPV4_HEADER_MIN - Icmp.size);
  countOut(connection.destination, bytes);
  return transmit(packet, connection.clientHop, way);
}

/** Where the quoted packet stands in an error without options. */
const QUOTED_AT = NETWORK_AT + IPV4_HEADER_MIN + Icmp.size;

function mtuInside(mtu: u32): u32 {
  return mtu > TUNNEL_MTU_MIN ? mtu - IPV4_HEADER_MIN : mtu;
}
