// Takes frames apart into plain objects, for tests and for showing them. It shares no line with what weir's data plane
// reads and writes packets by (wire/): it is the second opinion, so offsets stand here once more, with their RFCs.

export interface Dissection {
  readonly source: string;
  readonly destination: string;
  /** 0x0800 for IPv4. */
  readonly etherType: number;
  readonly arp?: Arp;
  readonly ip?: Ip;
}

/** RFC 826. */
export interface Arp {
  readonly operation: "request" | "reply" | "other";
  readonly senderMac: string;
  readonly senderAddress: string;
  readonly targetMac: string;
  readonly targetAddress: string;
}

/** RFC 791, RFC 8200. */
export interface Ip {
  readonly version: 4 | 6;
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  /** Of the payload: 1 ICMP, 4 IPv4, 6 TCP, 17 UDP, 41 IPv6, 58 ICMPv6, 132 SCTP. IPv6: after its extension headers. */
  readonly protocol: number;
  /** Header and payload, in bytes. */
  readonly length: number;
  readonly tos: number;
  /** IPv4 only, zero and false in IPv6. */
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes. */
  readonly fragmentOffset: number;
  readonly options: Uint8Array;
  /** The header, and what it carries, as it stands in the frame. */
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  /** Exactly one of these, when the payload is whole enough to tell and is no later fragment. */
  readonly tcp?: Tcp;
  readonly udp?: Udp;
  readonly sctp?: Sctp;
  readonly icmp?: Icmp;
  /** The packet inside: IP in IP (RFC 2003, RFC 2473). */
  readonly inner?: Ip;
}

/** RFC 9293. */
export interface Tcp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** In the order of tcpdump's letters: "S", "S.", "P.", "F.", "R". */
  readonly flags: string;
  readonly window: number;
  readonly payload: Uint8Array;
}

/** RFC 768. */
export interface Udp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** As the header says. */
  readonly length: number;
  readonly payload: Uint8Array;
}

/** RFC 9260. */
export interface Sctp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
  readonly chunks: readonly SctpChunk[];
}

export interface SctpChunk {
  readonly type: number;
  readonly flags: number;
  readonly value: Uint8Array;
}

/** RFC 792, RFC 4443. */
export interface Icmp {
  readonly type: number;
  readonly code: number;
  /** The four bytes after the checksum: identifier and sequence, or an MTU, or a pointer. */
  readonly rest: number;
  readonly payload: Uint8Array;
  /** The packet that an error is about, as far as it is quoted. */
  readonly quoted?: Ip;
}

export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_IPV6 = 0x86dd;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IPIP = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_SCTP = 132;

const ETHERNET_BYTES = 14;

export function dissect(frame: Uint8Array): Dissection {
  const bytes = bufferOf(frame);
  const etherType = bytes.readUInt16BE(12);
  const link = { destination: macAt(bytes, 0), source: macAt(bytes, 6), etherType };
  const rest = bytes.subarray(ETHERNET_BYTES);
  const arp = etherType === ETH_P_ARP ? dissectArp(rest) : undefined;
  const ip = etherType === ETH_P_IP || etherType === ETH_P_IPV6 ? dissectIp(rest) : undefined;
  return { ...link, ...(arp && { arp }), ...(ip && { ip }) };
}

/** An IP packet without a link's header; undefined when it is none. */
export function dissectIp(packet: Uint8Array): Ip | undefined {
  const bytes = bufferOf(packet);
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= 20) return dissectIpv4(bytes);
  if (version === 6 && bytes.length >= 40) return dissectIpv6(bytes);
  return undefined;
}

function dissectArp(bytes: Buffer): Arp | undefined {
  if (bytes.length < 28) return undefined;
  const operation = bytes.readUInt16BE(6);
  return {
    operation: operation === 1 ? "request" : operation === 2 ? "reply" : "other",
    senderMac: macAt(bytes, 8), senderAddress: ipv4At(bytes, 14), targetMac: macAt(bytes, 18), targetAddress: ipv4At(bytes, 24),
  };
}

function dissectIpv4(bytes: Buffer): Ip {
  const headerBytes = (bytes.readUInt8(0) & 0xf) * 4;
  const length = bytes.readUInt16BE(2);
  const fragment = bytes.readUInt16BE(6);
  const fragmentOffset = (fragment & 0x1fff) * 8;
  const protocol = bytes.readUInt8(9);
  // Ethernet pads short frames to 60 bytes: what lies behind the length is not the packet's.
  const payload = bytes.subarray(headerBytes, length);
  return {
    version: 4, source: ipv4At(bytes, 12), destination: ipv4At(bytes, 16), ttl: bytes.readUInt8(8), protocol, length,
    tos: bytes.readUInt8(1), identification: bytes.readUInt16BE(4),
    dontFragment: (fragment & 0x4000) !== 0, moreFragments: (fragment & 0x2000) !== 0, fragmentOffset,
    options: bytes.subarray(20, headerBytes), header: bytes.subarray(0, headerBytes), payload,
    ...(fragmentOffset === 0 ? dissectPayload(protocol, payload) : {}),
  };
}

/** Hop-by-hop options, routing header, destination options: RFC 8200, sections 4.3, 4.4, 4.6. */
const EXTENSION_HEADERS = new Set([0, 43, 60]);
/** RFC 8200, section 4.5. */
const FRAGMENT_HEADER = 44;

function dissectIpv6(bytes: Buffer): Ip {
  const length = 40 + bytes.readUInt16BE(4);
  let protocol = bytes.readUInt8(6);
  let at = 40;
  let fragment = 0;
  while ((EXTENSION_HEADERS.has(protocol) || protocol === FRAGMENT_HEADER) && at + 8 <= bytes.length) {
    if (protocol === FRAGMENT_HEADER) fragment = bytes.readUInt16BE(at + 2);
    const extensionBytes = protocol === FRAGMENT_HEADER ? 8 : (bytes.readUInt8(at + 1) + 1) * 8;
    protocol = bytes.readUInt8(at);
    at += extensionBytes;
  }
  const payload = bytes.subarray(at, length);
  const fragmentOffset = fragment & 0xfff8;
  return {
    version: 6, source: ipv6At(bytes, 8), destination: ipv6At(bytes, 24), ttl: bytes.readUInt8(7), protocol, length,
    tos: (bytes.readUInt16BE(0) >> 4) & 0xff, identification: 0,
    dontFragment: false, moreFragments: (fragment & 1) !== 0, fragmentOffset,
    options: bytes.subarray(40, at), header: bytes.subarray(0, 40), payload,
    ...(fragmentOffset === 0 ? dissectPayload(protocol, payload) : {}),
  };
}

function dissectPayload(protocol: number, payload: Buffer): Pick<Ip, "tcp" | "udp" | "sctp" | "icmp" | "inner"> {
  if (protocol === IPPROTO_TCP) return given("tcp", dissectTcp(payload));
  if (protocol === IPPROTO_UDP) return given("udp", dissectUdp(payload));
  if (protocol === IPPROTO_SCTP) return given("sctp", dissectSctp(payload));
  if (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6) return given("icmp", dissectIcmp(protocol, payload));
  if (protocol === IPPROTO_IPIP || protocol === IPPROTO_IPV6) return given("inner", dissectIp(payload));
  return {};
}

const given = <Name extends string, T>(name: Name, value: T | undefined): { [K in Name]?: T } =>
  (value === undefined ? {} : { [name]: value }) as { [K in Name]?: T };

function dissectTcp(bytes: Buffer): Tcp | undefined {
  if (bytes.length < 20) return undefined;
  const flags = bytes.readUInt8(13);
  return {
    sourcePort: bytes.readUInt16BE(0), destinationPort: bytes.readUInt16BE(2),
    sequence: bytes.readUInt32BE(4), acknowledgment: bytes.readUInt32BE(8),
    flags: ["F", "S", "R", "P", ".", "U", "E", "W"].map((letter, bit) => ((flags >> bit) & 1 ? letter : "")).join(""),
    window: bytes.readUInt16BE(14),
    payload: bytes.subarray((bytes.readUInt8(12) >> 4) * 4),
  };
}

function dissectUdp(bytes: Buffer): Udp | undefined {
  if (bytes.length < 8) return undefined;
  const length = bytes.readUInt16BE(4);
  return { sourcePort: bytes.readUInt16BE(0), destinationPort: bytes.readUInt16BE(2), length, payload: bytes.subarray(8, length) };
}

function dissectSctp(bytes: Buffer): Sctp | undefined {
  if (bytes.length < 12) return undefined;
  const chunks: SctpChunk[] = [];
  for (let at = 12; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    chunks.push({ type: bytes.readUInt8(at), flags: bytes.readUInt8(at + 1), value: bytes.subarray(at + 4, at + Math.max(4, length)) });
    // RFC 9260, section 3.2: the length has the header in it, but not what fills up to a multiple of four.
    if (length < 4) break;
    at += (length + 3) & ~3;
  }
  return { sourcePort: bytes.readUInt16BE(0), destinationPort: bytes.readUInt16BE(2), verificationTag: bytes.readUInt32BE(4), chunks };
}

/** The types that quote a packet: unreachable, quench, redirect, time exceeded, parameter problem. */
const ICMP_ERRORS = new Set([3, 4, 5, 11, 12]);

function dissectIcmp(protocol: number, bytes: Buffer): Icmp | undefined {
  if (bytes.length < 8) return undefined;
  const type = bytes.readUInt8(0);
  // RFC 4443, section 2.1: error messages are those below 128.
  const isError = protocol === IPPROTO_ICMPV6 ? type < 128 : ICMP_ERRORS.has(type);
  const payload = bytes.subarray(8);
  return { type, code: bytes.readUInt8(1), rest: bytes.readUInt32BE(4), payload, ...given("quoted", isError ? dissectIp(payload) : undefined) };
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const macAt = (bytes: Buffer, at: number): string => [...bytes.subarray(at, at + 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
const ipv4At = (bytes: Buffer, at: number): string => bytes.subarray(at, at + 4).join(".");

/** RFC 5952: the longest run of two or more zero groups, the first of equals, becomes "::". */
function ipv6At(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + i * 2).toString(16));
  const text = groups.join(":");
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].split("0").length - a[0].split("0").length);
  const longest = runs[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index);
  const after = text.slice(longest.index + longest[0].length);
  return `${before}::${after.replace(/^:/, "")}`;
}
