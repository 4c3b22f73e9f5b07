// Fragments. LVS has the kernel put a packet together, looks it up whole, and sends it on in fragments again
// (Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_gather_frags(); net/ipv6/netfilter/nf_conntrack_reasm.c). A program
// cannot wait for the rest, and does not need to. A program of its own, TC only; XDP leaves all fragments to TC.
//
//   first fragment, with the ports ─▶ leaves them in a note ─▶ entry: its packet's way, as if it were the whole of it
//   every other one                ─▶ takes them from the note ─▶ its connection: forwarded, addresses rewritten if at all
//
// A transport's checksum is over the whole packet and stands in the first fragment: what NAT changes goes into it there.
// LVS differs: a fragment that comes before its first goes to the stack, and so the packet is lost.

import type { i32, u32, u64 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_tail_call } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { Ipv6Fragment } from "#wire/ipv6.js";
import { ticks } from "./clock.js";
import { FAMILY, IPV6 } from "./config.js";
import { NO_CONNECTION, findByClient, findByServer, virtualOf } from "./connection.js";
import { countMoreIn, countMoreOut } from "./counters.js";
import { cutToFit, isRest, mayCut, toCutting } from "./cut.js";
import { Flow, NETWORK_AT, PARSED_FIRST_FRAGMENT, PARSED_NEXT_FRAGMENT } from "./flow.js";
import { forwardRoute } from "./forward/route.js";
import { forwardTunnel } from "./forward/tunnel.js";
import { keyOf, leaveNote, noteOf } from "./fragment-notes.js";
import { HOP_NO_ROUTE, Way, resolveClient, resolveDestination, transmit } from "./hop.js";
import {
  CONNECTION_METHOD_MASK, connections, DESTINATION_AVAILABLE, DESTINATION_LOCAL, destinations, handovers, METHOD_MASQ, METHOD_ROUTE, METHOD_TUNNEL, PROGRAM_TC,
  PROGRAM_TC6, tcPrograms,
} from "./maps.js";
import { NO_DESTINATION } from "./member.js";
import { age, forbidsFragments, parse, setDestination, setSource } from "./network.js";
import { mayBeAnswer, mayBeVip } from "./service.js";
import { readPorts } from "./transport.js";
import { Verdict, drop, pass } from "./verdict.js";

/** A fragment, handed on by entry(). */
export function takeFragment(packet: Packet): i32 {
  if (FAMILY !== IPV6 && isRest(packet.tcIndex)) return toCutting(packet);
  const now = ticks();
  const flow = make(Flow);
  const parsed = parse(packet, flow);
  if (parsed !== PARSED_FIRST_FRAGMENT && parsed !== PARSED_NEXT_FRAGMENT) return pass(parsed);
  if (flow.transportAt > NETWORK_AT + flow.bytes) return pass(Verdict.truncated);
  if (!mayBeVip(flow.destination) && !mayBeAnswer()) return pass(Verdict.notOurs);
  return parsed === PARSED_FIRST_FRAGMENT ? goOn(packet, flow, now) : follow(packet, flow, now);
}

/** To the program that takes whole packets, which takes this one when it is marked. */
function goOn(packet: Packet, flow: Flow, now: u32): i32 {
  const handover = handovers.at(bpf_get_smp_processor_id());
  const key = keyOf(flow);
  if (!readPorts(packet, NETWORK_AT + flow.bytes, flow)) return pass(Verdict.fragment);
  leaveNote(key, flow, now);
  handover.fragment = key;
  handover.fragmentNoted = 1;
  bpf_tail_call(packet, tcPrograms, FAMILY === IPV6 ? PROGRAM_TC6 : PROGRAM_TC);
  handover.fragmentNoted = 0;
  return pass(Verdict.fragment);
}

/** After the first one. */
function follow(packet: Packet, flow: Flow, now: u32): i32 {
  const note = noteOf(flow, now);
  if (note === null) return pass(Verdict.fragment);
  if (note.destination !== NO_DESTINATION) return request(packet, flow, NO_CONNECTION, note.destination, destinations.at(note.destination).method, now);
  flow.sourcePort = note.sourcePort;
  flow.destinationPort = note.destinationPort;
  flow.protocol = note.protocol;
  if (mayBeVip(flow.destination)) {
    const index = findByClient(flow, now);
    if (index !== NO_CONNECTION) return request(packet, flow, index, connections.at(index).destination, connections.at(index).flags & CONNECTION_METHOD_MASK, now);
  }
  if (!mayBeAnswer()) return pass(Verdict.fragment);
  const index = findByServer(flow, now);
  return index === NO_CONNECTION ? pass(Verdict.fragment) : answer(packet, flow, index, now);
}

/**
 * On its way to the destination at `place`, as by entry.ts, request(), but for what the first did for the whole packet. `index`: the connection,
 * or NO_CONNECTION of a packet that was scheduled for itself alone.
 */
function request(packet: Packet, flow: Flow, index: u32, place: u32, method: u32, now: u32): i32 {
  const destination = destinations.at(place);
  if ((destination.flags & DESTINATION_AVAILABLE) === 0) return drop(Verdict.destinationRemoved);
  if ((destination.flags & DESTINATION_LOCAL) !== 0) return deliver(packet, flow, place, method);
  const way = make(Way);
  resolveDestination(packet, destination, now, way);
  const fits = destination.hop.mtu - (method === METHOD_TUNNEL ? destination.overhead : 0);
  if (way.outcome !== HOP_NO_ROUTE && flow.ttl > 1 && flow.bytes > fits && mayCut(packet, method === METHOD_TUNNEL)) return cutToFit(packet, fits);
  countMoreIn(place, dataBytes(flow));
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  // RFC 1122 3.2.2: no error about others than the first.
  if (flow.ttl <= 1) return drop(Verdict.ttlExceeded);
  if (flow.bytes > fits) return drop(Verdict.tooBig);
  switch (method) {
    case METHOD_MASQ: return setDestination(packet, destination.address) && age(packet) ? transmit(packet, destination.hop, way) : drop(Verdict.rewriteFailed);
    case METHOD_TUNNEL:
      handovers.at(bpf_get_smp_processor_id()).destination = place;
      return forwardTunnel(packet, index, destination, way);
    case METHOD_ROUTE: return forwardRoute(packet, destination.hop, way);
    default: return pass(Verdict.notOurs);
  }
}

/** The server is the director itself: entry.ts, deliver(). */
function deliver(packet: Packet, flow: Flow, place: u32, method: u32): i32 {
  countMoreIn(place, dataBytes(flow));
  return method !== METHOD_MASQ || setDestination(packet, destinations.at(place).address) ? TC_ACT_UNSPEC : drop(Verdict.rewriteFailed);
}

/** The other way. */
function answer(packet: Packet, flow: Flow, index: u32, now: u32): i32 {
  if (flow.ttl <= 1) return pass(Verdict.answerTtlExceeded);
  const connection = connections.at(index);
  const way = make(Way);
  resolveClient(packet, connection, now, way);
  if (way.outcome === HOP_NO_ROUTE) return drop(Verdict.noRoute);
  if (flow.bytes > connection.clientHop.mtu) return forbidsFragments(packet) ? drop(Verdict.tooBig) : cutToFit(packet, connection.clientHop.mtu);
  countMoreOut(connection.destination, dataBytes(flow));
  return setSource(packet, virtualOf(connection)) && age(packet) ? transmit(packet, connection.clientHop, way) : drop(Verdict.rewriteFailed);
}

/**
 * What it adds to the packet, which LVS counts whole: its data. The first was counted as it is, and IPv6's has a header for fragments,
 * which the packet has not; it is taken off with the last one.
 */
export function dataBytes(flow: Flow): u64 {
  const bytes = U64(flow.bytes - (flow.transportAt - NETWORK_AT));
  return FAMILY === IPV6 && flow.moreFragments === 0 ? bytes - U64(Ipv6Fragment.size) : bytes;
}
