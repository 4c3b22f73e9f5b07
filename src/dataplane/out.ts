// Packets of the director's own as they leave, which LVS meets at NF_INET_LOCAL_OUT (Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_out_hook(), handle_response(),
// ip_vs_out_icmp(), ip_vs_in_hook()). A program of its own, at the egress of weir's interfaces while there may be such packets: answers of a server by NAT that is the
// director itself, and requests of its own clients to VIPs that are none of its addresses. Others' pass by where packets come in; and what goes by the loopback, to clients
// on the director and to VIPs that are its addresses, comes to weir_tc there (own.ts).
//
//   client ─▶ NIC ─▶ weir_tc: to RIP:rport ─▶ stack ─▶ server ─▶ stack: from RIP:rport ─▶ here: from VIP:vport ─▶ NIC ─▶ client
//   process ─▶ stack: to VIP:vport ─▶ here ─▶ lo ─▶ own.ts ─▶ weir_tc ─▶ NIC ─▶ real server
//
// What is of no connection and for no service leaves as it is, uncounted. Packets come here with their way chosen, and in fragments where they need to be: the first leaves
// its ports for the others, as in fragments.ts. LVS differs: it meets them before both, and looks for the VIP's way then (snat_reroute).

import type { i32, u32 } from "#layout/numbers.js";
import { bpf_tail_call } from "#prelude/helpers.js";
import { likely, make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { IPPROTO_ICMP } from "#wire/ipv4.js";
import { IPPROTO_ICMPV6 } from "#wire/ipv6.js";
import { ticks } from "./clock.js";
import { FAMILY, IPV6, TCP_AND_UDP, TRANSPORTS } from "./config.js";
import { NO_CONNECTION, findByClient, findByServer, touch, virtualOf } from "./connection.js";
import { countMoreOut, countOut } from "./counters.js";
import { Flow, OTHER_FAMILY, OTHER_TRANSPORT, PARSED, PARSED_FIRST_FRAGMENT, PARSED_NEXT_FRAGMENT } from "./flow.js";
import { masqueradeAnswer } from "./forward/nat.js";
import { keyOf, leaveNote, noteOf } from "./fragment-notes.js";
import { dataBytes } from "./fragments.js";
import { toLoopback } from "./hop.js";
import { PROGRAM_OUT6, PROGRAM_OUT6_ICMP, PROGRAM_OUT6_SCTP, PROGRAM_OUT_ICMP, PROGRAM_OUT_SCTP, connections, tcPrograms } from "./maps.js";
import { parse, pullHeaders, setSource } from "./network.js";
import { mayBegin } from "./schedule.js";
import { findService, mayBeAnswer, mayBeVip } from "./service.js";
import { advanceByServer } from "./state.js";
import { parseTransport } from "./transport.js";
import { Verdict, drop } from "./verdict.js";

export function takeOut(packet: Packet): i32 {
  // It came in before: weir or the kernel forwards it. With a tag beside it, it was to the program of the VLAN's interface.
  if (likely(packet.ingressIfindex !== 0) || packet.vlanPresent !== 0) return TC_ACT_UNSPEC;
  pullHeaders(packet);
  const now = ticks();
  const flow = make(Flow);
  const parsed = parse(packet, flow);
  if (parsed === OTHER_FAMILY) return toOtherFamily(packet);
  if (!mayBeAnswer() && !mayBeVip(flow.destination)) return TC_ACT_UNSPEC;
  if (parsed === PARSED_NEXT_FRAGMENT) return follow(packet, flow, now);
  if (parsed !== PARSED_FIRST_FRAGMENT) return TC_ACT_UNSPEC;
  if (flow.protocol === (FAMILY === IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) return toErrors(packet);

  const key = keyOf(flow);
  const transport = parseTransport(packet, flow);
  if (transport === OTHER_TRANSPORT) return toOtherTransports(packet);
  if (transport !== PARSED) return TC_ACT_UNSPEC;
  const index = findByServer(flow, now);
  if (index === NO_CONNECTION && !isRequest(packet, flow, now)) return TC_ACT_UNSPEC;
  if (flow.moreFragments !== 0) leaveNote(key, flow, now);
  if (index === NO_CONNECTION) return toLoopback(packet);
  const connection = connections.at(index);
  countOut(connection.destination, flow.bytes);
  touch(index, advanceByServer(connection, flow), now);
  return masqueradeAnswer(packet, flow, connection) ? TC_ACT_UNSPEC : drop(Verdict.rewriteFailed);
}

/** ip_vs_in_hook(): of a connection, or one that begins one. What it finds is not kept: weir_tc, to which it goes by the loopback, looks for itself. */
function isRequest(packet: Packet, flow: Flow, now: u32): boolean {
  if (!mayBeVip(flow.destination)) return false;
  return findByClient(flow, now) !== NO_CONNECTION || (flow.follows === 0 && mayBegin(flow) && findService(packet, flow) !== null);
}

/** To the program of IPv6, which is this one compiled for it. */
function toOtherFamily(packet: Packet): i32 {
  if (FAMILY !== IPV6) bpf_tail_call(packet, tcPrograms, PROGRAM_OUT6);
  return TC_ACT_UNSPEC;
}

/** To the program of SCTP and IPsec, which is this one again. */
function toOtherTransports(packet: Packet): i32 {
  if (TRANSPORTS === TCP_AND_UDP) bpf_tail_call(packet, tcPrograms, FAMILY === IPV6 ? PROGRAM_OUT6_SCTP : PROGRAM_OUT_SCTP);
  return TC_ACT_UNSPEC;
}

/** ip_vs_out_icmp(): what the stack says about a request, as that nobody listens at its port (out-errors.ts). */
function toErrors(packet: Packet): i32 {
  if (TRANSPORTS === TCP_AND_UDP) bpf_tail_call(packet, tcPrograms, FAMILY === IPV6 ? PROGRAM_OUT6_ICMP : PROGRAM_OUT_ICMP);
  return TC_ACT_UNSPEC;
}

/** A fragment, after the first one of its packet. */
function follow(packet: Packet, flow: Flow, now: u32): i32 {
  const note = noteOf(flow, now);
  if (note === null) return TC_ACT_UNSPEC;
  flow.sourcePort = note.sourcePort;
  flow.destinationPort = note.destinationPort;
  flow.protocol = note.protocol;
  const index = findByServer(flow, now);
  // Its first was a request, whose connection need not stand yet.
  if (index === NO_CONNECTION) return mayBeVip(flow.destination) ? toLoopback(packet) : TC_ACT_UNSPEC;
  const connection = connections.at(index);
  countMoreOut(connection.destination, dataBytes(flow));
  return setSource(packet, virtualOf(connection)) ? TC_ACT_UNSPEC : drop(Verdict.rewriteFailed);
}
