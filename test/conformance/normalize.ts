// What two directors may differ in is taken out here, and nothing else: source MAC addresses, the IP ids of ICMP messages
// and tunnel packets with the header checksums that follow from them, the order of connections, the size of their table.

import { IPPROTO_ICMP, IPPROTO_IPIP, dissect } from "#lab/dissect.js";
import { frameProblems } from "#lab/verify.js";
import { IPV4_HEADER_MIN } from "#wire/ipv4.js";
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

/** RFC 768. */
const UDP_CHECKSUM_AT = 6;

/** Headers of these are the director's own making. */
const MADE: ReadonlySet<number> = new Set([IPPROTO_ICMP, IPPROTO_IPIP]);

/** `received`: what it was sent because of. */
export function normalizePassage({ by, bytes }: Passage, received: Passage): Sent {
  const { destination, ip } = dissect(bytes);
  const to = neighbours.find(({ mac }) => mac === destination)?.name ?? destination;
  const packet = packetOf(bytes).slice(0, ip?.length);
  if (ip?.version === 4 && MADE.has(ip.protocol)) clearIdentification(packet);
  if (ip?.udp !== undefined && hasNoChecksum(received)) packet.fill(0, ip.header.length + UDP_CHECKSUM_AT, ip.header.length + UDP_CHECKSUM_AT + 2);
  return { by, to, problems: frameProblems({ bytes, length: bytes.length, checksumPartial: false }), packet };
}

/** docs/lvs-compatibility.md: IPVS computes what the sender left out. */
function hasNoChecksum({ bytes }: Passage): boolean {
  const { ip } = dissect(bytes);
  return ip?.udp !== undefined && ip.payload[UDP_CHECKSUM_AT] === 0 && ip.payload[UDP_CHECKSUM_AT + 1] === 0;
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
