// Between the administrator's words (model/) and the kernel's bytes (dataplane/maps).

import type { Be16, Be32 } from "#layout/numbers.js";
import { be16, be32, host16, host32 } from "#layout/numbers.js";
import { decode, encode } from "#layout/codec.js";
import * as maps from "#dataplane/maps.js";
import * as sctp from "#dataplane/protocols/sctp.js";
import * as tcp from "#dataplane/protocols/tcp.js";
import { TICK_SHIFT } from "#dataplane/clock.js";
import { bytesBetween, outerBytes } from "#dataplane/forward/tunnel/kind.js";
import { addressFamily, addressWords, formatAddress } from "#model/address.js";
import type { Address, Connection, Destination, Family, ForwardMethod, Protocol, ServiceId } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import type { Address as AddressStruct } from "#wire/address.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_IP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";

type TunnelType = Destination["tunnelType"];
type TunnelChecksum = Destination["tunnelChecksum"];

export type AddressValues = Pick<AddressStruct, "high" | "low">;

/** Four words as they stand in a packet; of IPv4 the first is the address. */
export type Words = readonly [Be32, Be32, Be32, Be32];

export function toWords(address: Address): Words {
  const [a, b, c, d] = addressWords(address);
  return [be32(a), be32(b), be32(c), be32(d)];
}

export function fromWords(words: readonly number[], family: Family): Address {
  const [a = 0, b = 0, c = 0, d = 0] = words.map((word) => host32(word as Be32));
  return formatAddress({ family, words: [a, b, c, d] });
}

/** An IPv4 address as it stands in a packet. */
export const toBe32 = (address: Address): Be32 => toWords(address)[0];
export const fromBe32 = (address: Be32): Address => fromWords([address], 4);

/** An address as the data plane carries it (wire/address.ts). */
export function toAddress(address: Address): AddressValues {
  const [a, b, c, d] = toWords(address);
  return addressFamily(address) === 4 ? { high: 0n, low: BigInt(a) } : { high: pair(a, b), low: pair(c, d) };
}

export function fromAddress({ high, low }: AddressValues, family: Family): Address {
  const halves = (half: bigint) => [Number(half & 0xffffffffn), Number(half >> 32n)];
  return fromWords(family === 4 ? [Number(low)] : [...halves(high), ...halves(low)], family);
}

const pair = (first: number, second: number): bigint => BigInt(first) | (BigInt(second) << 32n);

/** A mask in dotted form, or of IPv6 the length of a prefix. */
export function toNetmask(netmask: string, family: Family): AddressValues {
  if (family === 4) return toAddress(netmask);
  const word = (i: number) => be32(Number(((1n << 32n) - 1n) ^ ((1n << BigInt(32 - Math.min(32, Math.max(0, Number(netmask) - 32 * i)))) - 1n)));
  return { high: pair(word(0), word(1)), low: pair(word(2), word(3)) };
}

export function fromNetmask(netmask: AddressValues, family: Family): string {
  if (family === 4) return fromAddress(netmask, 4);
  return String(((netmask.high << 64n) | netmask.low).toString(2).replaceAll("0", "").length);
}

export const fromBe16 = (port: Be16): number => host16(port);
export const toBe16 = (port: number): Be16 => be16(port);

const PROTOCOLS: { readonly [name in Protocol]: IpProtocol } = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP, sctp: IPPROTO_SCTP };

export function protocolNumber(protocol: Protocol): IpProtocol {
  return PROTOCOLS[protocol];
}

export function protocolName(number: IpProtocol): Protocol {
  return (Object.keys(PROTOCOLS) as Protocol[]).find((name) => PROTOCOLS[name] === number) ?? "tcp";
}

/** Of a connection: the template of a service by mark is of none. */
export function connectionProtocolName(number: IpProtocol): Connection["protocol"] {
  return number === IPPROTO_IP ? "ip" : protocolName(number);
}

/** The key under which packets look the service up. */
export function serviceKey(id: ServiceId): Uint8Array {
  if (id.kind === "fwmark") return encode(maps.ServiceKey, { mark: id.fwmark, family: id.family });
  return encode(maps.ServiceKey, { address: toAddress(id.address), port: be16(id.port), protocol: protocolNumber(id.protocol), family: addressFamily(id.address) });
}

export function serviceIdOf(key: Uint8Array): ServiceId {
  const { address, mark, port, protocol, family } = decode(maps.ServiceKey, key);
  if (mark !== 0) return { kind: "fwmark", fwmark: mark, family: family as Family };
  return { kind: "address", protocol: protocolName(protocol), address: fromAddress(address, family as Family), port: host16(port) };
}

const METHODS: { readonly [name in ForwardMethod]: number | undefined } = {
  masq: maps.METHOD_MASQ, local: maps.METHOD_LOCAL, tunnel: maps.METHOD_TUNNEL, route: maps.METHOD_ROUTE, bypass: undefined,
};

export function methodNumber(method: ForwardMethod): number {
  const number = METHODS[method];
  if (number === undefined) throw new DirectorError("INVALID", `Cannot add a destination by "${method}": that is the director's own way for packets without one`);
  return number;
}

export function methodName(number: number): ForwardMethod {
  return (Object.keys(METHODS) as ForwardMethod[]).find((name) => METHODS[name] === number) ?? "masq";
}

const TUNNEL_TYPES: { readonly [name in TunnelType]: number } = { ipip: maps.TUNNEL_IPIP, gue: maps.TUNNEL_GUE, gre: maps.TUNNEL_GRE };

export const tunnelTypeNumber = (type: TunnelType): number => TUNNEL_TYPES[type];

export function tunnelTypeName(number: number): TunnelType {
  return (Object.keys(TUNNEL_TYPES) as TunnelType[]).find((name) => TUNNEL_TYPES[name] === number) ?? "ipip";
}

const TUNNEL_CHECKSUMS: { readonly [name in TunnelChecksum]: number } = {
  none: maps.TUNNEL_NO_CHECKSUM, checksum: maps.TUNNEL_CHECKSUM, remote: maps.TUNNEL_REMOTE_CHECKSUM,
};

export const tunnelChecksumNumber = (checksum: TunnelChecksum): number => TUNNEL_CHECKSUMS[checksum];

export function tunnelChecksumName(number: number): TunnelChecksum {
  return (Object.keys(TUNNEL_CHECKSUMS) as TunnelChecksum[]).find((name) => TUNNEL_CHECKSUMS[name] === number) ?? "none";
}

/** Bytes that a tunnel to there puts around a packet. */
export function tunnelOverhead({ address, tunnelType, tunnelChecksum }: Destination): number {
  return outerBytes(addressFamily(address)) + bytesBetween(tunnelTypeNumber(tunnelType), tunnelChecksum !== "none");
}

/** Schedulers that the data plane has, by ipvsadm's names. */
export const SCHEDULERS: { readonly [name: string]: number } = {
  rr: maps.SCHEDULER_RR, wrr: maps.SCHEDULER_WRR, lc: maps.SCHEDULER_LC, wlc: maps.SCHEDULER_WLC, fo: maps.SCHEDULER_FO, ovf: maps.SCHEDULER_OVF,
  lblc: maps.SCHEDULER_LBLC, lblcr: maps.SCHEDULER_LBLCR, dh: maps.SCHEDULER_DH, sh: maps.SCHEDULER_SH, mh: maps.SCHEDULER_MH,
  sed: maps.SCHEDULER_SED, nq: maps.SCHEDULER_NQ, twos: maps.SCHEDULER_TWOS,
};

/** Not among them: a service without one, which takes no new connections. */
const NO_SCHEDULER = "none";

export function schedulerNumber(name: string): number {
  const number = name === NO_SCHEDULER ? maps.SCHEDULER_NONE : Object.hasOwn(SCHEDULERS, name) ? SCHEDULERS[name] : undefined;
  if (number === undefined) {
    throw new DirectorError("SCHEDULER_NOT_FOUND", `Cannot use the scheduler "${name}": this director has ${Object.keys(SCHEDULERS).join(", ")}`);
  }
  return number;
}

export function schedulerName(number: number): string {
  if (number === maps.SCHEDULER_NONE) return NO_SCHEDULER;
  return Object.keys(SCHEDULERS).find((name) => SCHEDULERS[name] === number) ?? `#${number}`;
}

const NANOSECONDS_PER_TICK = 2 ** Number(TICK_SHIFT);

export const secondsToTicks = (seconds: number): number => Math.round((seconds * 1e9) / NANOSECONDS_PER_TICK);
export const ticksToSeconds = (ticks: number): number => (ticks * NANOSECONDS_PER_TICK) / 1e9;
export const nanosecondsToTicks = (nanoseconds: bigint): number => Number(BigInt.asUintN(32, nanoseconds >> TICK_SHIFT));

/** Seconds, by the number of the TCP state. Linux v6.12 net/netfilter/ipvs/ip_vs_proto_tcp.c, tcp_timeouts[]. */
export const TCP_TIMEOUT_SECONDS: readonly number[] = (() => {
  const seconds = new Array<number>(11).fill(0);
  seconds[tcp.TCP_NONE] = 2;
  seconds[tcp.TCP_ESTABLISHED] = 15 * 60;
  seconds[tcp.TCP_SYN_SENT] = 2 * 60;
  seconds[tcp.TCP_SYN_RECV] = 60;
  seconds[tcp.TCP_FIN_WAIT] = 2 * 60;
  seconds[tcp.TCP_TIME_WAIT] = 2 * 60;
  seconds[tcp.TCP_CLOSE] = 10;
  seconds[tcp.TCP_CLOSE_WAIT] = 60;
  seconds[tcp.TCP_LAST_ACK] = 30;
  seconds[tcp.TCP_LISTEN] = 2 * 60;
  seconds[tcp.TCP_SYNACK] = 2 * 60;
  return seconds;
})();
/** ip_vs_proto_udp.c, udp_timeouts[]. */
export const UDP_TIMEOUT_SECONDS = 5 * 60;

/** By the number of the SCTP state. ip_vs_proto_sctp.c, sctp_timeouts[]. */
export const SCTP_TIMEOUT_SECONDS: readonly number[] = (() => {
  const seconds = new Array<number>(14).fill(60 + 1);
  seconds[sctp.SCTP_NONE] = 2;
  seconds[sctp.SCTP_INIT1] = 3 + 1;
  seconds[sctp.SCTP_REJECTED] = 3 + 1;
  seconds[sctp.SCTP_ESTABLISHED] = 15 * 60;
  return seconds;
})();

/** The names of `ipvsadm -Lc`, by number: ip_vs_proto_tcp.c, tcp_state_name_table[]. */
export const TCP_STATE_NAMES: readonly string[] = [
  "NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "SYNACK",
];
/** ip_vs_proto_sctp.c, sctp_state_name_table[]. */
export const SCTP_STATE_NAMES: readonly string[] = [
  "NONE", "INIT1", "INIT", "C-SENT", "C-REPLIED", "C-WAIT", "COOKIE", "C-ECHOED", "ESTABLISHED", "S-SENT", "S-RECEIVED", "S-ACK-SENT", "REJECTED", "CLOSED",
];
