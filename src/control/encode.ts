// Between the administrator's words (model/) and the kernel's bytes (dataplane/maps).

import type { Be16, Be32 } from "#layout/numbers.js";
import { be16, host16 } from "#layout/numbers.js";
import { decode, encode } from "#layout/codec.js";
import * as maps from "#dataplane/maps.js";
import * as tcp from "#dataplane/protocols/tcp.js";
import { TICK_SHIFT } from "#dataplane/clock.js";
import type { Address, ForwardMethod, Protocol, ServiceId } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";

/** An IPv4 address as it stands in a packet. */
export function toBe32(address: Address): Be32 {
  const bytes = address.split(".").map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) {
    throw new DirectorError("IPV6_UNSUPPORTED", `Cannot use the address ${address}: services and servers are IPv4 only as yet`);
  }
  return new DataView(Uint8Array.from(bytes).buffer).getUint32(0, true) as Be32;
}

export function fromBe32(address: Be32): Address {
  return [address & 0xff, (address >>> 8) & 0xff, (address >>> 16) & 0xff, address >>> 24].join(".");
}

export const fromBe16 = (port: Be16): number => host16(port);
export const toBe16 = (port: number): Be16 => be16(port);

export function protocolNumber(protocol: Protocol): IpProtocol {
  if (protocol === "tcp") return IPPROTO_TCP;
  if (protocol === "udp") return IPPROTO_UDP;
  throw new DirectorError("UNSUPPORTED", "Cannot make an SCTP service: the data plane forwards TCP and UDP only as yet");
}

export function protocolName(number: IpProtocol): Protocol {
  return number === IPPROTO_UDP ? "udp" : "tcp";
}

/** The key under which packets look the service up. */
export function serviceKey(id: ServiceId): Uint8Array {
  if (id.kind === "fwmark") throw new DirectorError("UNSUPPORTED", `Cannot use the firewall mark ${id.fwmark}: services are known by address and port only as yet`);
  return encode(maps.ServiceKey, { address: toBe32(id.address), port: be16(id.port), protocol: protocolNumber(id.protocol) });
}

export function serviceIdOf(key: Uint8Array): ServiceId & { kind: "address" } {
  const { address, port, protocol } = decode(maps.ServiceKey, key);
  return { kind: "address", protocol: protocolName(protocol), address: fromBe32(address), port: host16(port) };
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

/** Schedulers that the data plane has, by ipvsadm's names. */
export const SCHEDULERS: { readonly [name: string]: number } = {
  rr: maps.SCHEDULER_RR, wrr: maps.SCHEDULER_WRR, lc: maps.SCHEDULER_LC, wlc: maps.SCHEDULER_WLC, fo: maps.SCHEDULER_FO, ovf: maps.SCHEDULER_OVF,
  lblc: maps.SCHEDULER_LBLC, lblcr: maps.SCHEDULER_LBLCR, dh: maps.SCHEDULER_DH, sh: maps.SCHEDULER_SH, mh: maps.SCHEDULER_MH,
  sed: maps.SCHEDULER_SED, nq: maps.SCHEDULER_NQ, twos: maps.SCHEDULER_TWOS,
};

export function schedulerNumber(name: string): number {
  const number = SCHEDULERS[name];
  if (number === undefined) {
    throw new DirectorError("SCHEDULER_NOT_FOUND", `Cannot use the scheduler "${name}": this director has ${Object.keys(SCHEDULERS).join(", ")}`);
  }
  return number;
}

export function schedulerName(number: number): string {
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

/** The names of `ipvsadm -Lc`, by number: ip_vs_proto_tcp.c, tcp_state_name_table[]. */
export const TCP_STATE_NAMES: readonly string[] = [
  "NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "SYNACK",
];
