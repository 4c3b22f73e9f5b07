// What two directors may differ in is taken out here, and nothing else: source MAC addresses, the IP ids of ICMP messages,
// of tunnel packets and of IPv6's fragments, with the header checksums that follow from them, the order of connections, the size of their table.

import { IPPROTO_ICMP, IPPROTO_IPIP, IPPROTO_IPV6, dissect } from "#lab/dissect.js";
import type { Ip } from "#lab/dissect.js";
import { frameProblems } from "#lab/verify.js";
import { IPV4_HEADER_MIN } from "#wire/ipv4.js";
import { IPPROTO_FRAGMENT } from "#wire/ipv6.js";
import { packetOf } from "../packets/frame.js";
import { neighbours } from "../packets/network.js";
import type { Passage } from "./transcript.js";

/** A frame that was sent, with what is compared of it. */
export interface Sent {
  readonly by: string;
  /** The neighbour's name, or the MAC address where there is none. */
  readonly to: string;
  /** What a receiver would refuse about it. */
  readonly problems: readonly string[];
  /** The IP packet. */
  readonly packet: Uint8Array;
}

/** RFC 792, RFC 4443. */
const ICMP_HEADER = 8;

/** RFC 8200: the identification is the second half of a fragment's header. */
const IPV6_HEADER = 40;
const IPV6_NEXT_HEADER_AT = 6;

/** RFC 768. */
const UDP_CHECKSUM_AT = 6;

/** Headers of these are the director's own making. */
const MADE: ReadonlySet<number> = new Set([IPPROTO_ICMP, IPPROTO_IPIP, IPPROTO_IPV6]);

/** `received`: what it was sent because of, a packet or its fragments. */
export function normalizePassage({ by, bytes }: Passage, received: readonly Passage[]): Sent {
  const { destination, ip } = dissect(bytes);
  const to = neighbours.find(({ mac }) => mac === destination)?.name ?? destination;
  const packet = packetOf(bytes).slice(0, ip?.length);
  if (ip?.version === 4 && MADE.has(ip.protocol)) clearIdentification(packet);
  if (ip?.udp !== undefined && hasNoChecksum(received[0]!)) packet.fill(0, ip.header.length + UDP_CHECKSUM_AT, ip.header.length + UDP_CHECKSUM_AT + 2);
  if (packet[0]! >> 4 === 6 && packet[IPV6_NEXT_HEADER_AT] === IPPROTO_FRAGMENT) packet.fill(0, IPV6_HEADER + 4, IPV6_HEADER + 8);
  if (ip?.icmp?.quoted !== undefined && received.length > 1) return { by, to, problems: [], packet: withoutQuotation(packet, ip) };
  return { by, to, problems: frameProblems({ bytes, length: bytes.length, checksumPartial: false }), packet };
}

/** docs/lvs-compatibility.md: IPVS computes what the sender left out. */
function hasNoChecksum({ bytes }: Passage): boolean {
  const { ip } = dissect(bytes);
  return ip?.udp !== undefined && ip.payload[UDP_CHECKSUM_AT] === 0 && ip.payload[UDP_CHECKSUM_AT + 1] === 0;
}

/**
 * docs/lvs-compatibility.md: an error about a packet in fragments quotes the packet, put together, or its first fragment. Without what follows the
 * ICMP header, and without the lengths and checksums that go by that.
 */
function withoutQuotation(packet: Uint8Array, { version, header }: Ip): Uint8Array {
  const beginning = packet.slice(0, header.length + ICMP_HEADER);
  const [lengthAt, checksumAt] = version === 4 ? [2, 10] : [4, 4];
  for (const at of [lengthAt, checksumAt, header.length + 2]) beginning.fill(0, at, at + 2);
  return beginning;
}

/** RFC 791: bytes 4 and 5; the header's checksum is bytes 10 and 11. */
function clearIdentification(packet: Uint8Array): void {
  if (packet.length < IPV4_HEADER_MIN) return;
  packet.fill(0, 4, 6);
  packet.fill(0, 10, 12);
}

/** The size of the connection table is each director's own. */
export const normalizeList = (text: string): string => text.replace(/\(size=\d+\)/, "(size=…)");

/** A line of ipvsadm -Lnc. */
export interface Listed {
  readonly seconds: number;
  /** All but the time. */
  readonly rest: string;
}

/** In one order. What stands in no column, headings and errors, is a line without a time. */
export function normalizeConnections(text: string): readonly Listed[] {
  const lines = text.split("\n").filter((line) => line !== "").map(listedOf);
  return lines.sort((a, b) => (a.rest < b.rest ? -1 : a.rest > b.rest ? 1 : a.seconds - b.seconds));
}

function listedOf(line: string): Listed {
  const [, protocol, minutes, seconds, rest] = /^(\S+) +(\d+):(\d+) +(.*)$/.exec(line) ?? [];
  return protocol === undefined ? { seconds: 0, rest: line } : { seconds: Number(minutes) * 60 + Number(seconds), rest: `${protocol} ${rest}` };
}
