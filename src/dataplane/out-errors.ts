// ICMP errors that the director's stack sends about a request to one of its own servers by NAT, as they leave (out.ts): the client, who knows the VIP only, hears
// of it from there. Linux v6.12 net/netfilter/ipvs/ip_vs_core.c, ip_vs_out_icmp(), at NF_INET_LOCAL_OUT. Its sibling for packets that come in is related.ts, toClient().
//
//   │ IP RIP→CIP │ ICMP │ IP CIP→RIP │ rport …   ─▶   │ IP VIP→CIP │ ICMP │ IP CIP→VIP │ vport …

import type { i32 } from "#layout/numbers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { Icmp } from "#wire/icmp.js";
import { isSame } from "./address.js";
import { ticks } from "./clock.js";
import { NO_CONNECTION, clientOf, findByServer, virtualOf } from "./connection.js";
import { countOut } from "./counters.js";
import { Flow, NETWORK_AT, PARSED_ICMP } from "./flow.js";
import { connections } from "./maps.js";
import { isError, parse, parseQuoted, setSource } from "./network.js";
import { changeQuotedDestination, pullErrorHeaders, turnRound } from "./related.js";
import { readPorts } from "./transport.js";
import { Verdict, drop } from "./verdict.js";

export function takeError(packet: Packet): i32 {
  pullErrorHeaders(packet);
  const now = ticks();
  const error = make(Flow);
  if (parse(packet, error) !== PARSED_ICMP) return TC_ACT_UNSPEC;
  const icmp = packet.view(Icmp, error.transportAt);
  if (icmp === null || !isError(icmp.type)) return TC_ACT_UNSPEC;
  const flow = make(Flow);
  if (!parseQuoted(packet, error.transportAt + Icmp.size, flow) || !readPorts(packet, NETWORK_AT + error.bytes, flow)) return TC_ACT_UNSPEC;
  turnRound(flow);
  const index = findByServer(flow, now);
  if (index === NO_CONNECTION) return TC_ACT_UNSPEC;
  const connection = connections.at(index);
  if (!isSame(error.destination, clientOf(connection))) return TC_ACT_UNSPEC;
  countOut(connection.destination, error.bytes);
  const virtual = virtualOf(connection);
  if (!setSource(packet, virtual) || !changeQuotedDestination(packet, error, flow, virtual, connection.virtualPort)) return drop(Verdict.rewriteFailed);
  return TC_ACT_UNSPEC;
}
