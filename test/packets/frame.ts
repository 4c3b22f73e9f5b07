// Builds the frames that the packet tests send and expect: from the wire/ structs, with right checksums and lengths
// unless a test asks for others. Every builder gives a whole IP packet; frame() puts it behind an Ethernet header.
//
//   frame({ from: client, to: director.eth0 }, tcp(client, vip, { flags: SYN }))

import { crc32c, internetChecksum } from "#lab/checksum.js";
import { decode, encode, encodeInto } from "#layout/codec.js";
import { be16, be32, host16, host32, type Be32 } from "#layout/numbers.js";
import { toAddress } from "#control/encode.js";
import { addressFamily } from "#model/address.js";
import { ETH_P_IP, ETH_P_IPV6, Ethernet, type EtherType } from "#wire/ethernet.js";
import { Gre, GreChecksum } from "#wire/gre.js";
import { Gue } from "#wire/gue.js";
import { Icmp } from "#wire/icmp.js";
import { IPPROTO_GRE, IPPROTO_ICMP, IPPROTO_IPIP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPV4_HEADER_MIN, Ipv4, type IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_FRAGMENT, IPPROTO_ICMPV6, IPPROTO_IPV6, Ipv6, Ipv6Fragment } from "#wire/ipv6.js";
import { Sctp, SctpChunk } from "#wire/sctp.js";
import { Tcp } from "#wire/tcp.js";
import { Udp } from "#wire/udp.js";

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** One end of a conversation. */
export interface End {
  readonly address: string;
  readonly port: number;
}

export interface IpFields {
  readonly ttl?: number;
  readonly typeOfService?: number;
  readonly identification?: number;
  /** Set by default, as hosts do. */
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** In bytes, a multiple of eight. */
  readonly fragmentOffset?: number;
  /** A multiple of four bytes, at most forty. */
  readonly options?: Uint8Array;
}

export interface TcpFields extends IpFields {
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly window?: number;
  /** A multiple of four bytes, at most forty. */
  readonly tcpOptions?: Uint8Array;
  readonly payload?: Uint8Array;
}

export interface UdpFields extends IpFields {
  readonly payload?: Uint8Array;
  /** RFC 768: a sender may leave it out. */
  readonly withoutChecksum?: boolean;
}

export interface SctpFields extends IpFields {
  readonly chunks: readonly ChunkFields[];
  readonly verificationTag?: number;
  /** What its checksum is off by: 0 unless said otherwise. */
  readonly checksumError?: number;
  /** RFC 9653: none. */
  readonly withoutChecksum?: boolean;
}

export interface ChunkFields {
  readonly type: number;
  readonly flags?: number;
  readonly value?: Uint8Array;
}

export interface IcmpFields extends IpFields {
  readonly type: number;
  readonly code?: number;
  /** The four bytes after the checksum. */
  readonly rest?: number;
  readonly payload?: Uint8Array;
}

export function tcp(from: End, to: End, fields: TcpFields): Uint8Array {
  const { flags, sequence = 1000, acknowledgment = 2000, window = 64240, tcpOptions = EMPTY, payload = EMPTY } = fields;
  const header = encode(Tcp, {
    source: be16(from.port), destination: be16(to.port), sequence: be32(sequence), acknowledgement: be32(acknowledgment),
    dataOffset: (Tcp.size + tcpOptions.length) << 2, flags, window: be16(window),
  });
  const segment = concatenate(header, tcpOptions, payload);
  encodeInto(Tcp, { checksum: be16(transportChecksum(from, to, IPPROTO_TCP, segment)) }, segment);
  return ip(from.address, to.address, IPPROTO_TCP, segment, fields);
}

export function udp(from: End, to: End, fields: UdpFields = {}): Uint8Array {
  const { payload = EMPTY } = fields;
  const datagram = concatenate(encode(Udp, { source: be16(from.port), destination: be16(to.port), length: be16(Udp.size + payload.length) }), payload);
  // RFC 768: a checksum that comes out as zero is sent as all ones.
  const checksum = fields.withoutChecksum ? 0 : transportChecksum(from, to, IPPROTO_UDP, datagram) || 0xffff;
  encodeInto(Udp, { checksum: be16(checksum) }, datagram);
  return ip(from.address, to.address, IPPROTO_UDP, datagram, fields);
}

export function sctp(from: End, to: End, fields: SctpFields): Uint8Array {
  const { chunks, verificationTag = 0x12345678, checksumError = 0, withoutChecksum = false } = fields;
  const header = encode(Sctp, { source: be16(from.port), destination: be16(to.port), verificationTag: be32(verificationTag) });
  const packet = concatenate(header, ...chunks.map(chunk));
  encodeInto(Sctp, { checksum: withoutChecksum ? 0 : (crc32c(packet) ^ checksumError) >>> 0 }, packet);
  return ip(from.address, to.address, IPPROTO_SCTP, packet, fields);
}

/** Filled up to a multiple of four bytes, which its length does not say. */
function chunk({ type, flags = 0, value = EMPTY }: ChunkFields): Uint8Array {
  return concatenate(encode(SctpChunk, { type, flags, length: be16(SctpChunk.size + value.length) }), value, new Uint8Array(-value.length & 3));
}

export function icmp(from: string, to: string, fields: IcmpFields): Uint8Array {
  const { type, code = 0, rest = 0, payload = EMPTY } = fields;
  const message = concatenate(encode(Icmp, { type, code, rest: be32(rest) }), payload);
  encodeInto(Icmp, { checksum: be16(internetChecksum(message)) }, message);
  return ipv4(from, to, IPPROTO_ICMP, message, fields);
}

/** RFC 4443: its checksum covers the addresses. */
export function icmpv6(from: string, to: string, fields: IcmpFields): Uint8Array {
  const { type, code = 0, rest = 0, payload = EMPTY } = fields;
  const message = concatenate(encode(Icmp, { type, code, rest: be32(rest) }), payload);
  encodeInto(Icmp, { checksum: be16(transportChecksum({ address: from, port: 0 }, { address: to, port: 0 }, IPPROTO_ICMPV6, message)) }, message);
  return ipv6(from, to, IPPROTO_ICMPV6, message, fields);
}

/** RFC 2003, RFC 2473, RFC 4213: either family in either. */
export function ipip(from: string, to: string, inner: Uint8Array, fields: IpFields = {}): Uint8Array {
  return ip(from, to, isIpv6(inner) ? IPPROTO_IPV6 : IPPROTO_IPIP, inner, fields);
}

/** draft-ietf-intarea-gue: a datagram whose payload is four bytes, and the packet. */
export function gue(from: End, to: End, inner: Uint8Array, fields: Omit<UdpFields, "payload"> = {}): Uint8Array {
  const header = encode(Gue, { protocol: isIpv6(inner) ? IPPROTO_IPV6 : IPPROTO_IPIP });
  return udp(from, to, { ...fields, payload: concatenate(header, inner) });
}

/** RFC 2784. */
export function gre(from: string, to: string, inner: Uint8Array, fields: IpFields & { readonly withChecksum?: boolean } = {}): Uint8Array {
  const { withChecksum = false } = fields;
  const header = encode(Gre, { flagsAndVersion: be16(withChecksum ? 0x8000 : 0), protocol: isIpv6(inner) ? ETH_P_IPV6 : ETH_P_IP });
  const packet = withChecksum ? concatenate(header, encode(GreChecksum, {}), inner) : concatenate(header, inner);
  if (withChecksum) encodeInto(GreChecksum, { checksum: be16(internetChecksum(packet)) }, packet.subarray(Gre.size));
  return ip(from, to, IPPROTO_GRE, packet, fields);
}

const isIpv6 = (packet: Uint8Array): boolean => packet[0]! >> 4 === 6;

export function ipv4(from: string, to: string, protocol: IpProtocol, payload: Uint8Array, fields: IpFields = {}): Uint8Array {
  const { ttl = 64, typeOfService = 0, identification = 7, dontFragment = true, moreFragments = false, fragmentOffset = 0, options = EMPTY } = fields;
  const headerBytes = IPV4_HEADER_MIN + options.length;
  const header = concatenate(encode(Ipv4, {
    versionAndLength: 0x40 | (headerBytes / 4), typeOfService, totalLength: be16(headerBytes + payload.length), identification: be16(identification),
    flagsAndOffset: be16((dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0) | (fragmentOffset / 8)), ttl, protocol,
    source: address(from), destination: address(to),
  }), options);
  return concatenate(withHeaderChecksum(header), payload);
}

/** By the family of its addresses. */
export function ip(from: string, to: string, protocol: IpProtocol, payload: Uint8Array, fields: IpFields = {}): Uint8Array {
  return addressFamily(from) === 6 ? ipv6(from, to, protocol, payload, fields) : ipv4(from, to, protocol, payload, fields);
}

/** Of `fields`: ttl is the hop limit, typeOfService the traffic class, options the extension headers, which name `protocol` themselves. */
export function ipv6(from: string, to: string, protocol: IpProtocol, payload: Uint8Array, fields: IpFields & { readonly firstHeader?: IpProtocol } = {}): Uint8Array {
  const { ttl = 64, typeOfService = 0, identification = 7, options = EMPTY, firstHeader = protocol } = fields;
  const header = encode(Ipv6, {
    // The identification is as good a flow label as any.
    versionClassLabel: be32(((6 << 28) | (typeOfService << 20) | identification) >>> 0), payloadLength: be16(options.length + payload.length),
    nextHeader: firstHeader, hopLimit: ttl, source: toAddress(from), destination: toAddress(to),
  });
  return concatenate(header, options, payload);
}

/** The packet with other values in its IP header, which gets a checksum to go with them. */
export function changeIp(packet: Uint8Array, values: Parameters<typeof encodeInto<typeof Ipv4>>[1]): Uint8Array {
  const changed = packet.slice();
  encodeInto(Ipv4, values, changed);
  const headerBytes = Math.max(IPV4_HEADER_MIN, (changed[0]! & 0x0f) * 4);
  return concatenate(withHeaderChecksum(changed.slice(0, headerBytes)), changed.subarray(headerBytes));
}

export interface FragmentFields {
  readonly identification?: number;
  /** Bytes of data in each but the last, a multiple of eight. 1480 unless said otherwise. */
  readonly bytes?: number;
  /** Of IPv6: bytes of the one extension header that every fragment has. */
  readonly headers?: number;
}

/** A packet as a host or a router cuts it. */
export function fragments(packet: Uint8Array, { identification = 7, bytes = 1480, headers = 0 }: FragmentFields = {}): Uint8Array[] {
  const dataAt = isIpv6(packet) ? Ipv6.size + headers : (packet[0]! & 0x0f) * 4;
  const data = packet.subarray(dataAt);
  return Array.from({ length: Math.ceil(data.length / bytes) }, (_, i) => {
    const piece = data.subarray(i * bytes, (i + 1) * bytes);
    const more = (i + 1) * bytes < data.length;
    if (!isIpv6(packet)) {
      const flagsAndOffset = be16((more ? 0x2000 : 0) | (i * bytes / 8));
      return changeIp(concatenate(packet.subarray(0, dataAt), piece), { totalLength: be16(dataAt + piece.length), identification: be16(identification), flagsAndOffset });
    }
    const header = packet.slice(0, dataAt);
    const nextHeaderAt = headers === 0 ? NEXT_HEADER_AT : Ipv6.size;
    const fragment = encode(Ipv6Fragment, {
      nextHeader: header[nextHeaderAt]! as IpProtocol, offsetAndFlags: be16(i * bytes | Number(more)), identification: be32(identification),
    });
    header[nextHeaderAt] = IPPROTO_FRAGMENT;
    encodeInto(Ipv6, { payloadLength: be16(headers + fragment.length + piece.length) }, header);
    return concatenate(header, fragment, piece);
  });
}

/** In an IPv6 header. */
const NEXT_HEADER_AT = 6;

/** `from` and `to`: MAC addresses. */
export function frame(link: { readonly from: string; readonly to: string; readonly etherType?: EtherType }, packet: Uint8Array): Uint8Array {
  const header = encode(Ethernet, { destination: macBytes(link.to), source: macBytes(link.from), etherType: link.etherType ?? (packet[0]! >> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP) });
  return concatenate(header, packet);
}

/** What follows the Ethernet header. */
export const packetOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(Ethernet.size);

/** `length` bytes that are easy to tell apart. */
export const payloadOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + 1) & 0xff);

/** As it stands in a packet. */
export function address(text: string): Be32 {
  const bytes = text.split(".").map(Number);
  return be32(bytes.reduce((number, byte) => number * 256 + byte, 0));
}

export function addressText(packetAddress: Be32): string {
  const number = host32(packetAddress);
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}

export const macBytes = (text: string): Uint8Array => Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));
export const macText = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");

export const EMPTY = new Uint8Array();

export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** RFC 791 section 3.1: over the header with its options, the checksum itself taken as zero. */
function withHeaderChecksum(header: Uint8Array): Uint8Array {
  encodeInto(Ipv4, { checksum: be16(0) }, header);
  encodeInto(Ipv4, { checksum: be16(internetChecksum(header)) }, header);
  return header;
}

/** RFC 9293 section 3.1, RFC 768: with the pseudo header; the checksum in `segment` is zero as yet. */
function transportChecksum(from: End, to: End, protocol: IpProtocol, segment: Uint8Array): number {
  if (addressFamily(from.address) === 6) {
    // RFC 8200 section 8.1: the length in 32 bits, whose upper half is zero, then the protocol.
    const pseudo = encode(Ipv6, { payloadLength: be16(segment.length), nextHeader: 0 as IpProtocol, hopLimit: protocol, source: toAddress(from.address), destination: toAddress(to.address) });
    return internetChecksum(pseudo, segment);
  }
  const pseudo = encode(Ipv4, { totalLength: be16(segment.length), protocol, source: address(from.address), destination: address(to.address) });
  return internetChecksum(pseudo, segment);
}

/** The length that the IP header claims. */
export const totalLengthOf = (packet: Uint8Array): number =>
  packet[0]! >> 4 === 6 ? host16(decode(Ipv6, packet).payloadLength) + Ipv6.size : host16(decode(Ipv4, packet).totalLength);
