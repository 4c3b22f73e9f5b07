// What is measured: packets of so many flows, by one of the methods, on existing connections or beginning new ones.

import { toBe32 } from "#control/encode.js";
import { internetChecksum } from "#lab/checksum.js";
import { decode, encode, encodeInto } from "#layout/codec.js";
import { be16, be32 } from "#layout/numbers.js";
import type { Values } from "#layout/struct.js";
import { ETH_P_IP, Ethernet } from "#wire/ethernet.js";
import { IPPROTO_TCP, Ipv4 } from "#wire/ipv4.js";
import { TCP_ACK, TCP_SYN, Tcp } from "#wire/tcp.js";
import { CLIENTS, CLIENT_PORTS, Frame } from "./wrapper.js";

export type Method = "dr" | "tun" | "nat";

export interface Case {
  /** As in the results: "dr-hit". */
  readonly name: string;
  readonly method: Method;
  readonly flows: number;
  /** What every packet is: of an existing connection, the first of a new one, a real server's answer. */
  readonly packets: "hit" | "new" | "answer";
  /** It is visited once in so many times: a large table takes long to fill. */
  readonly everyVisits: number;
}

const THOUSAND = { flows: 1000, everyVisits: 1 };
/** Far more than the caches near the core hold. */
const MANY = { flows: 100_000, everyVisits: 4 };
/** Every packet is another flow. */
const NEW = { flows: 2 ** 20, packets: "new", everyVisits: 1 } as const;

export const CASES: readonly Case[] = [
  { name: "dr-hit", method: "dr", packets: "hit", ...THOUSAND },
  { name: "tun-hit", method: "tun", packets: "hit", ...THOUSAND },
  { name: "nat-hit", method: "nat", packets: "hit", ...THOUSAND },
  { name: "nat-answer", method: "nat", packets: "answer", ...THOUSAND },
  { name: "dr-hit-1", method: "dr", packets: "hit", ...THOUSAND, flows: 1 },
  { name: "dr-hit-100k", method: "dr", packets: "hit", ...MANY },
  { name: "nat-hit-100k", method: "nat", packets: "hit", ...MANY },
  { name: "dr-new", method: "dr", ...NEW },
  { name: "tun-new", method: "tun", ...NEW },
  { name: "nat-new", method: "nat", ...NEW },
];

export const VIP = "10.0.0.100";
const PORTS: { readonly [method in Method]: number } = { dr: 80, tun: 81, nat: 82 };

export const servicePort = (method: Method): number => PORTS[method];
export const realServer = (method: Method) => ({ address: `10.1.0.${PORTS[method]}`, port: method === "nat" ? 8080 : PORTS[method] });

/** The frame of flow 0, its checksums right. */
export function frameOf(method: Method, packets: Case["packets"] | "syn"): Values<typeof Frame> {
  const client = { address: be32(CLIENTS), port: be16(CLIENT_PORTS) };
  const server = realServer(method);
  const virtual = { address: toBe32(VIP), port: be16(servicePort(method)) };
  const [from, to] = packets === "answer" ? [{ address: toBe32(server.address), port: be16(server.port) }, client] : [client, virtual];
  const flags = packets === "hit" || packets === "answer" ? TCP_ACK : TCP_SYN;

  const ip = encode(Ipv4, {
    versionAndLength: 0x45, totalLength: be16(Frame.size - Ethernet.size), flagsAndOffset: be16(0x4000), ttl: 64, protocol: IPPROTO_TCP,
    source: from.address, destination: to.address,
  });
  encodeInto(Ipv4, { checksum: be16(internetChecksum(ip)) }, ip);
  const segment = new Uint8Array(Frame.size - Ethernet.size - Ipv4.size);
  encodeInto(Tcp, { source: from.port, destination: to.port, dataOffset: 5 << 4, flags, window: be16(0xffff) }, segment);
  // RFC 9293 section 3.1: over a pseudo header, too.
  const pseudo = encode(Ipv4, { protocol: IPPROTO_TCP, totalLength: be16(segment.length), source: from.address, destination: to.address });
  encodeInto(Tcp, { checksum: be16(internetChecksum(pseudo, segment)) }, segment);
  const ethernet = encode(Ethernet, { destination: Uint8Array.of(2, 0, 0, 0, 0, 1), source: Uint8Array.of(2, 0, 0, 0, 0, 2), etherType: ETH_P_IP });
  return decode(Frame, Buffer.concat([ethernet, ip, segment]));
}
