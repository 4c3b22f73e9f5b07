// The connection table of each family, and persistence's templates in it. Linux net/netfilter/ipvs/ip_vs_conn.c.

import { Be16, Be32, u16, u32, u64, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { table } from "#prelude/maps.js";
import { Address } from "#wire/address.js";
import { IpProtocol } from "#wire/ipv4.js";
import { PROCESSORS } from "../config.js";
import { CONNECTIONS_DEFAULT, CONNECTIONS6_DEFAULT, SLOTS_PER_BUCKET } from "./limits.js";
import { Hop } from "./destinations.js";

/** Eight connections' tags and times: all that a look-up reads of those it does not want. One cache line. */
export const Bucket = struct("Bucket", {
  /** What is in each slot: see connection.ts. */
  tags: array(u16, SLOTS_PER_BUCKET),
  /** Ticks at which each connection's time is up. */
  expires: array(u32, SLOTS_PER_BUCKET),
  /** Connections that belong here and were put further on: a search stops where this is 0. */
  overflow: u32,
  spare: array(u32, 3),
}, { size: 64 });
export type Bucket = View<typeof Bucket>;
export const buckets4 = table("buckets", Bucket, CONNECTIONS_DEFAULT / SLOTS_PER_BUCKET);
export const buckets6 = table("buckets6", Bucket, CONNECTIONS6_DEFAULT / SLOTS_PER_BUCKET);
export const buckets = buckets6;

/** The same memory once more, with the tags as the two words that compare-and-swap works on. */
export const BucketWords = struct("BucketWords", { low: u64, high: u64, rest: array(u64, 6) }, { size: 64 });
export type BucketWords = View<typeof BucketWords>;
export const bucketWords4 = table("buckets", BucketWords, CONNECTIONS_DEFAULT / SLOTS_PER_BUCKET);
export const bucketWords6 = table("buckets6", BucketWords, CONNECTIONS6_DEFAULT / SLOTS_PER_BUCKET);
export const bucketWords = bucketWords6;

/** What a connection of either family is: one cache line. */
const connectionFields = {
  // The client's end, as one word: see ConnectionWords. The address of IPv6 is folded here, and whole behind.
  clientAddress: Be32,
  clientPort: Be16,
  protocol: IpProtocol,
  /** 0, or TEMPLATE and its siblings: so that no packet's client end is ever theirs. */
  kind: u8,
  /** Of IPv4: those of IPv6 stand behind. */
  virtualAddress: Be32,
  virtualPort: Be16,
  destinationPort: Be16,
  destinationAddress: Be32,
  flags: u32,
  /** In `destinations`. */
  destination: u32,
  state: u8,
  /** How many buckets past its own it was put. */
  displacement: u8,
  spare: array(u8, 2),
  /** The way back to the client, for the answers of NAT. */
  clientHop: Hop,
  /** While it is young. */
  packetsIn: u32,
  /** In `connections`: the template that it counts with, or the connection that announced it, or NO_TEMPLATE. */
  template: u32,
};
export const Connection4 = struct("Connection4", connectionFields, { size: 64 });
/** IPv6: the addresses in a second line. */
export const Connection6 = struct("Connection6", {
  ...connectionFields, client: Address, virtual: Address, server: Address, rest: array(u64, 2),
}, { size: 128 });
/** To TypeScript it has all fields; a program of IPv4 has Connection4 under this name (see `families`). */
export const Connection = Connection6;
export type Connection = View<typeof Connection>;
export const connections4 = table("connections", Connection4, CONNECTIONS_DEFAULT);
export const connections6 = table("connections6", Connection6, CONNECTIONS6_DEFAULT);
export const connections = connections6;

/** The same memory once more, with the client's end as the word that is hashed (connection.ts, clientEnd()). */
export const ConnectionWords4 = struct("ConnectionWords4", { client: u64, rest: array(u64, 7) }, { size: 64 });
export const ConnectionWords6 = struct("ConnectionWords6", { client: u64, rest: array(u64, 15) }, { size: 128 });
export const connectionWords4 = table("connections", ConnectionWords4, CONNECTIONS_DEFAULT);
export const connectionWords6 = table("connections6", ConnectionWords6, CONNECTIONS6_DEFAULT);
export const connectionWords = connectionWords6;

/**
 * The same memory once more, for templates: what a persistent service remembers of a client (persistence.ts). They begin
 * as connections do, with the client's address masked and its port 0.
 */
const templateFields = {
  connection: array(u64, 4),
  /** Its time after each new connection, in ticks. */
  timeout: u32,
  /** Connections that were made by it and still stand. While there are any, it does. */
  controlled: u32,
  /** Of a persistence engine's, what it is known by besides (engines/). */
  call: u64,
};
export const Template4 = struct("Template4", { ...templateFields, rest: array(u64, 2) }, { size: 64 });
export const Template6 = struct("Template6", { ...templateFields, rest: array(u64, 10) }, { size: 128 });
export const Template = Template6;
export type Template = View<typeof Template>;
export const templates4 = table("connections", Template4, CONNECTIONS_DEFAULT);
export const templates6 = table("connections6", Template6, CONNECTIONS6_DEFAULT);
export const templates = templates6;

/** Connection.kind of a template. */
export const TEMPLATE = 1;
/** Of a connection that was announced, whose client's port is not known yet (expected.ts); and when it is, of the entry that it had before. */
export const EXPECTED = 2;
export const MOVED = 3;
/** Connection.template of a connection without. */
export const NO_TEMPLATE = 0xffffffff;
/** Connection.state of a template: a connection of it was established. Linux v6.12 include/net/ip_vs.h, IP_VS_CTPL_S_ASSURED. */
export const TEMPLATE_ASSURED = 1;

/** What a processor has at hand when connections begin. */
export const Beginning = struct("Beginning", {
  /** Where it keeps the connection of a packet that is scheduled for itself alone: place + 1 in `connections`, claimed and never found. */
  onePacketPlace: u32,
  /** The template that it found or made last. Handed over here: read back it is any number, and the verifier follows one, not each that it may be. */
  template: u32,
  /** expected.ts: the entry that it found or claimed last. */
  entry: u32,
  /** Of the packet at hand, what its persistence engine read (engines/). */
  call: u64,
  /** IPv6, of the packet at hand: bytes of extension headers, and the protocol behind them (network/ipv6.ts). */
  extensionBytes: u32,
  protocol: IpProtocol,
  /** SCTP and IPsec, of the packet at hand: as in Flow (transport.ts). */
  chunk: u8,
  chunkAfter: u8,
  follows: u8,
  sourcePort: Be16,
  destinationPort: Be16,
  /** IPv6, of a packet with extension headers: its fragment header's, or 0 without one (network/ipv6.ts). */
  fragmentation: Be16,
  padding: u16,
  identification: Be32,
  spare: array(u32, 5),
}, { size: 64 });
export const beginnings4 = table("beginnings", Beginning, PROCESSORS);
export const beginnings6 = table("beginnings6", Beginning, PROCESSORS);
export const beginnings = beginnings6;

/** Connection.flags: Linux include/uapi/linux/ip_vs.h, IP_VS_CONN_F_*. The method stands in the lowest bits. */
export const CONNECTION_METHOD_MASK = 0x0007;
export const CONNECTION_NO_OUTPUT = 0x0080;
export const CONNECTION_INACTIVE = 0x0100;
export const CONNECTION_TEMPLATE = 0x1000;
export const CONNECTION_ONE_PACKET = 0x2000;
/** weir's own: not more than FIRST_PACKETS came from its client as yet, and they are counted. */
export const CONNECTION_YOUNG = 0x0100_0000;
/** Linux v6.12 net/netfilter/ipvs/ip_vs_conn.c, todrop_entry(): with more, a connection is never dropped. */
export const FIRST_PACKETS = 8;

/** It is an application's (application.ts). IPVS sets this bit, IP_VS_CONN_F_NFCT, for those of ip_vs_ftp too. */
export const CONNECTION_APPLICATION = 0x10000;

/** weir's own: a template of a persistence engine, whose call is in `calls`. */
export const CONNECTION_CALL = 0x20000;

/** weir's own: its client is on the director itself. */
export const CONNECTION_OWN = 0x40000;
