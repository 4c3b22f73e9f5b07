// Connections of which an application reads what they say: FTP's control connections (applications/ftp.ts). They have a
// program of their own: entry(), compiled once more with APPLICATION, calls here. TC only.
// Linux v6.12 net/netfilter/ipvs/ip_vs_app.c, ip_vs_app_pkt_in(), ip_vs_app_pkt_out();
// net/netfilter/nf_conntrack_seqadj.c, which shifts the sequence numbers for ip_vs_ftp.
//
// Where an answer's text got longer or shorter on its way to the client, all later bytes of the server's have other sequence
// numbers for the client than for the server:
//
//   server → client   sequence + growth                client → server   acknowledgement - growth, and so in SACK blocks

import type { Be32, i64, u32 } from "#layout/numbers.js";
import { Be32 as Be32Type, be32, host32, u32 as U32, u64 as U64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { bpf_get_smp_processor_id, bpf_l4_csum_replace, bpf_loop, bpf_skb_load_bytes } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { TCP_ACK, TCP_CHECKSUM_OFFSET, TCP_OPTIONS_MAX, TCP_OPTION_END, TCP_OPTION_NOTHING, TCP_OPTION_SACK, TCP_SYN, Tcp, isAfter } from "#wire/tcp.js";
import { hearCommand, hearReply } from "./applications/ftp.js";
import { dialogueOf } from "./dialogue.js";
import { NETWORK_AT } from "./flow.js";
import type { Dialogue } from "./maps.js";
import { FtpReader, beginnings, connections, ftpLines } from "./maps.js";
import { isFragment } from "./network.js";
import { TCP_ESTABLISHED } from "./protocols/tcp.js";

/** Verifier: no header that parse() found stands further on, nor TCP's options. */
const HEADERS_MASK = 0xff;

/** The same place. Verifier: it was found in one of many ways, and what follows is followed for one of them: see Beginning. */
export function anyPlace(index: u32): u32 {
  note(index);
  return beginnings.at(bpf_get_smp_processor_id()).entry;
}

function note(index: u32): void {
  "use subprogram";
  beginnings.at(bpf_get_smp_processor_id()).entry = index;
}

/** A client's packet of `bytes`, IP header included, before it goes on. False when it must not. */
export function hearClient(packet: Packet, index: u32, transportAt: u32, bytes: u32): boolean {
  "use subprogram";
  const at = transportAt & HEADERS_MASK;
  const tcp = packet.view(Tcp, at);
  if (tcp === null) return false;
  const payloadAt = at + ((tcp.dataOffset >>> 4) << 2);
  const flags = tcp.flags;
  const dialogue = dialogueOf(index);
  if (dialogue !== null) {
    if ((flags & TCP_SYN) !== 0) forgetGrowth(dialogue);
    else if ((flags & TCP_ACK) !== 0 && !shiftAcknowledgements(packet, at, payloadAt, dialogue)) return false;
  }
  if (!mayBeHeard(packet, index, payloadAt, bytes)) return true;
  return hearCommand(packet, index, payloadAt, NETWORK_AT + bytes - payloadAt);
}

/** A server's. Gives how many bytes it has from now on; none when it must not go on. */
export function hearServer(packet: Packet, index: u32, transportAt: u32, bytes: u32): u32 {
  "use subprogram";
  const dialogue = dialogueOf(index);
  if (dialogue === null) return bytes;
  const at = transportAt & HEADERS_MASK;
  const tcp = packet.view(Tcp, at);
  if (tcp === null) return 0;
  const sequence = host32(tcp.sequence);
  const payloadAt = at + ((tcp.dataOffset >>> 4) << 2);
  const bytesNow = mayBeHeard(packet, index, payloadAt, bytes) ? hearReply(packet, index, at, payloadAt, bytes) : bytes;
  return shiftSequence(packet, at, sequence, dialogue) ? bytesNow : 0;
}

/** ip_vs_ftp_in(), ip_vs_ftp_out(): "only useful for established sessions"; a super-packet is no line, nor is a fragment, whose length the others go by. */
function mayBeHeard(packet: Packet, index: u32, payloadAt: u32, bytes: u32): boolean {
  return connections.at(index).state === TCP_ESTABLISHED && packet.gsoSize === 0 && NETWORK_AT + bytes > payloadAt && !isFragment(packet);
}

/** The client's port is used again: for numbers that nothing has shifted yet. */
function forgetGrowth(dialogue: Dialogue): void {
  dialogue.growthBefore = 0;
  dialogue.growthAfter = 0;
}

/** nf_ct_seq_adjust() */
function shiftSequence(packet: Packet, at: u32, sequence: u32, dialogue: Dialogue): boolean {
  const growth = isAfter(sequence, dialogue.correctedAt) ? dialogue.growthAfter : dialogue.growthBefore;
  if (growth === 0) return true;
  const tcp = packet.view(Tcp, at);
  if (tcp === null) return false;
  tcp.sequence = be32(sequence + growth);
  return fixChecksum(packet, at, be32(sequence), be32(sequence + growth));
}

function shiftAcknowledgements(packet: Packet, transportAt: u32, payloadAt: u32, dialogue: Dialogue): boolean {
  "use subprogram";
  const at = transportAt & HEADERS_MASK;
  if (dialogue.growthBefore === 0 && dialogue.growthAfter === 0) return true;
  const tcp = packet.view(Tcp, at);
  if (tcp === null) return false;
  const acknowledgement = tcp.acknowledgement;
  const shifted = shiftedBack(acknowledgement, dialogue);
  tcp.acknowledgement = shifted;
  if (!fixChecksum(packet, at, acknowledgement, shifted)) return false;
  return payloadAt <= at + Tcp.size || shiftBlocks(packet, at, payloadAt - at - Tcp.size, dialogue);
}

/** nf_ct_seq_adjust(): a number of the server's as the client knows it, back. */
function shiftedBack(number: Be32, dialogue: Dialogue): Be32 {
  const ours = host32(number);
  const growth = isAfter(ours - dialogue.growthBefore, dialogue.correctedAt) ? dialogue.growthAfter : dialogue.growthBefore;
  return be32(ours - growth);
}

const SackEdge = struct("SackEdge", { sequence: Be32Type }, { size: 4 });
/** RFC 2018: up to four blocks, behind the option's kind and length. */
const SACK_EDGES_MAX = 8;
const SACK_EDGES_AT = 2;

/** nf_ct_sack_adjust() */
function shiftBlocks(packet: Packet, at: u32, length: u32, dialogue: Dialogue): boolean {
  const reader = make(FtpReader, { processor: bpf_get_smp_processor_id() });
  const line = ftpLines.at(reader.processor);
  const optionsAt = at + Tcp.size;
  if (bpf_skb_load_bytes(packet, optionsAt, line.bytes, length) !== 0n) return false;
  line.length = length;
  line.start = 0;
  line.end = 0;
  bpf_loop(TCP_OPTIONS_MAX, passOption, reader, 0n);
  for (let i = 0; i < SACK_EDGES_MAX; i++) {
    const edgeAt = line.start + SACK_EDGES_AT + i * SackEdge.size;
    if (edgeAt + SackEdge.size > line.end) break;
    const edge = packet.view(SackEdge, (optionsAt + edgeAt) & HEADERS_MASK);
    if (edge === null) return false;
    const before = edge.sequence;
    const after = shiftedBack(before, dialogue);
    edge.sequence = after;
    if (!fixChecksum(packet, at, before, after)) return false;
  }
  return true;
}

/** From one option to the next; of SACK, `end` tells the end. */
function passOption(_round: u32, reader: View<typeof FtpReader>): i64 {
  const line = ftpLines.at(reader.processor);
  const at = line.start;
  const kind = line.bytes[at];
  if (at >= line.length || kind === TCP_OPTION_END) return 1n;
  const size = kind === TCP_OPTION_NOTHING ? 1 : U32(line.bytes[at + 1]);
  if (size === 0 || at + size > line.length) return 1n;
  if (kind === TCP_OPTION_SACK) {
    line.end = at + size;
    return 1n;
  }
  line.start = at + size;
  return 0n;
}

/** TCP's checksum for a word that changes. */
function fixChecksum(packet: Packet, at: u32, before: Be32, after: Be32): boolean {
  return bpf_l4_csum_replace(packet, at + TCP_CHECKSUM_OFFSET, U64(before), U64(after), 4n) === 0n;
}
