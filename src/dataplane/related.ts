// ICMP errors about a connection's packets follow the connection: without them, path MTU discovery ends at the director.
// Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_in_icmp(), ip_vs_out_icmp(), ip_vs_nat_icmp(), and their siblings for
// IPv6; ip_vs_xmit.c, ip_vs_icmp_xmit(). A program of its own, TC only; XDP leaves all ICMP to TC. An error quotes the
// packet that caused it:
//
//   │ IP router→VIP │ ICMP │ IP VIP→CIP │ ports …                  about an answer: goes to the connection's real server
//   │ IP RIP→CIP    │ ICMP │ IP CIP→RIP │ ports …                  about a request by NAT: goes to the client, from the VIP
//   │ IP router→DIP │ ICMP │ IP DIP→RIP │ IP CIP→VIP │ ports …     about a tunnel packet: goes to the client (relay.ts)
//
// Checksums change by differences, so that one that came wrong leaves wrong. LVS differs: it drops such a packet.

import type { Be16, i32 } from "#layout/numbers.js";
import { u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_skb_pull_data, bpf_tail_call } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { difference16, replace } from "#wire/checksum.js";
import { Icmp } from "#wire/icmp.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_GRE, IPPROTO_IPIP, IPPROTO_UDP } from "#wire/ipv4.js";
import { IPPROTO_IPV6 } from "#wire/ipv6.js";
import { isSame } from "./address.js";
import { TICK_SHIFT, ticks } from "./clock.js";
import { FAMILY, IPV4, IPV6 } from "./config.js";
import { NO_CONNECTION, findByClient, findByServer, clientOf, serverOf, touch, virtualOf } from "./connection.js";
import { countIn, countOut } from "./counters.js";
import { isToDrop } from "./defense.js";
import { Flow, NETWORK_AT, PARSED_ICMP } from "./flow.js";
import { forwardRoute } from "./forward/route.js";
import { forwardTunnel } from "./forward/tunnel.js";
import { readTunnel } from "./forward/tunnel/quoted.js";
import { HOP_NO_ROUTE, Way, resolveClient, resolveDestination, transmit } from "./hop.js";
import type { Connection } from "./maps.js";
import {
  CONNECTION_METHOD_MASK, DESTINATION_LOCAL, METHOD_MASQ, METHOD_ROUTE, METHOD_TUNNEL, PROGRAM_TC6_RELAY, PROGRAM_TC_RELAY, SERVICE_SIP, connections, destinations, quotations, sysctls,
  tcPrograms,
} from "./maps.js";
import { NOT_THERE, addressDifference, age, isError, isUnicast, parse, parseQuoted, setDestination, setQuotedDestination, setQuotedSource, setSource } from "./network.js";
import { NO_CONNECTION_YET, NO_SERVER, TABLE_FULL, TO_DROP, enter } from "./schedule.js";
import { findService, mayBeAnswer, mayBeVip } from "./service.js";
import { Ports, readPorts } from "./transport.js";
import { Verdict, drop, pass } from "./verdict.js";

/** Of an error: its own headers, those that it quotes, with all options, and those of a tunnel between; to the ports. */
const HEADERS_MAX = 256;

/** ip_vs_conn.c, ip_vs_conn_new(): three seconds, until a packet of its own sets its state. */
const UNANSWERED_TICKS = u32((3n * 1_000_000_000n) >> TICK_SHIFT);

/** An ICMP packet, handed on by entry(): along with its connection if it is an error about one, else to the stack. */
export function followConnection(packet: Packet): i32 {
  pullErrorHeaders(packet);
  const now = ticks();
  const error = make(Flow);
  if (parse(packet, error) !== PARSED_ICMP) return pass(Verdict.otherProtocol);
  const icmpAt = error.transportAt;
  const end = NETWORK_AT + error.bytes;
  const icmp = packet.view(Icmp, icmpAt);
  if (icmp === null) return pass(Verdict.otherProtocol);
  if (!isError(icmp.type)) return pass(Verdict.otherProtocol);

  // The packet that caused it.
  const flow = make(Flow);
  const quotedAt = icmpAt + Icmp.size;
  if (!parseQuoted(packet, quotedAt, flow)) return pass(Verdict.otherProtocol);
  if (isTunneling(flow.protocol)) return quoteTunnel(packet, error, flow);
  if (!readPorts(packet, end, flow)) return pass(Verdict.otherProtocol);
  turnRound(flow);
  if (mayBeVip(flow.destination)) {
    let index = findByClient(flow, now);
    if (index === NO_CONNECTION && sysctls.at(0).schedule_icmp !== 0) index = begin(packet, flow, now);
    if (index < NO_CONNECTION_YET) return toServer(packet, error, flow, index, now);
    if (index === NO_SERVER) return drop(Verdict.noDestination);
    if (index === TABLE_FULL) return drop(Verdict.tableFull);
    if (index === TO_DROP) return drop(Verdict.dropPacket);
  }
  if (mayBeAnswer()) {
    const index = findByServer(flow, now);
    if (index !== NO_CONNECTION) return toClient(packet, error, flow, connections.at(index), now);
  }
  if (flow.protocol !== IPPROTO_UDP) return pass(Verdict.otherProtocol);
  turnRound(flow);
  return quoteTunnel(packet, error, flow);
}

/** Sees to it that all headers, those that are quoted among them, lie in the packet's linear part. */
export function pullErrorHeaders(packet: Packet): void {
  if (packet.linear < HEADERS_MAX && packet.linear < packet.length) bpf_skb_pull_data(packet, packet.length < HEADERS_MAX ? packet.length : HEADERS_MAX);
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

/** As a packet that goes where the error goes. */
export function turnRound(flow: Flow): void {
  const high = flow.source.high;
  const low = flow.source.low;
  const port = flow.sourcePort;
  flow.source = flow.destination;
  flow.sourcePort = flow.destinationPort;
  flow.destination.high = high;
  flow.destination.low = low;
  flow.destinationPort = port;
}

/** Those in which the VIP's own packets never are. */
function isTunneling(protocol: IpProtocol): boolean {
  return protocol === IPPROTO_IPIP || protocol === IPPROTO_IPV6 || protocol === IPPROTO_GRE;
}

/** About what may be a packet in our tunnel: the program of the packet's family inside says what becomes of it (relay.ts). */
function quoteTunnel(packet: Packet, error: Flow, flow: Flow): i32 {
  if (!isSame(error.destination, flow.source)) return pass(Verdict.otherProtocol);
  const quotation = quotations.at(bpf_get_smp_processor_id());
  quotation.source = flow.source;
  quotation.destination = flow.destination;
  quotation.family = FAMILY;
  quotation.icmpAt = error.transportAt;
  quotation.end = NETWORK_AT + error.bytes;
  const family = readTunnel(packet, flow, quotation);
  if (family === IPV4) bpf_tail_call(packet, tcPrograms, PROGRAM_TC_RELAY);
  if (family === IPV6) bpf_tail_call(packet, tcPrograms, PROGRAM_TC6_RELAY);
  return pass(Verdict.otherProtocol);
}

/** About an answer that went to the client: its sender must know. A server that was removed is told too, as by ip_vs_in_icmp(). */
function toServer(packet: Packet, error: Flow, cause: Flow, index: u32, now: u32): i32 {
  const connection = connections.at(index);
  const destination = destinations.at(connection.destination);
  const method = connection.flags & CONNECTION_METHOD_MASK;
  if ((destination.flags & DESTINATION_LOCAL) !== 0) return toOwnServer(packet, error, cause, connection);
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

/** The server is the director itself: its stack hears of it, of the packet that it sent. */
function toOwnServer(packet: Packet, error: Flow, cause: Flow, connection: Connection): i32 {
  countIn(connection.destination, error.bytes);
  if ((connection.flags & CONNECTION_METHOD_MASK) !== METHOD_MASQ) return TC_ACT_UNSPEC;
  const server = serverOf(connection);
  if (!setDestination(packet, server) || !changeQuotedSource(packet, error, cause, server, connection.destinationPort)) return drop(Verdict.rewriteFailed);
  return TC_ACT_UNSPEC;
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

export function changeQuotedDestination(packet: Packet, error: Flow, cause: Flow, address: Address, port: Be16): boolean {
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

