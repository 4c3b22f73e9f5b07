// The persistence engine "sip": the messages of one call go to one server, whichever ports they come from. A call is known
// by the text of its Call-ID (RFC 3261 section 20.8), and persistence.ts keeps a template for each.
// Linux v6.12 net/netfilter/ipvs/ip_vs_pe_sip.c, ip_vs_sip_fill_param(); net/netfilter/nf_conntrack_sip.c, ct_sip_get_header(), callid_len().
//
//   …\r\n  Call-ID  :  f81d4fae@foo.bar.com  \r\n…          or i: for short, in any case; a folded line goes on with a blank
//          name    colon   word @ word       end
//
// The message is read in this processor's SipMessage, byte by byte in bpf_loop, so that the verifier follows one byte.
// LVS differs: it compares texts; here 64 bits of a hash with the table's secret stand for one.

import type { i64, u32 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id, bpf_loop, bpf_skb_load_bytes } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { IPPROTO_UDP } from "#wire/ipv4.js";
import { Udp } from "#wire/udp.js";
import type { Flow } from "../flow.js";
import { NETWORK_AT } from "../flow.js";
import type { SipMessage } from "../maps.js";
import { CALL_ID_MAX, SIP_MESSAGE_MAX, SipReader, beginnings, settings, sipMessages } from "../maps.js";

// Four letters, in lower case, as lettersAt() gives them: the first is the lowest byte.
const CALL = 0x6c6c6163;
const L_ID = 0x64692d6c;
const NAME_LENGTH = 7;
const LETTER_I = 105;

const TAB = 9;
const LINE_FEED = 10;
const RETURN = 13;
const SPACE = 32;
const HYPHEN = 45;
const COLON = 58;
const AT = 64;
const ZERO = 48;
const NINE = 57;
const LETTER_A = 97;
const LETTER_Z = 122;
/** What makes a letter of ASCII a small one. */
const SMALL = 0x20;

/** SipMessage.step: no name yet; behind it; a line's end there, which must be folded; the same behind the colon; the words; read, or not one. */
const SEARCHING = 0;
const NAMED = 1;
const NAMED_FOLDING = 2;
const BEGUN = 3;
const BEGUN_FOLDING = 4;
const WORD = 5;
const DOMAIN = 6;
const COMPLETE = 7;
const FAILED = 8;

/** Reads a message's Call-ID: what stands for it is in this processor's Beginning from then on. False when it has none, or is no datagram: LVS drops it. */
export function readCall(packet: Packet, flow: Flow): boolean {
  return flow.protocol === IPPROTO_UDP && read(packet, flow.transportAt, flow.bytes);
}

function read(packet: Packet, transportAt: u32, bytes: u32): boolean {
  "use subprogram";
  const reader = make(SipReader, { processor: bpf_get_smp_processor_id() });
  const message = sipMessages.at(reader.processor);
  const at = (transportAt & HEADERS_MASK) + Udp.size;
  const end = NETWORK_AT + bytes;
  if (end <= at || end - at > SIP_MESSAGE_MAX) return false;
  message.length = end - at;
  message.callLength = 0;
  if (bpf_skb_load_bytes(packet, at, message.bytes, message.length) !== 0n) return false;
  message.step = SEARCHING;
  message.resumeAt = 1;
  bpf_loop(message.length, readByte, reader, 0n);
  if (message.step !== COMPLETE) return false;
  beginnings.at(reader.processor).call = message.hash;
  message.call.length = message.callLength;
  return bpf_skb_load_bytes(packet, at + message.start, message.call.text, message.callLength) === 0n;
}
/** Verifier: no header that parse() found stands further on. */
const HEADERS_MASK = 0xff;

/** ip_vs_pe_sip.c, get_callid() */
function readByte(at: u32, reader: SipReader): i64 {
  const message = sipMessages.at(reader.processor);
  if (at < message.resumeAt) return 0n;
  const byte = message.bytes[at];
  switch (message.step) {
    case SEARCHING: return search(message, at);
    case NAMED: {
      if (isBlank(byte)) return 0n;
      if (isLineEnd(byte)) return goOn(message, NAMED_FOLDING);
      return goOn(message, byte === COLON ? BEGUN : FAILED);
    }
    case NAMED_FOLDING: return fold(message, at, byte, NAMED);
    case BEGUN: {
      if (isBlank(byte)) return 0n;
      if (isLineEnd(byte)) return goOn(message, BEGUN_FOLDING);
      message.start = at;
      message.domainAt = 0;
      message.hash = settings.at(0).hashSeed;
      message.step = WORD;
      return readWord(message, at, byte);
    }
    case BEGUN_FOLDING: return fold(message, at, byte, BEGUN);
    case WORD: return readWord(message, at, byte);
    case DOMAIN: return readWord(message, at, byte);
    default: return 1n;
  }
}

/** Whether a line begins here, and with the name; then what follows that is next. */
function search(message: SipMessage, at: u32): i64 {
  if (!isLineEnd(message.bytes[at - 1])) return 0n;
  if (at + NAME_LENGTH <= message.length && lettersAt(message, at) === CALL && lettersAt(message, at + 3) === L_ID && message.bytes[at + 4] === HYPHEN) {
    message.resumeAt = at + NAME_LENGTH;
    message.step = NAMED;
  } else if (at + 2 <= message.length && (message.bytes[at] | SMALL) === LETTER_I && !isLetter(message.bytes[at + 1])) {
    message.resumeAt = at + 1;
    message.step = NAMED;
  }
  return 0n;
}

/** nf_conntrack_sip.c, sip_follow_continuation(): a line goes on in the next if that begins with a blank. */
function fold(message: SipMessage, at: u32, byte: u32, step: u32): i64 {
  if (byte === LINE_FEED && message.bytes[at - 1] === RETURN) return 0n;
  return goOn(message, isBlank(byte) ? step : FAILED);
}

/** nf_conntrack_sip.c, callid_len(): a word, or two with @ between; an empty one is none, and the search goes on. */
function readWord(message: SipMessage, at: u32, byte: u32): i64 {
  if (isOfWord(byte)) {
    mix(message, byte);
    return 0n;
  }
  const begun = message.step === DOMAIN ? message.domainAt : message.start;
  if (at === begun) return goOn(message, SEARCHING);
  if (byte === AT && message.step === WORD) {
    mix(message, byte);
    message.domainAt = at + 1;
    return goOn(message, DOMAIN);
  }
  message.callLength = at - message.start;
  return goOn(message, message.callLength <= CALL_ID_MAX && isLineEnd(byte) ? COMPLETE : FAILED);
}

function mix(message: SipMessage, byte: u32): void {
  const mixed = (message.hash ^ U64(byte)) * 0x9e3779b97f4a7c15n;
  message.hash = mixed ^ (mixed >> 32n);
}

/** Whether there is more to read. */
function goOn(message: SipMessage, step: u32): i64 {
  message.step = step;
  return step === COMPLETE || step === FAILED ? 1n : 0n;
}

/** Four of them, in lower case. */
function lettersAt(message: SipMessage, at: u32): u32 {
  const bytes = message.bytes[at] | (message.bytes[at + 1] << 8) | (message.bytes[at + 2] << 16) | (message.bytes[at + 3] << 24);
  return bytes | LOWER;
}
const LOWER = 0x20202020;

function isBlank(byte: u32): boolean {
  return byte === SPACE || byte === TAB;
}

function isLineEnd(byte: u32): boolean {
  return byte === RETURN || byte === LINE_FEED;
}

function isLetter(byte: u32): boolean {
  const small = byte | SMALL;
  return small >= LETTER_A && small <= LETTER_Z;
}

/** nf_conntrack_sip.c, iswordc(): RFC 3261's "word". */
function isOfWord(byte: u32): boolean {
  if (isLetter(byte) || (byte >= ZERO && byte <= NINE)) return true;
  // Bit by bit for each half of ASCII's other characters: ! " % ( ) * + - . / : < > ?, and [ \ ] _ ` { } ~.
  const signs = byte < 64 ? 0xd400_ef26_0000_0000n : 0x6800_0001_b800_0000n;
  return byte < 128 && ((signs >> U64(byte & 63)) & 1n) !== 0n;
}
