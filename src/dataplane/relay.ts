// ICMP errors about packets in the director's tunnels go to the client whose packet was inside: without them, path MTU discovery
// ends at the director. Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_in_icmp(), which makes a new error from the VIP by icmp_send().
//
//   before  │ Ethernet │ IP router→DIP │ ICMP │ IP DIP→RIP │ UDP, GUE or GRE │ IP CIP→VIP │ …
//   after   │ Ethernet │                             IP VIP→CIP   │ ICMP     │ IP CIP→VIP │ …
//
// LVS differs: it knows errors of IPv4 about IPv4 in IPv4 alone; here, every tunnel that weir makes. It remembers the way's MTU, and cuts to 576
// bytes; here the router tells each client, as it likes. A program of its own, TC only, of the inner packet's family; what it is to
// do, the one that ended in it (related.ts) has left in this processor's Quotation.

import type { Be16, i32, u32 } from "#layout/numbers.js";
import { i32 as I32, u16, u32 as U32 } from "#layout/numbers.js";
import { BPF_ADJ_ROOM_MAC } from "#prelude/flags.js";
import { bpf_get_smp_processor_id, bpf_skb_adjust_room, bpf_skb_change_proto } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import type { Address } from "#wire/address.js";
import { difference16, difference32, fold, replace } from "#wire/checksum.js";
import { ETH_P_IP, ETH_P_IPV6, Ethernet } from "#wire/ethernet.js";
import { Icmp } from "#wire/icmp.js";
import { IPV4_HEADER_MIN, Ipv4 } from "#wire/ipv4.js";
import { IPV6_HEADER, Ipv6 } from "#wire/ipv6.js";
import { ticks } from "./clock.js";
import { FAMILY, IPV6 } from "./config.js";
import { NO_CONNECTION, clientOf, findByClient, virtualOf } from "./connection.js";
import { countOut } from "./counters.js";
import { Flow, NETWORK_AT } from "./flow.js";
import { HOP_NO_ROUTE, Way, resolveClient, transmit } from "./hop.js";
import type { Connection, Destination, Quotation } from "./maps.js";
import { CONNECTION_METHOD_MASK, METHOD_TUNNEL, TUNNEL_GUE, connections, destinations, quotations } from "./maps.js";
import { parseQuoted } from "./network.js";
import { INTERNETWORK_CONTROL, IPTOS_TOS_MASK, writeHeader as writeIpv4 } from "./network/icmp.js";
import { pseudoHeaderSum, writeHeader as writeIpv6 } from "./network/icmpv6.js";
import { mayBeVip } from "./service.js";
import { sumOf } from "./sum.js";
import { NOT_TOLD, OFFSET_MASK, TOLD, Told, translate } from "./translate.js";
import { readPorts } from "./transport.js";
import { Verdict, drop, pass } from "./verdict.js";

const IP_HEADER: number = FAMILY === IPV6 ? IPV6_HEADER : IPV4_HEADER_MIN;

export function relay(packet: Packet): i32 {
  const quotation = quotations.at(bpf_get_smp_processor_id());
  const now = ticks();
  const flow = make(Flow);
  const innerAt = quotation.innerAt & OFFSET_MASK;
  if (!parseQuoted(packet, innerAt, flow) || !readPorts(packet, quotation.end, flow)) return pass(Verdict.otherProtocol);
  if (!mayBeVip(flow.destination)) return pass(Verdict.otherProtocol);
  const index = findByClient(flow, now);
  if (index === NO_CONNECTION) return pass(Verdict.otherProtocol);
  const connection = connections.at(index);
  if (!wentThere(connection, destinations.at(connection.destination), quotation)) return pass(Verdict.otherProtocol);

  const told = make(Told);
  const outcome = translate(packet, quotation, innerAt, told);
  if (outcome === NOT_TOLD) return pass(Verdict.otherProtocol);
  if (outcome !== TOLD) return drop(outcome);
  return tell(packet, quotation, innerAt, told, connection, now);
}

/** Only about what this director sent: by that tunnel, from the address that the error came to. */
function wentThere(connection: Connection, destination: Destination, quotation: Quotation): boolean {
  return (connection.flags & CONNECTION_METHOD_MASK) === METHOD_TUNNEL && destination.family === quotation.family
    && destination.tunnelType === quotation.tunnelType && (quotation.tunnelType !== TUNNEL_GUE || destination.tunnelPort === quotation.tunnelPort)
    && isEqual(destination.address, quotation.destination) && isEqual(destination.tunnelSource, quotation.source);
}

/** Of the tunnel's family, which need not be the program's. */
function isEqual(a: Address, b: Address): boolean {
  return a.low === b.low && a.high === b.high;
}

/** Cuts away what is before the packet inside, and writes an error of the VIP's in its place. */
function tell(packet: Packet, quotation: Quotation, innerAt: u32, told: Told, connection: Connection, now: u32): i32 {
  const virtual = virtualOf(connection);
  const client = clientOf(connection);
  const quoted = quotation.end - innerAt;
  const bytes = IP_HEADER + Icmp.size + quoted;
  const way = make(Way);
  resolveClient(packet, connection, now, way);
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  if (bytes > connection.clientHop.mtu) return drop(Verdict.tooBig);
  const change = difference(packet, quotation, innerAt, told);
  const icmp = packet.view(Icmp, quotation.icmpAt & OFFSET_MASK);
  const cause = packet.view(Ipv4, innerAt);
  if (icmp === null || cause === null) return drop(Verdict.rewriteFailed);
  const checksum = replace(icmp.checksum, change + (FAMILY === IPV6 ? pseudoHeaderSum(virtual, client, Icmp.size + quoted) : 0));
  const typeOfService = (cause.typeOfService & IPTOS_TOS_MASK) | INTERNETWORK_CONTROL;
  const identification = cause.identification;
  if (!cut(packet, quotation.family, innerAt - (NETWORK_AT + IP_HEADER + Icmp.size))) return drop(Verdict.rewriteFailed);

  const written = FAMILY === IPV6
    ? writeIpv6(packet, bytes, virtual, client)
    : writeIpv4(packet, bytes, typeOfService, identification, connection.virtualAddress, connection.clientAddress);
  const message = packet.view(Icmp, NETWORK_AT + IP_HEADER);
  if (!written || message === null) return drop(Verdict.rewriteFailed);
  message.type = told.type;
  message.code = told.code;
  message.checksum = checksum;
  message.rest = told.rest;
  // Twice, as seen on a real one: ip_vs_in_icmp() counts what is quoted, ip_vs_out_icmp() at LOCAL_OUT the error as it leaves.
  countOut(connection.destination, quoted);
  countOut(connection.destination, bytes);
  return transmit(packet, connection.clientHop, way);
}

/**
 * What the new words add to the message's checksum (wire/checksum.ts), and those that it loses: the tunnel's headers and, of an error by
 * IPv6, its pseudo header. So one that came wrong leaves wrong.
 */
function difference(packet: Packet, quotation: Quotation, innerAt: u32, told: Told): u32 {
  const icmpAt = quotation.icmpAt & OFFSET_MASK;
  let change = ~sumOf(packet, icmpAt + Icmp.size, innerAt - (icmpAt + Icmp.size)) & 0xffff;
  const icmp = packet.view(Icmp, icmpAt);
  if (icmp === null) return change;
  change += difference16(firstWord(icmp.type, icmp.code), firstWord(told.type, told.code)) + difference32(icmp.rest, told.rest);
  if (quotation.family !== IPV6) return change;
  const error = packet.view(Ipv6, NETWORK_AT);
  if (error === null) return change;
  return change + (~fold(pseudoHeaderSum(error.source, error.destination, quotation.end - icmpAt)) & 0xffff);
}

/** As it stands in memory. */
function firstWord(type: u32, code: u32): Be16 {
  return u16(type | (code << 8)) as Be16;
}

/** So many bytes behind the Ethernet header go, and the packet is one of this program's family. `family`: the one that it was of. */
function cut(packet: Packet, family: u32, bytes: u32): boolean {
  let rest = bytes;
  if (family !== FAMILY) {
    if (bpf_skb_change_proto(packet, U32(FAMILY === IPV6 ? ETH_P_IPV6 : ETH_P_IP), 0n) !== 0n) return false;
    if (FAMILY === IPV6) rest += IPV6_HEADER - IPV4_HEADER_MIN;
    else rest -= IPV6_HEADER - IPV4_HEADER_MIN;
  }
  if (bpf_skb_adjust_room(packet, -I32(rest), BPF_ADJ_ROOM_MAC, 0n) !== 0n) return false;
  const ethernet = packet.view(Ethernet, 0);
  if (ethernet === null) return false;
  ethernet.etherType = FAMILY === IPV6 ? ETH_P_IPV6 : ETH_P_IP;
  return true;
}
