// Verifies every checksum of a frame, of its inner packets too, and that lengths agree: what a receiver would do, and a
// little more. An empty list means that the frame is right.

import type { Frame } from "./capture.js";
import { crc32c, internetChecksum, onesComplementSum } from "./checksum.js";
import { ETH_P_IP, ETH_P_IPV6, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, dissect, type Ip } from "./dissect.js";

export interface VerifyOptions {
  /** The sender left the TCP or UDP checksum to its network card: only the pseudo header's sum is there; of SCTP, zero. */
  readonly checksumPartial?: boolean;
  /** The capture kept only the packet's beginning. */
  readonly cut?: boolean;
}

/** What is wrong with a captured frame, one sentence each. Of a cut one, only the headers can be verified. */
export function frameProblems(frame: Pick<Frame, "bytes" | "length" | "checksumPartial">): readonly string[] {
  const { ip, etherType } = dissect(frame.bytes);
  if (ip !== undefined) return ipProblems(ip, { checksumPartial: frame.checksumPartial, cut: frame.bytes.length < frame.length });
  return etherType === ETH_P_IP || etherType === ETH_P_IPV6 ? ["the frame says IP and has no whole IP header"] : [];
}

export function ipProblems(ip: Ip, options: VerifyOptions = {}): readonly string[] {
  return [
    ...headerProblems(ip),
    ...(options.cut ? [] : lengthProblems(ip)),
    ...(options.cut ? [] : transportProblems(ip, options)),
    ...(ip.inner === undefined ? [] : ipProblems(ip.inner, options).map((problem) => `inner packet: ${problem}`)),
    // A quoted packet is cut, so only its header can be verified.
    ...(ip.icmp?.quoted === undefined ? [] : headerProblems(ip.icmp.quoted).map((problem) => `quoted packet: ${problem}`)),
  ];
}

function headerProblems(ip: Ip): string[] {
  // RFC 8200 dropped the header checksum.
  if (ip.version === 6 || onesComplementSum(ip.header) === 0xffff) return [];
  return [`IPv4 header checksum is ${hex(checksumAt(ip.header, 10))}, should be ${hex(computed(ip.header, 10))}`];
}

function lengthProblems(ip: Ip): string[] {
  const carried = ip.header.length + (ip.version === 6 ? ip.options.length : 0) + ip.payload.length;
  return carried === ip.length ? [] : [`IP length is ${ip.length}, the frame has ${carried} bytes of it`];
}

/** Where in the payload each protocol keeps its checksum, and whether addresses are part of the sum. */
const CHECKSUMS: { readonly [protocol: number]: { readonly name: string; readonly at: number; readonly withAddresses: boolean } } = {
  [IPPROTO_TCP]: { name: "TCP", at: 16, withAddresses: true },
  [IPPROTO_UDP]: { name: "UDP", at: 6, withAddresses: true },
  [IPPROTO_ICMP]: { name: "ICMP", at: 2, withAddresses: false },
  [IPPROTO_ICMPV6]: { name: "ICMPv6", at: 2, withAddresses: true },
};

function transportProblems(ip: Ip, options: VerifyOptions): string[] {
  if (ip.sctp !== undefined && !ip.moreFragments) return options.checksumPartial ? [] : sctpProblems(Buffer.from(ip.payload));
  const checksum = CHECKSUMS[ip.protocol];
  // The checksum of a fragmented packet is over all fragments.
  if (checksum === undefined || ip.moreFragments || ip.fragmentOffset > 0) return [];
  if (options.checksumPartial && (ip.protocol === IPPROTO_TCP || ip.protocol === IPPROTO_UDP)) return [];
  if (ip.payload.length < checksum.at + 2) return [`${checksum.name} header is cut at ${ip.payload.length} bytes`];
  const found = checksumAt(ip.payload, checksum.at);
  // RFC 768: an all-zero checksum means the sender computed none. RFC 8200, section 8.1: not so in IPv6.
  if (ip.protocol === IPPROTO_UDP && ip.version === 4 && found === 0) return [];
  const before = checksum.withAddresses ? [pseudoHeader(ip)] : [];
  if (onesComplementSum(...before, ip.payload) === 0xffff) return [];
  return [`${checksum.name} checksum is ${hex(found)}, should be ${hex(computed(ip.payload, checksum.at, before))}`];
}

/** RFC 9260, section 6.8; RFC 9653: zero, where the ends do without. */
function sctpProblems(payload: Buffer): string[] {
  const found = payload.readUInt32LE(8);
  const right = crc32c(payload.fill(0, 8, 12));
  return found === 0 || found === right ? [] : [`SCTP checksum is 0x${found.toString(16)}, should be 0x${right.toString(16)}`];
}

/** RFC 9293, section 3.1, and RFC 8200, section 8.1. The two differ in zeros, which do not change the sum. */
function pseudoHeader(ip: Ip): Buffer {
  const addresses = ip.version === 4 ? ip.header.subarray(12, 20) : ip.header.subarray(8, 40);
  const rest = Buffer.alloc(4);
  rest.writeUInt8(ip.protocol, 1);
  rest.writeUInt16BE(ip.payload.length, 2);
  return Buffer.concat([addresses, rest]);
}

/** What the checksum at `at` of `bytes` should be. */
function computed(bytes: Uint8Array, at: number, before: readonly Uint8Array[] = []): number {
  const zeroed = Buffer.from(bytes);
  zeroed.writeUInt16BE(0, at);
  return internetChecksum(...before, zeroed);
}

const checksumAt = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
const hex = (value: number): string => `0x${value.toString(16).padStart(4, "0")}`;
