// ICMP errors about a connection's packets follow the connection: without them, path MTU discovery ends at the director.
// Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_in_icmp(), ip_vs_out_icmp(), ip_vs_nat_icmp(); ip_vs_xmit.c,
// ip_vs_icmp_xmit(). TC only; XDP leaves all ICMP to it. An error quotes the packet that caused it:
//
//   │ IP router→VIP │ ICMP │ IP VIP→CIP │ ports …                  about an answer: goes to the connection's real server
//   │ IP RIP→CIP    │ ICMP │ IP CIP→RIP │ ports …                  about a request by NAT: goes to the client, from the VIP
//   │ IP router→DIP │ ICMP │ IP DIP→RIP │ IP CIP→VIP │ ports …     about a tunnel packet: goes to the client, unwrapped
//
// Checksums change by differences, so that one that came wrong leaves wrong. LVS differs: it drops such a packet.

import type { Be16, Be32, i32 } from "#layout/numbers.js";
import { be16, be32, host16, host32, u16, u32, u64 } from "#layout/numbers.js";
import { bpf_skb_adjust_room, bpf_skb_pull_data } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { ipv4Of } from "#wire/address.js";
import { difference16, difference32, replace } from "#wire/checksum.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, ICMP_SOURCE_QUENCH, ICMP_TIME_EXCEEDED, Icmp } from "#wire/icmp.js";
import {
  IPPROTO_ICMP, IPPROTO_IPIP, IPPROTO_TCP, IPPROTO_UDP, IPV4_HEADER_MAX, IPV4_HEADER_MIN, IPV4_PLAIN, IP_DF, IP_OFFSET, Ipv4,
} from "#wire/ipv4.js";
import { ticks } from "./clock.js";
import { NO_CONNECTION, findByClient, findByServer } from "./connection.js";
import { countIn, countOut } from "./counters.js";
import { Ports } from "./forward/nat.js";
import { forwardRoute } from "./forward/route.js";
import { TUNNEL_OVERHEAD, forwardTunnel } from "./forward/tunnel.js";
import { headerChecksum } from "./header-checksum.js";
import { HOP_NO_ROUTE, Way, resolveClient, resolveDestination, transmit } from "./hop.js";
import { ICMP_TTL, INTERNETWORK_CONTROL } from "./icmp.js";
import type { Connection } from "./maps.js";
import { CONNECTION_METHOD_MASK, METHOD_MASQ, METHOD_ROUTE, METHOD_TUNNEL, connections, destinations, settings } from "./maps.js";
import { Flow, NETWORK_AT } from "./flow.js";
import { age } from "./network.js";
import { mayBeVip } from "./service.js";
import { Verdict, drop, pass } from "./verdict.js";

/** Ethernet, IP with all options, ICMP, the quoted IP header with all options, the one inside a tunnel's, ports. */
const HEADERS_MAX = Ethernet.size + IPV4_HEADER_MAX + Icmp.size + IPV4_HEADER_MIN + IPV4_HEADER_MAX + Ports.size;

/** Linux include/uapi/linux/bpf.h. */
const BPF_ADJ_ROOM_MAC = 1;
/** Linux include/uapi/linux/ip.h, IPTOS_TOS_MASK: what icmp_send() keeps of the cause's type of service. */
const IPTOS_TOS_MASK = 0x1e;
/** ip_vs_in_icmp(): an MTU so small is told as it is (RFC 791: 68 bytes are forwarded by every host). */
const TUNNEL_MTU_MIN = 68 + IPV4_HEADER_MIN;

/** An ICMP packet, handed on by entry(): along with its connection if it is an error about one, else to the stack. */
export function followConnection(packet: Packet): i32 {
  const now = ticks();
  if (packet.linear < HEADERS_MAX && packet.linear < packet.length) {
    bpf_skb_pull_data(packet, packet.length < HEADERS_MAX ? packet.length : HEADERS_MAX);
  }
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return pass(Verdict.otherProtocol);
  const icmpAt = NETWORK_AT + ((ip.versionAndLength & 0x0f) << 2);
  const end = NETWORK_AT + host16(ip.totalLength);
  const icmp = packet.view(Icmp, icmpAt);
  if (icmp === null) return pass(Verdict.otherProtocol);
  if (!isError(icmp.type)) return pass(Verdict.otherProtocol);
  const quotedAt = icmpAt + Icmp.size;
  const quoted = packet.view(Ipv4, quotedAt);
  if (quoted === null) return pass(Verdict.otherProtocol);

  // The packet that caused it, and, unless it was a request in our tunnel, turned round: as one that goes where the error goes.
  const flow = make(Flow);
  const isTunnel = quoted.protocol === IPPROTO_IPIP;
  if (isTunnel) {
    // Neither our own header nor a router's error has options.
    if (icmpAt !== NETWORK_AT + IPV4_HEADER_MIN || quoted.versionAndLength !== IPV4_PLAIN || isLaterFragment(quoted)) return pass(Verdict.otherProtocol);
    if (!readCause(packet, quotedAt + IPV4_HEADER_MIN, end, flow)) return pass(Verdict.otherProtocol);
  } else {
    if (!readCause(packet, quotedAt, end, flow)) return pass(Verdict.otherProtocol);
    turnRound(flow);
  }
  if (mayBeVip(flow.destination)) {
    const index = findByClient(flow, now);
    if (index !== NO_CONNECTION) {
      return isTunnel ? unwrapForClient(packet, connections.at(index), now) : toServer(packet, connections.at(index), icmpAt, flow.transportAt, now);
    }
  }
  if (isTunnel || settings.at(0).natDestinations === 0) return pass(Verdict.otherProtocol);
  const index = findByServer(flow, now);
  if (index === NO_CONNECTION) return pass(Verdict.otherProtocol);
  return toClient(packet, connections.at(index), icmpAt, flow.transportAt, now);
}

function isError(type: u32): boolean {
  return type === ICMP_DEST_UNREACH || type === ICMP_SOURCE_QUENCH || type === ICMP_TIME_EXCEEDED;
}

function isLaterFragment(ip: Ipv4): boolean {
  return (ip.flagsAndOffset & IP_OFFSET) !== be16(0);
}

/** Fills in what a connection is found by. False when no ports are quoted before `end`. */
function readCause(packet: Packet, at: u32, end: u32, flow: Flow): boolean {
  const cause = packet.view(Ipv4, at);
  if (cause === null) return false;
  const headerBytes = (cause.versionAndLength & 0x0f) << 2;
  if (cause.versionAndLength >>> 4 !== 4 || headerBytes < IPV4_HEADER_MIN || isLaterFragment(cause)) return false;
  if (cause.protocol !== IPPROTO_TCP && cause.protocol !== IPPROTO_UDP) return false;
  flow.transportAt = at + headerBytes;
  if (flow.transportAt + Ports.size > end) return false;
  const ports = packet.view(Ports, flow.transportAt);
  if (ports === null) return false;
  flow.source.low = u64(cause.source);
  flow.destination.low = u64(cause.destination);
  flow.sourcePort = ports.source;
  flow.destinationPort = ports.destination;
  flow.protocol = cause.protocol;
  return true;
}

function turnRound(flow: Flow): void {
  const address = flow.source.low;
  const port = flow.sourcePort;
  flow.source.low = flow.destination.low;
  flow.sourcePort = flow.destinationPort;
  flow.destination.low = address;
  flow.destinationPort = port;
}

/** About an answer that went to the client: its sender must know. A server that was removed is told too, as by ip_vs_in_icmp(). */
function toServer(packet: Packet, connection: Connection, icmpAt: u32, portsAt: u32, now: u32): i32 {
  const destination = destinations.at(connection.destination);
  const method = connection.flags & CONNECTION_METHOD_MASK;
  const way = make(Way);
  resolveDestination(packet, destination, now, way);
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return drop(Verdict.rewriteFailed);
  const bytes = host16(ip.totalLength);
  countIn(connection.destination, bytes);
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  // RFC 1122 3.2.2: never an error about an error.
  if (ip.ttl <= 1) return drop(Verdict.ttlExceeded);
  if (bytes + (method === METHOD_TUNNEL ? TUNNEL_OVERHEAD : 0) > destination.hop.mtu) return drop(Verdict.tooBig);
  switch (method) {
    case METHOD_MASQ: {
      ip.checksum = replace(ip.checksum, difference32(ip.destination, connection.destinationAddress));
      ip.destination = connection.destinationAddress;
      if (!age(packet)) return drop(Verdict.rewriteFailed);
      if (!changeQuotedSource(packet, icmpAt, portsAt, connection.destinationAddress, connection.destinationPort)) return drop(Verdict.rewriteFailed);
      return transmit(packet, destination.hop, way);
    }
    case METHOD_TUNNEL: return forwardTunnel(packet, destination, way);
    case METHOD_ROUTE: return forwardRoute(packet, destination.hop, way);
    default: return pass(Verdict.otherProtocol);
  }
}

/** About a request by NAT: the client, who knows the VIP only, hears of it from there. */
function toClient(packet: Packet, connection: Connection, icmpAt: u32, portsAt: u32, now: u32): i32 {
  const ip = packet.view(Ipv4, NETWORK_AT);
  if (ip === null) return drop(Verdict.rewriteFailed);
  if (ip.destination !== connection.clientAddress) return pass(Verdict.otherProtocol);
  if (ip.ttl <= 1) return pass(Verdict.answerTtlExceeded);
  const bytes = host16(ip.totalLength);
  const way = make(Way);
  resolveClient(packet, connection, now, way);
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  if (bytes > connection.clientHop.mtu) return drop(Verdict.tooBig);
  countOut(connection.destination, bytes);
  ip.checksum = replace(ip.checksum, difference32(ip.source, connection.virtualAddress));
  ip.source = connection.virtualAddress;
  if (!age(packet)) return drop(Verdict.rewriteFailed);
  if (!changeQuotedDestination(packet, icmpAt, portsAt, connection.virtualAddress, connection.virtualPort)) return drop(Verdict.rewriteFailed);
  return transmit(packet, connection.clientHop, way);
}

// ip_vs_nat_icmp(): the quoted IP header gets a checksum to go with it; the quoted transport header's stays.

function changeQuotedSource(packet: Packet, icmpAt: u32, portsAt: u32, address: Be32, port: Be16): boolean {
  const quoted = packet.view(Ipv4, icmpAt + Icmp.size);
  const ports = packet.view(Ports, portsAt);
  if (quoted === null || ports === null) return false;
  const change = changeHeader(quoted, difference32(quoted.source, address)) + difference16(ports.source, port);
  quoted.source = address;
  ports.source = port;
  return changeIcmp(packet, icmpAt, change);
}

function changeQuotedDestination(packet: Packet, icmpAt: u32, portsAt: u32, address: Be32, port: Be16): boolean {
  const quoted = packet.view(Ipv4, icmpAt + Icmp.size);
  const ports = packet.view(Ports, portsAt);
  if (quoted === null || ports === null) return false;
  const change = changeHeader(quoted, difference32(quoted.destination, address)) + difference16(ports.destination, port);
  quoted.destination = address;
  ports.destination = port;
  return changeIcmp(packet, icmpAt, change);
}

/** The quoted header's checksum, for an address that changes by `difference`; gives the difference of both together. */
function changeHeader(quoted: Ipv4, difference: u32): u32 {
  const before = quoted.checksum;
  quoted.checksum = replace(before, difference);
  return difference + difference16(before, quoted.checksum);
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
  return mtu > TUNNEL_MTU_MIN ? mtu - TUNNEL_OVERHEAD : mtu;
}
