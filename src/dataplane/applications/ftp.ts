// FTP's control connections by NAT (RFC 959, RFC 2428): they name the ends of data connections to come. The data connection
// is announced (expected.ts), and where the real server names itself, it is the VIP that the client gets to read.
// Linux v6.12 net/netfilter/ipvs/ip_vs_ftp.c, ip_vs_ftp_in(), ip_vs_ftp_out(), ip_vs_ftp_get_addrport().
//
//   client │ PORT 10,0,0,2,128,235          EPRT |1|10.0.0.2|33003|      the server connects, from port 20, to that
//   client │ PASV                           EPSV                         the server is to name a port
//   server │ 227 … (10,1,0,11,156,65)       229 … (|||40002|)            the client connects, from any port, to that
//            227 … (10,0,0,100,156,65)      229 … (|||40002|)            as the client reads it: the VIP
//
// A line is read in this processor's FtpLine, byte by byte in bpf_loop, so that the verifier follows one byte.
// LVS differs: it reads payloads of any length, here they are 256 bytes at most; and it rewrites an answer once, here also
// when it is sent again.

import type { Be32, i64, u32 } from "#layout/numbers.js";
import { be16, host16, host32, u16, u64 as U64 } from "#layout/numbers.js";
import {
  bpf_csum_diff, bpf_get_smp_processor_id, bpf_l4_csum_replace, bpf_loop, bpf_skb_change_tail, bpf_skb_load_bytes, bpf_skb_store_bytes,
} from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { ipv4Of } from "#wire/address.js";
import { TCP_CHECKSUM_OFFSET, Tcp, isAfter } from "#wire/tcp.js";
import { isUnspecified } from "../address.js";
import { ticks } from "../clock.js";
import { FAMILY, IPV6 } from "../config.js";
import { clientOf, serverOf, virtualOf } from "../connection.js";
import { dialogueOf, openDialogue } from "../dialogue.js";
import { UNKNOWN_PORT, announce } from "../expected.js";
import { NETWORK_AT } from "../flow.js";
import type { Dialogue, FtpLine } from "../maps.js";
import { FTP_LINE_BYTES, FtpReader, connections, ftpLines } from "../maps.js";
import { setLength } from "../network.js";

/** Dialogue.mode, FtpLine.mode */
export const ACTIVE = 0;
export const PASSIVE = 1;
export const EXTENDED_PASSIVE = 2;

// Four letters, in lower case, as lettersAt() gives them: the first is the lowest byte.
const PASV = 0x76736170;
const EPSV = 0x76737065;
const PORT = 0x74726f70;
const EPRT = 0x74727065;
const REPLY_227 = 0x20373232;
const REPLY_229 = 0x20393232;
const LETTERS_COUNT = 4;
/** Bytes of the shortest command that is looked for, "EPSV\r\n". */
const COMMAND_MIN = 6;

const LINE_FEED = 10;
const RETURN = 13;
const SPACE = 32;
const PARENTHESIS = 40;
const COMMA = 44;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const LETTER_A = 97;
const LETTER_F = 102;
const BAR = 124;
/** What makes a letter of ASCII a small one. */
const SMALL = 0x20;
/** RFC 2428: what may delimit an extended address, ASCII 33 to 126, and the families' numbers. */
const DELIMITER_MIN = 33;
const DELIMITER_MAX = 126;
const FAMILY_DIGIT = FAMILY === IPV6 ? 50 : 49;

/** A client's line. False when there is no room for what it announces. */
export function hearCommand(packet: Packet, control: u32, payloadAt: u32, length: u32): boolean {
  "use subprogram";
  const reader = make(FtpReader, { processor: bpf_get_smp_processor_id() });
  const line = ftpLines.at(reader.processor);
  if (!load(packet, line, payloadAt, length)) return true;
  line.mode = ACTIVE;
  line.step = SEARCHING;
  bpf_loop(length - COMMAND_MIN + 1, searchPassive, reader, 0n);
  if (line.step === FOUND) return line.mode === ACTIVE || awaitReply(control, line.mode);
  if (!isPort(reader, line)) return true;
  const connection = connections.at(control);
  if (!awaitReply(control, ACTIVE)) return false;
  return announce(control, line.address, be16(line.port), be16(host16(connection.virtualPort) - 1), serverOf(connection),
    be16(host16(connection.destinationPort) - 1), ticks());
}

/** A server's line, in a packet of `bytes`. Gives how many it has from now on; none when there is no room for what it announces. */
export function hearReply(packet: Packet, control: u32, at: u32, payloadAt: u32, bytes: u32): u32 {
  "use subprogram";
  const dialogue = dialogueOf(control);
  if (dialogue === null || dialogue.mode === ACTIVE) return bytes;
  const tcp = packet.view(Tcp, at & HEADERS_MASK);
  if (tcp === null) return bytes;
  const sequence = host32(tcp.sequence);
  if (dialogue.awaitsReply === 0 && dialogue.repliedAt !== sequence) return bytes;
  const reader = make(FtpReader, { processor: bpf_get_smp_processor_id() });
  const line = ftpLines.at(reader.processor);
  if (!load(packet, line, payloadAt, NETWORK_AT + bytes - payloadAt)) return bytes;

  const connection = connections.at(control);
  line.mode = dialogue.mode;
  if (!isEntering(reader, line)) return bytes;
  if (line.mode === EXTENDED_PASSIVE && isUnspecified(line.address)) line.address = serverOf(connection);
  if (!announce(control, clientOf(connection), UNKNOWN_PORT, be16(line.port), line.address, be16(line.port), ticks())) return 0;
  dialogue.awaitsReply = 0;
  dialogue.repliedAt = sequence;

  if (line.mode === PASSIVE) writePassive(line, ipv4Of(virtualOf(connection)));
  else writeExtendedPassive(line);
  line.rewrittenLength = line.length - (line.end - line.start) + line.textLength;
  if (line.rewrittenLength > FTP_LINE_BYTES) return bytes;
  bpf_loop(FTP_LINE_BYTES, copyByte, reader, 0n);
  return replacePayload(packet, line, dialogue, sequence, at, payloadAt, bytes);
}
/** Verifier: no header that parse() found stands further on. */
const HEADERS_MASK = 0xff;

/** Whether it tells where the client listens. */
function isPort(reader: FtpReader, line: FtpLine): boolean {
  const verb = lettersAt(line, 0);
  if (FAMILY !== IPV6 && verb === PORT) return readAddress(reader, line, SKIP_TO_NUMBERS, SPACE);
  return verb === EPRT && readAddress(reader, line, SKIP_TO_DELIMITER, SPACE);
}

/** Whether it tells where the server listens, in the way that was asked for. */
function isEntering(reader: FtpReader, line: FtpLine): boolean {
  const code = lettersAt(line, 0);
  if (line.mode === PASSIVE) return code === REPLY_227 && readAddress(reader, line, SKIP_TO_NUMBERS, PARENTHESIS);
  return code === REPLY_229 && readAddress(reader, line, SKIP_TO_DELIMITER, PARENTHESIS);
}

/** The client's command is for an answer of the server's, or for none. */
function awaitReply(control: u32, mode: u32): boolean {
  const dialogue = openDialogue(control);
  if (dialogue === null) return false;
  dialogue.mode = mode;
  dialogue.awaitsReply = mode === ACTIVE ? 0 : 1;
  return true;
}

// --- Reading -------------------------------------------------------------------------------------------------------

/** FtpLine.step: nothing found; a command that asks for nothing; an address, step by step; read; not one. */
const SEARCHING = 0;
const FOUND = 1;
const SKIP_TO_NUMBERS = 2;
const SKIP_TO_DELIMITER = 3;
const NUMBERS = 4;
const PROTOCOL = 5;
const NO_ADDRESS = 6;
const PROTOCOL_END = 7;
const ADDRESS = 8;
const PORT_NUMBER = 9;
const COMPLETE = 10;
const FAILED = 11;

/** False when it is too long for a line, or too short to say anything. */
function load(packet: Packet, line: FtpLine, payloadAt: u32, length: u32): boolean {
  if (length > FTP_LINE_BYTES || length < COMMAND_MIN) return false;
  line.length = length;
  return bpf_skb_load_bytes(packet, payloadAt, line.bytes, length) === 0n;
}

/** Four of them, in lower case. */
function lettersAt(line: FtpLine, at: u32): u32 {
  const bytes = line.bytes[at] | (line.bytes[at + 1] << 8) | (line.bytes[at + 2] << 16) | (line.bytes[at + 3] << 24);
  return bytes | LOWER;
}
const LOWER = 0x20202020;

/** PASV or EPSV, wherever it stands. */
function searchPassive(at: u32, reader: FtpReader): i64 {
  const line = ftpLines.at(reader.processor);
  const verb = lettersAt(line, at);
  const next = line.bytes[at + LETTERS_COUNT];
  if (FAMILY !== IPV6 && verb === PASV && next === RETURN && line.bytes[at + 5] === LINE_FEED) return find(line, PASSIVE);
  if (verb !== EPSV) return 0n;
  if (next === RETURN) return find(line, EXTENDED_PASSIVE);
  if (next !== SPACE) return 0n;
  // EPSV of this family; of the other, or EPSV ALL, it is not for us.
  const isOurs = at + 7 <= line.length && line.bytes[at + 5] === FAMILY_DIGIT && line.bytes[at + 6] === RETURN;
  return find(line, isOurs ? EXTENDED_PASSIVE : ACTIVE);
}

function find(line: FtpLine, mode: u32): i64 {
  line.step = FOUND;
  line.mode = mode;
  return 1n;
}

/** Reads an address and a port behind the first four letters: `skip` stands before it, and `step` says of which form it is. */
function readAddress(reader: FtpReader, line: FtpLine, step: u32, skip: u32): boolean {
  line.step = step;
  line.skip = skip;
  line.skipped = 0;
  line.number = 0;
  line.numbersCount = 0;
  line.last = NOTHING;
  line.gapAt = NO_GAP;
  line.port = 0;
  line.address.high = 0n;
  line.address.low = 0n;
  bpf_loop(line.length - LETTERS_COUNT, readByte, reader, 0n);
  return isComplete(line);
}

function isComplete(line: FtpLine): boolean {
  return line.step === COMPLETE;
}

function readByte(round: u32, reader: FtpReader): i64 {
  const line = ftpLines.at(reader.processor);
  const at = round + LETTERS_COUNT;
  const byte = line.bytes[at];
  switch (line.step) {
    case SKIP_TO_NUMBERS: {
      if (!isDigit(byte) && !isBehindSkip(line, byte)) return 0n;
      line.start = at;
      line.step = NUMBERS;
      return readNumbers(line, at, byte);
    }
    case SKIP_TO_DELIMITER: {
      if (!isBehindSkip(line, byte)) return 0n;
      line.start = at;
      line.delimiter = byte;
      return goOn(line, byte >= DELIMITER_MIN && byte <= DELIMITER_MAX, PROTOCOL);
    }
    case NUMBERS: return readNumbers(line, at, byte);
    case PROTOCOL: {
      // RFC 2428: in an answer to EPSV protocol and address are left out.
      if (byte === line.delimiter) return goOn(line, line.mode === EXTENDED_PASSIVE, NO_ADDRESS);
      return goOn(line, byte === FAMILY_DIGIT, PROTOCOL_END);
    }
    case NO_ADDRESS: return goOn(line, byte === line.delimiter, PORT_NUMBER);
    case PROTOCOL_END: return goOn(line, byte === line.delimiter, ADDRESS);
    case ADDRESS: return FAMILY === IPV6 ? readIpv6(line, byte) : readIpv4(line, byte);
    case PORT_NUMBER: {
      if (isDigit(byte)) {
        line.port = (line.port * 10 + byte - ZERO) & 0xffff;
        return 0n;
      }
      line.end = at + 1;
      goOn(line, byte === line.delimiter && line.port !== 0, COMPLETE);
      return 1n;
    }
    default: return 1n;
  }
}

function goOn(line: FtpLine, isRight: boolean, step: u32): i64 {
  line.step = isRight ? step : FAILED;
  return isRight ? 0n : 1n;
}

function isDigit(byte: u32): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** The first byte after `skip`, however often that stands there. */
function isBehindSkip(line: FtpLine, byte: u32): boolean {
  if (byte !== line.skip) return line.skipped !== 0;
  line.skipped = 1;
  return false;
}

const ADDRESS_BYTES = 4;
const PORT_BYTES = 2;

/** h1,h2,h3,h4,p1,p2 and whatever comes then. */
function readNumbers(line: FtpLine, at: u32, byte: u32): i64 {
  if (isDigit(byte)) {
    line.number = (line.number * 10 + byte - ZERO) & 0xff;
    return 0n;
  }
  const isLast = line.numbersCount === ADDRESS_BYTES + PORT_BYTES - 1;
  if (!isLast && byte !== COMMA) return goOn(line, false, FAILED);
  if (line.numbersCount < ADDRESS_BYTES) {
    takeByte(line);
  } else {
    line.port = (line.port << 8) | line.number;
    line.numbersCount += 1;
  }
  line.number = 0;
  if (!isLast) return 0n;
  line.end = at;
  goOn(line, true, COMPLETE);
  return 1n;
}

/** The number that was read is the next byte of the address. */
function takeByte(line: FtpLine): void {
  line.address.low |= U64(line.number) << U64(line.numbersCount << 3);
  line.numbersCount += 1;
}

/** FtpLine.last */
const NOTHING = 0;
const DIGIT = 1;
const SEPARATOR = 2;

/** lib's in4_pton() */
function readIpv4(line: FtpLine, byte: u32): i64 {
  if (byte !== line.delimiter && isDigit(byte)) {
    line.number = line.number * 10 + byte - ZERO;
    line.last = DIGIT;
    return goOn(line, line.number <= 255, ADDRESS);
  }
  if (line.last !== DIGIT || line.numbersCount === ADDRESS_BYTES || (byte !== line.delimiter && byte !== DOT)) return goOn(line, false, FAILED);
  takeByte(line);
  line.number = 0;
  line.last = SEPARATOR;
  return byte === line.delimiter ? goOn(line, line.numbersCount === ADDRESS_BYTES, PORT_NUMBER) : 0n;
}

const NO_GAP = 0xff;
const GROUPS = 8;

/** RFC 4291 section 2.2, but for an IPv4 address at its end. LVS differs: in6_pton() takes that too. */
function readIpv6(line: FtpLine, byte: u32): i64 {
  if (byte === line.delimiter) return endIpv6(line);
  if (byte === COLON) {
    if (line.last === DIGIT) takeGroup(line);
    else if (line.last === SEPARATOR) line.gapAt = line.gapAt === NO_GAP ? line.numbersCount : GROUPS + 1;
    line.last = SEPARATOR;
    return goOn(line, line.numbersCount < GROUPS && line.gapAt !== GROUPS + 1, ADDRESS);
  }
  const small = byte | SMALL;
  const digit = isDigit(byte) ? byte - ZERO : small - LETTER_A + 10;
  if (!isDigit(byte) && (small < LETTER_A || small > LETTER_F)) return goOn(line, false, FAILED);
  line.number = line.last === DIGIT ? line.number * 16 + digit : digit;
  line.last = DIGIT;
  return goOn(line, line.number <= 0xffff, ADDRESS);
}

function takeGroup(line: FtpLine): void {
  line.groups[line.numbersCount] = line.number;
  line.numbersCount += 1;
}

function endIpv6(line: FtpLine): i64 {
  if (line.last === DIGIT) takeGroup(line);
  const count = line.numbersCount;
  for (let i = 0; i < GROUPS; i++) {
    if (i >= count) break;
    putGroup(line, i < line.gapAt ? i : i + GROUPS - count, line.groups[i]);
  }
  return goOn(line, line.gapAt === NO_GAP ? count === GROUPS : count < GROUPS, PORT_NUMBER);
}

function putGroup(line: FtpLine, place: u32, group: u32): void {
  const bits = U64(u16(be16(group))) << U64((place & 3) << 4);
  if (place < 4) line.address.high |= bits;
  else line.address.low |= bits;
}

// --- Writing -------------------------------------------------------------------------------------------------------

/** "10,0,0,100,156,65" */
function writePassive(line: FtpLine, address: Be32): void {
  const host = host32(address);
  line.textLength = 0;
  writeNumber(line, host >>> 24);
  writeByte(line, COMMA);
  writeNumber(line, (host >>> 16) & 0xff);
  writeByte(line, COMMA);
  writeNumber(line, (host >>> 8) & 0xff);
  writeByte(line, COMMA);
  writeNumber(line, host & 0xff);
  writeByte(line, COMMA);
  writeNumber(line, line.port >>> 8);
  writeByte(line, COMMA);
  writeNumber(line, line.port & 0xff);
}

/** "|||40002|" */
function writeExtendedPassive(line: FtpLine): void {
  line.textLength = 0;
  for (let i = 0; i < 3; i++) writeByte(line, BAR);
  writeNumber(line, line.port);
  writeByte(line, BAR);
}

function writeNumber(line: FtpLine, number: u32): void {
  "use subprogram";
  if (number >= 10000) writeByte(line, ZERO + number / 10000);
  if (number >= 1000) writeByte(line, ZERO + (number / 1000) % 10);
  if (number >= 100) writeByte(line, ZERO + (number / 100) % 10);
  if (number >= 10) writeByte(line, ZERO + (number / 10) % 10);
  writeByte(line, ZERO + (number % 10));
}

function writeByte(line: FtpLine, byte: u32): void {
  line.text[line.textLength] = byte;
  line.textLength += 1;
}

/** Makes `rewritten`; and behind the line's end there are zeros, which no sum sees. */
function copyByte(at: u32, reader: FtpReader): i64 {
  const line = ftpLines.at(reader.processor);
  const textEnd = line.start + line.textLength;
  if (at >= line.length) line.bytes[at] = 0;
  let byte: u32 = 0;
  if (at < line.start) byte = line.bytes[at];
  else if (at < textEnd) byte = line.text[at - line.start];
  else if (at < line.rewrittenLength) byte = line.bytes[at - textEnd + line.end];
  line.rewritten[at] = byte;
  return 0n;
}

/**
 * nf_nat_helper.c, __nf_nat_mangle_tcp_packet(). Where the packet is cut the rest was zeros before: a device's sum over the
 * whole of it (CHECKSUM_COMPLETE) stays right, as what the payload adds the transport's checksum takes away.
 */
function replacePayload(packet: Packet, line: FtpLine, dialogue: Dialogue, sequence: u32, at: u32, payloadAt: u32, bytes: u32): u32 {
  const growth = line.rewrittenLength - line.length;
  const end = NETWORK_AT + bytes;
  const difference = bpf_csum_diff(line.bytes, FTP_LINE_BYTES, line.rewritten, FTP_LINE_BYTES, 0);
  if (line.rewrittenLength > line.length && bpf_skb_change_tail(packet, end + growth, 0n) !== 0n) return 0;
  const most = line.rewrittenLength > line.length ? line.rewrittenLength : line.length;
  if (bpf_skb_store_bytes(packet, payloadAt, line.rewritten, most, 0n) !== 0n) return 0;
  if (line.rewrittenLength < line.length && bpf_skb_change_tail(packet, end + growth, 0n) !== 0n) return 0;
  if (bpf_l4_csum_replace(packet, at + TCP_CHECKSUM_OFFSET, 0n, U64(difference), 0n) !== 0n) return 0;
  if (growth === 0) return bytes;
  const segment = end - at;
  if (bpf_l4_csum_replace(packet, at + TCP_CHECKSUM_OFFSET, U64(be16(segment)), U64(be16(segment + growth)), BPF_F_PSEUDO_HDR | 2n) !== 0n) return 0;
  if (!setLength(packet, bytes + growth)) return 0;
  noteGrowth(dialogue, sequence, growth);
  return bytes + growth;
}
/** Linux include/uapi/linux/bpf.h: the length is part of the pseudo-header. */
const BPF_F_PSEUDO_HDR = 0x10n;

/** nf_conntrack_seqadj.c, nf_ct_seqadj_set(): once, however often the packet is sent. */
function noteGrowth(dialogue: Dialogue, sequence: u32, growth: u32): void {
  if (dialogue.growthBefore !== dialogue.growthAfter && !isAfter(sequence, dialogue.correctedAt)) return;
  dialogue.correctedAt = sequence;
  dialogue.growthBefore = dialogue.growthAfter;
  dialogue.growthAfter += growth;
}
