// A packet's whole life in the director, as net/netfilter/ipvs/ip_vs_core.c has it in ip_vs_in() and ip_vs_out():
// parse → ICMP? → an answer of NAT? → its connection, or its service and the schedulers → state → count → forward.
//
// Compiled twelve times: for XDP, the fast path, and for TC, for either family, and for TCP and UDP or the others. XDP does what needs no help, and hands
// every other packet on untouched (XDP_PASS) to the program at TC, which does all of it; but where packets are to be read: those of an application's
// connections (application.ts) are for that program once more, compiled with APPLICATION, and those that begin one of a persistence engine's (engines/), with ENGINE.

import type { i32, u32 } from "#layout/numbers.js";
import { bpf_tail_call } from "#prelude/helpers.js";
import { make, likely, unlikely } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { PACKET_HOST, TC_ACT_UNSPEC, XDP_PASS } from "#prelude/packet.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import { SCTP_CID_ABORT, SCTP_CID_INIT } from "#wire/sctp.js";
import { TCP_RST, TCP_SYN } from "#wire/tcp.js";
import { anyPlace, hearClient, hearServer } from "./application.js";
import { ticks } from "./clock.js";
import { APPLICATION, ENGINE, FAMILY, HOOK, IPV6, SCTP_AND_IPSEC, TCP_AND_UDP, TRANSPORTS, XDP } from "./config.js";
import { NO_CONNECTION, endNow, findByAnswer, findByClient, findByServer, touch } from "./connection.js";
import { countIn, countOut } from "./counters.js";
import { SCHEDULED, cutToFit, mayCut } from "./cut.js";
import { isToDrop } from "./defense.js";
import { controlledBy } from "./dialogue.js";
import { readCall } from "./engines/sip.js";
import { countRefusal, refuseAge, refuseAnswer, refusePort, refuseSize } from "./errors.js";
import { meetExpected } from "./expected.js";
import { FRAGMENT, Flow, OTHER_FAMILY, OTHER_TRANSPORT, PARSED, PARSED_ICMP } from "./flow.js";
import { answerMasquerade, forwardMasquerade, masquerade } from "./forward/nat.js";
import { forwardRoute } from "./forward/route.js";
import { forwardTunnel } from "./forward/tunnel.js";
import { HOP_NO_ROUTE, Way, isForTc, isForwarded, resolveClient, resolveDestination } from "./hop.js";
import type { Connection, Destination, Hop } from "./maps.js";
import {
  CONNECTION_APPLICATION, CONNECTION_METHOD_MASK, CONNECTION_NO_OUTPUT, CONNECTION_ONE_PACKET, connections, DESTINATION_AVAILABLE, DESTINATION_LOCAL, destinations, METHOD_MASQ,
  METHOD_ROUTE, METHOD_TUNNEL, NO_TEMPLATE, PROGRAM_TC, PROGRAM_TC6, PROGRAM_TC6_APPLICATION, PROGRAM_TC6_FRAGMENTS, PROGRAM_TC6_ICMP, PROGRAM_TC6_SCTP, PROGRAM_TC6_SIP,
  PROGRAM_TC_APPLICATION, PROGRAM_TC_FRAGMENTS, PROGRAM_TC_ICMP, PROGRAM_TC_SCTP, PROGRAM_TC_SIP, PROGRAM_XDP6, PROGRAM_XDP6_SCTP, PROGRAM_XDP_SCTP, RealServerKey, realServers,
  SERVICE_PERSISTENT, SERVICE_SIP, settings, sysctls, tcPrograms, xdpPrograms,
} from "./maps.js";
import { toOwnSocket } from "./marked.js";
import { age, forbidsFragments, isUnicast, parse, pullHeaders } from "./network.js";
import { isReusable as isSctpReusable } from "./protocols/sctp.js";
import { isReusable } from "./protocols/tcp.js";
import { BYPASS, BY_ENGINE, NOT_A_SYN, NO_CALL, NO_CONNECTION_YET, NO_SERVER, TABLE_FULL, TO_DROP, enter, enteredBefore } from "./schedule.js";
import { findService, mayBeAnswer, mayBeVip } from "./service.js";
import { advanceByClient, advanceByServer } from "./state.js";
import { Verdict, drop, pass } from "./verdict.js";

export function entry(packet: Packet): i32 {
  if (HOOK !== XDP) {
    // A segment may flood frames for others; the stack ignores them by this mark, and so does LVS behind it.
    if (packet.packetType !== PACKET_HOST) return pass(Verdict.otherHost);
    // The device has taken a VLAN's tag out of the frame: the packet is the VLAN's interface's, and comes to its program next.
    if (packet.vlanPresent !== 0) return pass(Verdict.notIp);
    pullHeaders(packet);
  }
  // First, as a call takes all but four registers, and there is nothing to keep in them yet.
  const now = ticks();
  const flow = make(Flow);
  const parsed = parse(packet, flow);
  if (parsed === PARSED_ICMP) return control(packet);
  if (parsed === OTHER_FAMILY) return toOtherFamily(packet);
  if (parsed === OTHER_TRANSPORT) return toOtherTransports(packet);
  if (parsed !== PARSED) return parsed === FRAGMENT ? toFragments(packet) : pass(parsed);

  let index = NO_CONNECTION;
  if (mayBeVip(flow.destination)) {
    index = APPLICATION ? anyPlace(findByClient(flow, now)) : findByClient(flow, now);
    if (index !== NO_CONNECTION && startsAnew(index, flow)) {
      endNow(index, now);
      index = NO_CONNECTION;
    }
    if (!APPLICATION && unlikely(index === NO_CONNECTION)) index = begin(packet, flow, now);
  }
  if (likely(index < NO_CONNECTION_YET)) return request(packet, flow, index, now);
  if (index === NOT_A_SYN) return pass(Verdict.notASyn);
  if (index === TABLE_FULL) return drop(Verdict.tableFull);
  if (index === TO_DROP) return drop(Verdict.dropPacket);
  if (index === NO_SERVER) return refuse(packet);
  // ip_vs_core.c, ip_vs_leave(): to where it is addressed. LVS differs: the stack takes it there, and there is no entry.
  if (index === BYPASS) return pass(Verdict.bypassed);
  if (index === BY_ENGINE) return toEngine(packet);
  if (index === NO_CALL) return drop(Verdict.noCall);
  return answer(packet, flow, now);
}

/** To the program of IPv6, which is this one compiled for it. */
function toOtherFamily(packet: Packet): i32 {
  if (FAMILY !== IPV6 && HOOK === XDP) bpf_tail_call(packet, xdpPrograms, PROGRAM_XDP6);
  if (FAMILY !== IPV6 && HOOK !== XDP) bpf_tail_call(packet, tcPrograms, PROGRAM_TC6);
  return pass(Verdict.notIp);
}

/** To the program of SCTP and IPsec, which is this one again. */
function toOtherTransports(packet: Packet): i32 {
  if (TRANSPORTS === TCP_AND_UDP && HOOK === XDP) bpf_tail_call(packet, xdpPrograms, FAMILY === IPV6 ? PROGRAM_XDP6_SCTP : PROGRAM_XDP_SCTP);
  if (TRANSPORTS === TCP_AND_UDP && HOOK !== XDP) bpf_tail_call(packet, tcPrograms, FAMILY === IPV6 ? PROGRAM_TC6_SCTP : PROGRAM_TC_SCTP);
  return pass(Verdict.otherProtocol);
}

/** To the program that takes fragments: it sends the others along with the first, and the first back to here. */
function toFragments(packet: Packet): i32 {
  if (HOOK === XDP) return XDP_PASS;
  bpf_tail_call(packet, tcPrograms, FAMILY === IPV6 ? PROGRAM_TC6_FRAGMENTS : PROGRAM_TC_FRAGMENTS);
  return pass(Verdict.fragment);
}

/** To the program for connections of applications, which is this one again. */
function toApplication(packet: Packet): i32 {
  if (HOOK === XDP) return XDP_PASS;
  bpf_tail_call(packet, tcPrograms, FAMILY === IPV6 ? PROGRAM_TC6_APPLICATION : PROGRAM_TC_APPLICATION);
  return drop(Verdict.notAnnounced);
}

/** To the program for services with a persistence engine, which is this one again. */
function toEngine(packet: Packet): i32 {
  if (HOOK === XDP) return XDP_PASS;
  bpf_tail_call(packet, tcPrograms, FAMILY === IPV6 ? PROGRAM_TC6_SIP : PROGRAM_TC_SIP);
  return drop(Verdict.noCall);
}

/** ip_vs_in_icmp(), ip_vs_out_icmp(): a program of its own (related.ts), so that each stays within the verifier's limits. */
function control(packet: Packet): i32 {
  if (HOOK === XDP) return XDP_PASS;
  bpf_tail_call(packet, tcPrograms, FAMILY === IPV6 ? PROGRAM_TC6_ICMP : PROGRAM_TC_ICMP);
  return pass(Verdict.otherProtocol);
}

/** For a packet that belongs to no connection: one that was announced, or a new one, if it is for a service and may begin one. */
function begin(packet: Packet, flow: Flow, now: u32): u32 {
  // ip_vs_proto_ah_esp.c, ah_esp_conn_schedule().
  if (flow.follows !== 0) return NO_CONNECTION;
  if (TRANSPORTS === TCP_AND_UDP && flow.protocol === IPPROTO_TCP && settings.at(0).ftpServices !== 0) {
    const expected = meetExpected(flow, now);
    if (expected !== NO_CONNECTION) return expected;
  }
  if (TRANSPORTS === TCP_AND_UDP && FAMILY !== IPV6 && HOOK !== XDP && unlikely(packet.tcIndex === SCHEDULED)) return enteredBefore(packet, flow);
  const service = findService(packet, flow);
  if (service === null || !isUnicast(flow.source)) return NO_CONNECTION;
  if (!mayBegin(flow)) return NOT_A_SYN;
  if (!ENGINE && (service.flags & (SERVICE_SIP | SERVICE_PERSISTENT)) === (SERVICE_SIP | SERVICE_PERSISTENT)) return BY_ENGINE;
  if (isToDrop()) return TO_DROP;
  if (ENGINE && !readCall(packet, flow)) return NO_CALL;
  return enter(packet, service, flow, now);
}

/**
 * ip_vs_proto_tcp.c, tcp_conn_schedule(): a SYN without RST begins a connection, with sloppy_tcp any segment without; others are the stack's.
 * ip_vs_proto_sctp.c, sctp_conn_schedule(): so do INIT and, with sloppy_sctp, all but ABORT.
 */
function mayBegin(flow: Flow): boolean {
  if (TRANSPORTS === SCTP_AND_IPSEC) return flow.chunk === SCTP_CID_INIT || (flow.chunk !== SCTP_CID_ABORT && sysctls.at(0).sloppy_sctp !== 0);
  if (flow.protocol !== IPPROTO_TCP) return true;
  if ((flow.tcpFlags & TCP_RST) !== 0) return false;
  return (flow.tcpFlags & TCP_SYN) !== 0 || sysctls.at(0).sloppy_tcp !== 0;
}

function refuse(packet: Packet): i32 {
  if (HOOK === XDP) return XDP_PASS;
  return refusePort(packet, Verdict.noDestination);
}

/** A packet from the client, on its way to the connection's destination. */
function request(packet: Packet, flow: Flow, index: u32, now: u32): i32 {
  const connection = connections.at(index);
  if (TRANSPORTS === TCP_AND_UDP && !APPLICATION && unlikely((connection.flags & CONNECTION_APPLICATION) !== 0)) return toApplication(packet);
  const destination = destinations.at(connection.destination);
  if (unlikely((destination.flags & (DESTINATION_AVAILABLE | DESTINATION_LOCAL)) !== DESTINATION_AVAILABLE)) {
    return (destination.flags & DESTINATION_AVAILABLE) === 0 ? removed(packet, index, now) : deliver(packet, flow, index, now);
  }
  if (APPLICATION && !hearClient(packet, index, flow.transportAt, flow.bytes)) return drop(Verdict.notAnnounced);
  const way = make(Way);
  resolveDestination(packet, destination, now, way);
  if (HOOK === XDP && (isForTc(packet, destination.hop, way) || flow.ttl <= 1 || isTooBig(packet, flow.bytes + overhead(connection, destination), destination.hop))) return XDP_PASS;

  if (HOOK !== XDP && unlikely(way.outcome === HOP_NO_ROUTE || flow.ttl <= 1 || isTooBig(packet, flow.bytes + overhead(connection, destination), destination.hop))) {
    return refuseRequest(packet, flow, index, destination, way, now);
  }

  countIn(connection.destination, flow.bytes);
  touch(index, advanceByClient(connection, flow), now);
  if (APPLICATION) {
    return forwardMasquerade(packet, flow, connection, destination.hop, way);
  }
  switch (connection.flags & CONNECTION_METHOD_MASK) {
    case METHOD_MASQ: return forwardMasquerade(packet, flow, connection, destination.hop, way);
    case METHOD_TUNNEL: return forwardTunnel(packet, index, destination, way);
    case METHOD_ROUTE: return forwardRoute(packet, destination.hop, way);
    default: return pass(Verdict.notOurs);
  }
}

/** One that cannot go its way as it is. It is counted all the same; but one that may be cut, when its pieces go. */
function refuseRequest(packet: Packet, flow: Flow, index: u32, destination: Destination, way: Way, now: u32): i32 {
  const connection = connections.at(index);
  const fits = destination.hop.mtu - overhead(connection, destination);
  if (!APPLICATION && way.outcome !== HOP_NO_ROUTE && flow.ttl > 1 && mayCut(packet, (connection.flags & CONNECTION_METHOD_MASK) === METHOD_TUNNEL)) {
    if ((connection.flags & CONNECTION_ONE_PACKET) !== 0) packet.tcIndex = SCHEDULED;
    return cutToFit(packet, fits);
  }
  countIn(connection.destination, flow.bytes);
  touch(index, advanceByClient(connection, flow), now);
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  if (flow.ttl <= 1) {
    countRefusal(connection, flow.bytes);
    return refuseAge(packet, Verdict.ttlExceeded);
  }
  return refuseTooBig(packet, connection, flow.bytes, fits);
}

/**
 * The server is the director itself. ip_vs_xmit.c, ip_vs_null_xmit(): the stack gets the packet as it is; ip_vs_nat_xmit(): with the server's address and port,
 * no hop older, and its answers are met as they leave (out.ts).
 */
function deliver(packet: Packet, flow: Flow, index: u32, now: u32): i32 {
  if (HOOK === XDP) return XDP_PASS;
  const connection = connections.at(index);
  countIn(connection.destination, flow.bytes);
  touch(index, advanceByClient(connection, flow), now);
  if ((connection.flags & CONNECTION_METHOD_MASK) === METHOD_MASQ && !masquerade(packet, flow, connection)) return drop(Verdict.rewriteFailed);
  return toOwnSocket(packet, destinations.at(connection.destination));
}

/** A packet that may be a real server's answer by NAT, or by DR and TUN one that passes the director; if it is none, it is not ours. */
function answer(packet: Packet, flow: Flow, now: u32): i32 {
  if (!mayBeAnswer() && !(SEES_PASSING_ANSWERS && mayBeVip(flow.source))) return notAnAnswer(flow);
  const index = APPLICATION ? anyPlace(findByServer(flow, now)) : SEES_PASSING_ANSWERS ? findByAnswer(flow, now) : findByServer(flow, now);
  if (index === NO_CONNECTION) return sysctls.at(0).nat_icmp_send !== 0 ? unasked(packet, flow) : notAnAnswer(flow);
  // net/ipv4/ip_forward.c, ip_forward() refuses such a packet before LVS sees it, and says so to the real server.
  if (flow.ttl <= 1) return pass(Verdict.answerTtlExceeded);
  const connection = connections.at(index);
  if (TRANSPORTS === TCP_AND_UDP && !APPLICATION && unlikely((connection.flags & CONNECTION_APPLICATION) !== 0)) return toApplication(packet);
  if (APPLICATION) {
    flow.bytes = hearServer(packet, index, flow.transportAt, flow.bytes);
    if (flow.bytes === 0) return drop(Verdict.notAnnounced);
  }
  const way = make(Way);
  resolveClient(packet, connection, now, way);
  if (way.outcome === HOP_NO_ROUTE) return isPassing(connection) ? pass(Verdict.notOurs) : drop(Verdict.noRoute);
  if (HOOK === XDP && (isForTc(packet, connection.clientHop, way) || isTooBig(packet, flow.bytes, connection.clientHop))) return XDP_PASS;
  if (HOOK !== XDP && isTooBig(packet, flow.bytes, connection.clientHop)) return leaveTooBig(packet, connection.clientHop.mtu);

  countOut(connection.destination, flow.bytes);
  touch(index, advanceByServer(connection, flow), now);
  if (isPassing(connection)) return TC_ACT_UNSPEC;
  return answerMasquerade(packet, flow, connection, connection.clientHop, way);
}

/**
 * handle_response(): LVS counts answers by DR and TUN, where the director is the servers' way to their clients. In IPv4 the stack refuses packets
 * that come from an address of its own, which the VIP is. LVS differs: it sees those from other VIPs.
 */
const SEES_PASSING_ANSWERS = FAMILY === IPV6 && HOOK !== XDP && !APPLICATION;

/** XDP leaves those answers to TC, uncounted. */
function notAnAnswer(flow: Flow): i32 {
  return FAMILY === IPV6 && HOOK === XDP && mayBeVip(flow.source) ? XDP_PASS : pass(Verdict.notOurs);
}

function isPassing(connection: Connection): boolean {
  return SEES_PASSING_ANSWERS && (connection.flags & CONNECTION_METHOD_MASK) !== METHOD_MASQ;
}

/** ip_vs_out_hook() with sysctl_nat_icmp_send(): a real server says something that nobody asked for; what ends a connection may go on. */
function unasked(packet: Packet, flow: Flow): i32 {
  const isEnd = TRANSPORTS === SCTP_AND_IPSEC ? flow.chunk === SCTP_CID_ABORT || flow.follows !== 0 : (flow.tcpFlags & TCP_RST) !== 0;
  if (isEnd || !isUnicast(flow.destination)) return pass(Verdict.notOurs);
  const server = realServers.lookup(make(RealServerKey, { address: flow.source, port: flow.sourcePort, protocol: flow.protocol, family: FAMILY }));
  if (server === null) return pass(Verdict.notOurs);
  if (HOOK === XDP) return XDP_PASS;
  // LVS differs: it answers what is for the director itself too, so that health checks of the director's own find every server closed.
  if (flow.ttl <= 1 || !isForwarded(packet, flow.destination)) return pass(Verdict.notOurs);
  // It is quoted one hop older, as ip_forward() leaves it.
  return age(packet) ? refuseAnswer(packet, flow.destination, server.director, Verdict.noConnection) : drop(Verdict.rewriteFailed);
}

/** ip_forward() again: it tells the real server what fits, if that forbade fragments. */
function leaveTooBig(packet: Packet, mtu: u32): i32 {
  if (forbidsFragments(packet)) return pass(Verdict.answerTooBig);
  return APPLICATION ? drop(Verdict.tooBig) : cutToFit(packet, mtu);
}

/** ip_vs_in(): the client uses its port again, for a new connection of which the old entry knows nothing. */
function startsAnew(index: u32, flow: Flow): boolean {
  if (TRANSPORTS === SCTP_AND_IPSEC ? flow.chunk !== SCTP_CID_INIT : flow.protocol !== IPPROTO_TCP || (flow.tcpFlags & TCP_SYN) === 0) return false;
  const connection = connections.at(index);
  if (sysctls.at(0).expire_nodest_conn !== 0 && destinations.at(connection.destination).weight === 0) return true;
  // ip_vs_core.c, is_new_conn_expected(): a connection of a template stays with its server, and one that was announced; ip_vs_in(): and one that announced others.
  if (connection.template !== NO_TEMPLATE) return false;
  if (TRANSPORTS === TCP_AND_UDP && (connection.flags & CONNECTION_APPLICATION) !== 0 && controlledBy(index) !== 0) return false;
  const mode = sysctls.at(0).conn_reuse_mode;
  if (TRANSPORTS === SCTP_AND_IPSEC) return mode !== 0 && isSctpReusable(connection.state);
  return mode !== 0 && isReusable(connection.state, mode, (connection.flags & CONNECTION_NO_OUTPUT) !== 0);
}

/**
 * The destination is gone: ip_vs_in() drops silently and lets the entry wait for its return. With expire_nodest_conn the connection
 * ends, and the packet is one of none: it takes its way once more, from the beginning.
 */
function removed(packet: Packet, index: u32, now: u32): i32 {
  if (sysctls.at(0).expire_nodest_conn === 0) return drop(Verdict.destinationRemoved);
  endNow(index, now);
  if (HOOK === XDP) return XDP_PASS;
  bpf_tail_call(packet, tcPrograms, BEGINNING);
  return drop(Verdict.destinationRemoved);
}

/** Where tail calls find the program that takes such packets first: this one, or the one that ended in it. */
const BEGINNING: u32 = TRANSPORTS === TCP_AND_UDP ? (FAMILY === IPV6 ? PROGRAM_TC6 : PROGRAM_TC) : (FAMILY === IPV6 ? PROGRAM_TC6_SCTP : PROGRAM_TC_SCTP);

/** Bytes that the way to the destination adds to a packet. */
function overhead(connection: Connection, destination: Destination): u32 {
  return (connection.flags & CONNECTION_METHOD_MASK) === METHOD_TUNNEL ? destination.overhead : 0;
}

/** ip_vs_xmit.c, ensure_mtu_is_adequate(): super-packets are cut to size on their way out. */
function isTooBig(packet: Packet, bytes: u32, hop: Hop): boolean {
  return bytes > hop.mtu && (HOOK === XDP || packet.gsoSize === 0);
}

/** RFC 1191: tells the client what fits, if it forbade fragments. LVS differs: what it may cut of FTP's own connections is cut too. */
function refuseTooBig(packet: Packet, connection: Connection, bytes: u32, mtu: u32): i32 {
  if (!forbidsFragments(packet)) return drop(Verdict.tooBig);
  // ip_vs_xmit.c, __ip_vs_get_out_rt() looks at the size when the packet is one hop older, and quotes it so.
  if (!age(packet)) return drop(Verdict.rewriteFailed);
  countRefusal(connection, bytes);
  return refuseSize(packet, mtu, Verdict.tooBig);
}
