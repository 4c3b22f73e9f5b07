// Packets of the simulated hosts, built and changed by the structs of wire/.
//
//   frame │ Ethernet │ IPv4 │ TCP │ … │

import { decode, encode, encodeInto } from "#layout/codec.js";
import { be16, be32 } from "#layout/numbers.js";
import { toBe32 } from "#control/encode.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { IPPROTO_TCP, IPV4_PLAIN, IP_DF, Ipv4 } from "#wire/ipv4.js";
import { Tcp } from "#wire/tcp.js";
import { internetChecksum } from "../checksum.js";

export interface End {
  readonly address: string;
  readonly port: number;
}

export interface Segment {
  readonly from: End;
  readonly to: End;
  /** TCP_SYN, TCP_ACK … */
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly text?: string;
}

const TTL = 64;
const WINDOW = 65535;
const DATA_OFFSET = (Tcp.size / 4) << 4;

/** An IP packet with that segment. */
export function tcpPacket({ from, to, flags, sequence, acknowledgement, text = "" }: Segment): Uint8Array {
  const header = encode(Tcp, {
    source: be16(from.port), destination: be16(to.port), sequence: be32(sequence), acknowledgement: be32(acknowledgement),
    dataOffset: DATA_OFFSET, flags, window: be16(WINDOW),
  });
  const segment = Buffer.concat([header, Buffer.from(text, "latin1")]);
  const ip = {
    versionAndLength: IPV4_PLAIN, totalLength: be16(Ipv4.size + segment.length), flagsAndOffset: IP_DF, ttl: TTL, protocol: IPPROTO_TCP,
    source: toBe32(from.address), destination: toBe32(to.address),
  };
  // RFC 9293 section 3.1: the pseudo header has addresses, protocol and length; zeros do not change the sum.
  const pseudoHeader = encode(Ipv4, { source: ip.source, destination: ip.destination, protocol: ip.protocol, totalLength: be16(segment.length) });
  encodeInto(Tcp, { checksum: be16(internetChecksum(pseudoHeader, segment)) }, segment);
  return Buffer.concat([withChecksum(encode(Ipv4, ip)), segment]);
}

export function frameOf(sourceMac: string, destinationMac: string, packet: Uint8Array): Uint8Array {
  return Buffer.concat([encode(Ethernet, { source: macBytes(sourceMac), destination: macBytes(destinationMac), etherType: ETH_P_IP }), packet]);
}

/** What follows the Ethernet header. */
export const packetOf = (frame: Uint8Array): Uint8Array => frame.subarray(Ethernet.size);

/** One hop older, as routers leave it. */
export function aged(packet: Uint8Array): Uint8Array {
  const header = encode(Ipv4, { ...decode(Ipv4, packet), ttl: decode(Ipv4, packet).ttl - 1, checksum: be16(0) });
  return Buffer.concat([withChecksum(header), packet.subarray(Ipv4.size)]);
}

export const macBytes = (mac: string): Uint8Array => Uint8Array.from(mac.split(":"), (digits) => Number.parseInt(digits, 16));

/** RFC 791 section 3.1: over the header, itself taken as zero. */
function withChecksum(header: Uint8Array): Uint8Array {
  encodeInto(Ipv4, { checksum: be16(internetChecksum(header)) }, header);
  return header;
}
