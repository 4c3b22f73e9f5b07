// Packets changed byte by byte, for the model: offsets are those of RFC 791, 768, 9293 and 9260, and every checksum is computed
// anew, where the data plane changes it by differences.

import { crc32c, internetChecksum } from "#lab/checksum.js";
import type { End } from "./frame.js";
import { concatenate } from "./frame.js";

export interface Changes {
  readonly ttl?: number;
  readonly from?: End;
  readonly to?: End;
}

const TCP = 6;
const UDP = 17;
const SCTP = 132;

/** `packet`: IPv4, with or without padding behind it; of TCP, UDP and SCTP the ports change, of others, and of fragments but the first, the addresses alone. */
export function rewrite(packet: Uint8Array, { ttl, from, to }: Changes): Uint8Array {
  const bytes = Buffer.from(packet);
  const headerBytes = (bytes[0]! & 0x0f) * 4;
  if (ttl !== undefined) bytes[8] = ttl;
  const hasPorts = [TCP, UDP, SCTP].includes(bytes[9]!) && (bytes.readUInt16BE(6) & 0x1fff) === 0;
  if (from !== undefined) setEnd(bytes, 12, hasPorts ? headerBytes : undefined, from);
  if (to !== undefined) setEnd(bytes, 16, hasPorts ? headerBytes + 2 : undefined, to);
  bytes.writeUInt16BE(0, 10);
  bytes.writeUInt16BE(internetChecksum(bytes.subarray(0, headerBytes)), 10);
  if (hasPorts) fixTransport(bytes, headerBytes);
  return Uint8Array.from(bytes);
}

function setEnd(bytes: Buffer, addressAt: number, portAt: number | undefined, end: End): void {
  end.address.split(".").forEach((byte, i) => { bytes[addressAt + i] = Number(byte); });
  if (portAt !== undefined) bytes.writeUInt16BE(end.port, portAt);
}

function fixTransport(bytes: Buffer, headerBytes: number): void {
  const protocol = bytes[9]!;
  const segment = bytes.subarray(headerBytes, bytes.readUInt16BE(2));
  if (protocol === SCTP) return fixSctp(segment);
  const at = protocol === TCP ? 16 : 6;
  // RFC 768: zero says that there is none.
  if (protocol === UDP && segment.readUInt16BE(at) === 0) return;
  segment.writeUInt16BE(0, at);
  const pseudo = concatenate(bytes.subarray(12, 20), Uint8Array.of(0, protocol, segment.length >> 8, segment.length & 0xff));
  const checksum = internetChecksum(pseudo, segment);
  segment.writeUInt16BE(protocol === UDP && checksum === 0 ? 0xffff : checksum, at);
}

/** RFC 9653: zero says that there is none. */
function fixSctp(packet: Buffer): void {
  if (packet.readUInt32LE(8) !== 0) packet.writeUInt32LE(crc32c(packet.fill(0, 8, 12)), 8);
}

/** The packet with zeros for checksums, its inner and quoted packets' too: to compare what came with wrong ones. */
export function withoutChecksums(packet: Uint8Array): Uint8Array {
  const bytes = Buffer.from(packet);
  if (bytes.length < 20) return bytes;
  const headerBytes = (bytes[0]! & 0x0f) * 4;
  bytes.fill(0, 10, 12);
  const transport = TRANSPORTS[bytes[9]!];
  if (transport === undefined) return bytes;
  if (transport.checksumAt !== undefined) bytes.fill(0, headerBytes + transport.checksumAt, headerBytes + transport.checksumAt + (transport.checksumBytes ?? 2));
  if (transport.packetAt === undefined) return bytes;
  const innerAt = headerBytes + transport.packetAt;
  return concatenate(bytes.subarray(0, innerAt), withoutChecksums(bytes.subarray(innerAt)));
}

/** By protocol: where the checksum stands, and where a packet inside begins. */
const TRANSPORTS: { readonly [protocol: number]: { readonly checksumAt?: number; readonly checksumBytes?: number; readonly packetAt?: number } } = {
  1: { checksumAt: 2, packetAt: 8 }, 4: { packetAt: 0 }, [TCP]: { checksumAt: 16 }, [UDP]: { checksumAt: 6 },
  [SCTP]: { checksumAt: 8, checksumBytes: 4 },
};
