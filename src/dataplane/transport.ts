// The transport header: ports, flags. Of both families.

import type { u32 } from "#layout/numbers.js";
import type { Packet } from "#prelude/packet.js";
import { IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";
import { Tcp } from "#wire/tcp.js";
import { Udp } from "#wire/udp.js";
import type { Flow } from "./flow.js";
import { NETWORK_AT, PARSED } from "./flow.js";
import { Verdict } from "./verdict.js";

/** Of a flow whose addresses, protocol and lengths are there. Gives PARSED, or a verdict. */
export function parseTransport(packet: Packet, flow: Flow): u32 {
  if (flow.protocol === IPPROTO_TCP) {
    if (flow.bytes + NETWORK_AT < flow.transportAt + Tcp.size) return Verdict.truncated;
    const tcp = packet.view(Tcp, flow.transportAt);
    if (tcp === null) return Verdict.truncated;
    flow.sourcePort = tcp.source;
    flow.destinationPort = tcp.destination;
    flow.tcpFlags = tcp.flags;
    return PARSED;
  }
  if (flow.protocol === IPPROTO_UDP) {
    if (flow.bytes + NETWORK_AT < flow.transportAt + Udp.size) return Verdict.truncated;
    const udp = packet.view(Udp, flow.transportAt);
    if (udp === null) return Verdict.truncated;
    flow.sourcePort = udp.source;
    flow.destinationPort = udp.destination;
    return PARSED;
  }
  return Verdict.otherProtocol;
}
