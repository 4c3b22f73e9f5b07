// The network that every packet test plays in, described once: the machine's route look-ups are answered from it, and the
// kernel's namespace is built from it.
//
//     client 10.0.0.2 ───┐                       ┌─── r1 … r4 10.1.0.11 … 14
//   10.3.0.0/16 ─ router ┴ eth0 │director│ eth1 ─┼─── silent 10.1.0.15, of which no MAC address is known
//                   10.0.0.1    VIP      10.1.0.1└─── gateway 10.1.0.254 ─ 10.2.0.0/16
//                            10.0.0.100
//                                          nothing leads to 10.9.0.0/16
//
// In IPv6 the same once more: fd00::2 for 10.0.0.2, fd01::11 for 10.1.0.11, fd02::/64 for 10.2.0.0/16 and so on.

import { addressFamily, addressWords } from "#model/address.js";
import type { End } from "./frame.js";

export interface NetworkInterface {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly addressIpv6: string;
  readonly prefixLengthIpv6: number;
  readonly mtu: number;
}

export interface Host {
  readonly name: string;
  readonly address: string;
  /** Undefined: it answers no question for its address. */
  readonly mac: string | undefined;
  /** The director's interface towards it. */
  readonly interface: NetworkInterface;
}

export interface Route {
  readonly destination: string;
  readonly prefixLength: number;
  readonly gateway: Host;
}

// MAC addresses as in the recordings of the real IPVS.
export const eth0: NetworkInterface = { name: "eth0", ifindex: 10, mac: "02:00:00:00:00:01", address: "10.0.0.1", prefixLength: 24, addressIpv6: "fd00::1", prefixLengthIpv6: 64, mtu: 1500 };
export const eth1: NetworkInterface = { name: "eth1", ifindex: 11, mac: "02:00:00:00:01:01", address: "10.1.0.1", prefixLength: 24, addressIpv6: "fd01::1", prefixLengthIpv6: 64, mtu: 1500 };
export const interfaces = [eth0, eth1] as const;

export const VIP = "10.0.0.100";
export const VIP6 = "fd00::100";

export const client: Host = { name: "client", address: "10.0.0.2", mac: "02:00:00:00:00:02", interface: eth0 };
export const router: Host = { name: "router", address: "10.0.0.254", mac: "02:00:00:00:00:fe", interface: eth0 };
export const r1 = server(1);
export const r2 = server(2);
export const r3 = server(3);
export const r4 = server(4);
export const servers = [r1, r2, r3, r4] as const;
export const silent: Host = { name: "silent", address: "10.1.0.15", mac: undefined, interface: eth1 };
export const gateway: Host = { name: "gateway", address: "10.1.0.254", mac: "02:00:00:00:01:fe", interface: eth1 };

export const client6: Host = { ...client, address: "fd00::2" };
export const router6: Host = { ...router, address: "fd00::fe" };
export const r1v6: Host = { ...r1, address: "fd01::11" };
export const r2v6: Host = { ...r2, address: "fd01::12" };
export const r3v6: Host = { ...r3, address: "fd01::13" };
export const r4v6: Host = { ...r4, address: "fd01::14" };
export const servers6 = [r1v6, r2v6, r3v6, r4v6] as const;
export const silent6: Host = { ...silent, address: "fd01::15" };
export const gateway6: Host = { ...gateway, address: "fd01::fe" };

export const neighbours: readonly Host[] = [client, router, ...servers, silent, gateway, client6, router6, ...servers6, silent6, gateway6];

export const routes: readonly Route[] = [
  { destination: "10.2.0.0", prefixLength: 16, gateway },
  { destination: "10.3.0.0", prefixLength: 16, gateway: router },
  { destination: "fd02::", prefixLength: 64, gateway: gateway6 },
  { destination: "fd03::", prefixLength: 64, gateway: router6 },
];

/** A real server behind the gateway, and one that nothing leads to. */
export const remote: Host = { ...gateway, name: "remote", address: "10.2.0.11" };
export const unreachable: Host = { name: "unreachable", address: "10.9.0.11", mac: undefined, interface: eth1 };
export const remote6: Host = { ...gateway6, name: "remote", address: "fd02::11" };
export const unreachable6: Host = { ...unreachable, address: "fd09::11" };

export const at = (host: { readonly address: string } | string, port: number): End => ({ address: typeof host === "string" ? host : host.address, port });

/** One of many clients behind the router. */
export const distantClient = (number: number): Host => ({ ...router, name: `client ${number}`, address: `10.3.${(number >> 8) & 0xff}.${number & 0xff}` });
export const distantClient6 = (number: number): Host => ({ ...router6, name: `client ${number}`, address: `fd03::${number.toString(16)}` });

export interface NextHop {
  readonly interface: NetworkInterface;
  readonly address: string;
  readonly mac: string | undefined;
}

/** The director's own. */
export const isLocal = (address: string): boolean => interfaces.some((candidate) => candidate.address === address || candidate.addressIpv6 === address);

/** Where the director sends what is for `address`; undefined without a route, and for its own addresses. */
export function nextHop(address: string): NextHop | undefined {
  if (isLocal(address)) return undefined;
  const connected = interfaces.find((candidate) => isIn(address, candidate.address, candidate.prefixLength) || isIn(address, candidate.addressIpv6, candidate.prefixLengthIpv6));
  if (connected !== undefined) return neighbourOf(connected, address);
  const route = routes.find((candidate) => isIn(address, candidate.destination, candidate.prefixLength));
  return route && neighbourOf(route.gateway.interface, route.gateway.address);
}

function neighbourOf(via: NetworkInterface, address: string): NextHop {
  return { interface: via, address, mac: neighbours.find((host) => host.address === address && host.interface === via)?.mac };
}

function isIn(address: string, network: string, prefixLength: number): boolean {
  if (addressFamily(address) !== addressFamily(network)) return false;
  const shift = BigInt((addressFamily(address) === 4 ? 32 : 128) - prefixLength);
  return toNumber(address) >> shift === toNumber(network) >> shift;
}

function toNumber(address: string): bigint {
  const words = addressWords(address).map(BigInt);
  return addressFamily(address) === 4 ? words[0]! : words.reduce((number, word) => (number << 32n) | word, 0n);
}

function server(number: number): Host {
  return { name: `r${number}`, address: `10.1.0.1${number}`, mac: `02:00:00:00:01:1${number}`, interface: eth1 };
}
