// The transport header: ports, and what the packet says about its connection. Of both families.

import type { u32 } from "#layout/numbers.js";
import { Be16, host16 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import type { Packet } from "#prelude/packet.js";
import { bpf_get_smp_processor_id, bpf_skb_load_bytes } from "#prelude/helpers.js";
import { make, sizeOf } from "#prelude/intrinsics.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_AH, IPPROTO_ESP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";
import { SCTP_CID_COOKIE_ACK, SCTP_CID_COOKIE_ECHO, Sctp, SctpChunk } from "#wire/sctp.js";
import { Tcp } from "#wire/tcp.js";
import { Udp } from "#wire/udp.js";
import { APPLICATION, ENGINE, HOOK, SCTP_AND_IPSEC, TRANSPORTS, XDP } from "./config.js";
import type { Flow } from "./flow.js";
import { NETWORK_AT, OTHER_TRANSPORT, PARSED } from "./flow.js";
import { beginnings, handovers } from "./maps.js";
import { KEY_EXCHANGE_PORT, KEY_EXCHANGE_PROTOCOL } from "./protocols/ipsec.js";
import { Verdict } from "./verdict.js";

/** The first four bytes of TCP, UDP and SCTP alike. */
export const Ports = struct("Ports", { source: Be16, destination: Be16 }, { size: 4 });

/**
 * Whether the packet, which is a first fragment, has been to the program that takes them (fragments.ts), which just now ended in
 * this one; those of other protocols, applications and engines come after the one that asks.
 */
export function isNotedFragment(): boolean {
  if (HOOK === XDP) return false;
  if (TRANSPORTS === SCTP_AND_IPSEC || APPLICATION || ENGINE) return true;
  const handover = handovers.at(bpf_get_smp_processor_id());
  const noted = handover.fragmentNoted !== 0;
  handover.fragmentNoted = 0;
  return noted;
}

/** Of a flow whose addresses, protocol and lengths are there. Gives PARSED, OTHER_TRANSPORT, or a verdict. */
export function parseTransport(packet: Packet, flow: Flow): u32 {
  return TRANSPORTS === SCTP_AND_IPSEC ? parseSctpOrIpsec(packet, flow) : parseTcpOrUdp(packet, flow);
}

function parseTcpOrUdp(packet: Packet, flow: Flow): u32 {
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
  if (flow.protocol === IPPROTO_SCTP || flow.protocol === IPPROTO_ESP || flow.protocol === IPPROTO_AH) return OTHER_TRANSPORT;
  return Verdict.otherProtocol;
}

/** What a packet's connection is found by besides; `end`: what is not to be looked at any more. False when the ports are not before that. */
export function readPorts(packet: Packet, end: u32, flow: Flow): boolean {
  if (flow.protocol === IPPROTO_ESP || flow.protocol === IPPROTO_AH) {
    flow.protocol = KEY_EXCHANGE_PROTOCOL;
    flow.sourcePort = KEY_EXCHANGE_PORT;
    flow.destinationPort = KEY_EXCHANGE_PORT;
    flow.follows = 1;
    return true;
  }
  if (flow.protocol !== IPPROTO_TCP && flow.protocol !== IPPROTO_UDP && flow.protocol !== IPPROTO_SCTP) return false;
  if (flow.transportAt + Ports.size > end) return false;
  const ports = packet.view(Ports, flow.transportAt);
  if (ports === null) return false;
  flow.sourcePort = ports.source;
  flow.destinationPort = ports.destination;
  return true;
}

/** Told by way of this processor's Beginning: read back they are any, and the verifier follows one packet, not one for each protocol and chunk. */
function parseSctpOrIpsec(packet: Packet, flow: Flow): u32 {
  const outcome = readSctpOrIpsec(packet, flow.protocol, flow.transportAt, flow.bytes + NETWORK_AT);
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  flow.protocol = beginning.protocol;
  flow.sourcePort = beginning.sourcePort;
  flow.destinationPort = beginning.destinationPort;
  flow.chunk = beginning.chunk;
  flow.chunkAfter = beginning.chunkAfter;
  flow.follows = beginning.follows;
  return outcome;
}

function readSctpOrIpsec(packet: Packet, protocol: IpProtocol, at: u32, end: u32): u32 {
  "use subprogram";
  const beginning = beginnings.at(bpf_get_smp_processor_id());
  beginning.chunk = 0;
  beginning.chunkAfter = 0;
  if (protocol === IPPROTO_AH || protocol === IPPROTO_ESP) {
    beginning.protocol = KEY_EXCHANGE_PROTOCOL;
    beginning.sourcePort = KEY_EXCHANGE_PORT;
    beginning.destinationPort = KEY_EXCHANGE_PORT;
    beginning.follows = 1;
    return PARSED;
  }
  if (protocol !== IPPROTO_SCTP) return Verdict.otherProtocol;
  const chunkAt = at + Sctp.size;
  if (end < chunkAt + SctpChunk.size) return Verdict.truncated;
  const sctp = packet.view(Sctp, at);
  const chunk = packet.view(SctpChunk, chunkAt);
  if (sctp === null || chunk === null) return Verdict.truncated;
  beginning.protocol = protocol;
  beginning.sourcePort = sctp.source;
  beginning.destinationPort = sctp.destination;
  beginning.follows = 0;
  beginning.chunk = chunk.type;
  // What ends an association may stand behind its cookie (protocols/sctp.ts).
  if (chunk.type === SCTP_CID_COOKIE_ECHO || chunk.type === SCTP_CID_COOKIE_ACK) beginning.chunkAfter = chunkBehind(packet, chunkAt, host16(chunk.length), end);
  return PARSED;
}

/** The type of the chunk that follows one of `length` bytes, and 0, which is DATA, when none does before `end`. */
function chunkBehind(packet: Packet, at: u32, length: u32, end: u32): u32 {
  if (length < SctpChunk.size || length > CHUNK_BYTES_MAX) return 0;
  const next = at + ((length + 3) & CHUNK_BYTES_MASK);
  if (next + SctpChunk.size > end) return 0;
  if (HOOK !== XDP) {
    // A cookie may be longer than what headers are pulled for.
    const chunk = make(SctpChunk);
    return bpf_skb_load_bytes(packet, next, chunk, sizeOf(SctpChunk)) === 0n ? chunk.type : 0;
  }
  const chunk = packet.view(SctpChunk, next);
  return chunk === null ? 0 : chunk.type;
}

/** More than a frame holds; so that the verifier sees an end to it. */
const CHUNK_BYTES_MAX = 0x7ff0;
/** Up to the next multiple of four. */
const CHUNK_BYTES_MASK = 0x7ffc;
