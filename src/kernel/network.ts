// Addresses, routes, neighbours and sysctls of this network namespace: by iproute2's `ip -j` and /proc/sys.

import { networkInterfaces } from "node:os";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { runCommand } from "./command.js";
import { KernelError } from "./errors.js";


export { driverOf, interfaceByName, interfaces, type Interface } from "./interface.js";

export type Family = 4 | 6;

export interface InterfaceAddress {
  readonly interface: string;
  readonly family: Family;
  readonly address: string;
  readonly prefixLength: number;
  /** "global", "link", "host". */
  readonly scope: string;
  readonly label: string | undefined;
}

export interface Route {
  /** "default" or "10.0.0.0/24" or "10.0.0.1". */
  readonly destination: string;
  readonly gateway: string | undefined;
  readonly interface: string | undefined;
  /** The source address that the kernel prefers with it. */
  readonly source: string | undefined;
  /** "unicast", "local", "blackhole" … */
  readonly type: string;
}

/** Of the policy that says which table of routes a packet goes by. */
export interface Rule {
  readonly priority: number;
  /** "local", "main" … or its number; undefined of a rule that goes to another. */
  readonly table: string | undefined;
  /** Packets with this firewall mark, of this protocol, or from this interface. */
  readonly mark: number | undefined;
  /** "tcp", "udp" … */
  readonly protocol: string | undefined;
  readonly iif: string | undefined;
}

export interface Neighbour {
  readonly address: string;
  readonly interface: string;
  /** Undefined while it is not resolved. */
  readonly mac: string | undefined;
  /** "REACHABLE", "STALE", "FAILED", "PERMANENT" … */
  readonly states: readonly string[];
}

// What `ip -j` prints, as far as it is used here.
interface IpAddressJson {
  readonly ifname: string;
  readonly addr_info: readonly {
    readonly family: string; readonly local?: string; readonly prefixlen: number; readonly scope: string; readonly label?: string;
  }[];
}
interface IpRouteJson {
  readonly dst: string; readonly gateway?: string; readonly dev?: string; readonly prefsrc?: string; readonly type?: string;
}
interface IpRuleJson {
  readonly priority: number; readonly table?: string; readonly fwmark?: string; readonly ipproto?: string; readonly iif?: string;
}
interface IpNeighbourJson {
  /** Missing when the question named the interface. */
  readonly dev?: string;
  readonly dst: string; readonly lladdr?: string; readonly state?: readonly string[];
}
interface IpProgramJson {
  readonly id: number; readonly name?: string;
}
interface IpLinkJson {
  readonly ifname: string;
  /** Of a veth: where its other end is; absent when it is in this namespace. */
  readonly link_netnsid?: number;
  /** `attached`: a driver's and a card's program at once. */
  readonly xdp?: { readonly mode?: number; readonly prog?: IpProgramJson; readonly attached?: readonly { readonly prog: IpProgramJson }[] };
}

export function addresses(interfaceName?: string): InterfaceAddress[] {
  const found = ip<IpAddressJson>(["address", "show", ...device(interfaceName)], "list the addresses");
  return found.flatMap(({ ifname, addr_info }) => addr_info.flatMap(({ family, local, prefixlen, scope, label }) =>
    local === undefined ? [] : [{ interface: ifname, family: family === "inet6" ? 6 : 4, address: local, prefixLength: prefixlen, scope, label } as const]));
}

export function routes(family: Family): Route[] {
  return ip<IpRouteJson>([`-${family}`, "route", "show"], "list the routes").map(toRoute);
}

/** In the order in which the kernel asks them. */
export function rules(family: Family): Rule[] {
  return ip<IpRuleJson>([`-${family}`, "rule", "show"], "list the rules of routing").map(({ priority, table, fwmark, ipproto, iif }) =>
    ({ priority, table, mark: fwmark === undefined ? undefined : Number(fwmark), protocol: ipproto, iif }));
}

/** The route that a packet to `address` takes; NOT_FOUND when there is none. */
export function routeTo(address: string): Route {
  const attempted = `find the route to ${address}`;
  try {
    const [route] = ip<IpRouteJson>(["route", "get", address], attempted);
    if (route !== undefined) return toRoute(route);
  } catch (cause) {
    if (!(cause instanceof KernelError) || !/unreachable|No route/i.test(cause.found)) throw cause;
  }
  throw new KernelError({ code: "NOT_FOUND", call: `ip route get ${address}`, attempted, found: "the network is unreachable", remedy: "add a route to it" });
}

export function neighbours(interfaceName?: string): Neighbour[] {
  return ip<IpNeighbourJson>(["neighbour", "show", ...device(interfaceName)], "list the neighbours").map(({ dst, dev, lladdr, state }) =>
    ({ address: dst, interface: dev ?? interfaceName ?? "", mac: lladdr, states: state ?? [] }));
}

export interface AttachedXdp {
  readonly mode: "native" | "generic" | "hardware";
  readonly programId: number;
  readonly programName: string | undefined;
}

/** The XDP program on an interface, whoever put it there. Linux include/uapi/linux/if_link.h: XDP_ATTACHED_DRV 1, SKB 2, HW 3. */
export function attachedXdp(interfaceName: string): AttachedXdp | undefined {
  const [link] = ip<IpLinkJson>(["link", "show", "dev", interfaceName], `see what is attached to "${interfaceName}"`);
  const mode = link?.xdp?.mode;
  const program = link?.xdp?.prog ?? link?.xdp?.attached?.[0]?.prog;
  if (program === undefined) return undefined;
  return { mode: mode === 2 ? "generic" : mode === 3 ? "hardware" : "native", programId: program.id, programName: program.name };
}

/** Interfaces whose other end is in another network namespace: of veths, a veth. */
export function interfacesWithPeerElsewhere(): ReadonlySet<string> {
  const links = ip<IpLinkJson>(["link", "show"], "see where the other ends of interfaces are");
  return new Set(links.filter(({ link_netnsid }) => link_netnsid !== undefined).map(({ ifname }) => ifname));
}

/** False when the interface had the address already. `label` is for IPv4 only and at most 15 characters. */
export function addAddress(interfaceName: string, address: string, prefixLength: number, options: { readonly label?: string } = {}): boolean {
  if (hasAddress(interfaceName, address)) return false;
  const family = familyOf(address);
  // Duplicate address detection would keep an IPv6 VIP unusable for a second or more: it is a VIP, others may hold it too.
  const extra = family === 6 ? ["nodad"] : options.label === undefined ? [] : ["label", options.label];
  runCommand("ip", [`-${family}`, "address", "add", `${address}/${prefixLength}`, "dev", interfaceName, ...extra],
    { attempted: `add ${address}/${prefixLength} to "${interfaceName}"` });
  return true;
}

/** False when the interface did not have it. */
export function removeAddress(interfaceName: string, address: string): boolean {
  const held = addresses(interfaceName).find((candidate) => candidate.address === address);
  if (held === undefined) return false;
  runCommand("ip", [`-${held.family}`, "address", "delete", `${address}/${held.prefixLength}`, "dev", interfaceName],
    { attempted: `remove ${address} from "${interfaceName}"` });
  return true;
}

/** `key` with slashes, as under /proc/sys: "net/ipv4/conf/eth0.100/arp_ignore". */
export function readSysctl(key: string): string {
  return sysctl(key, "read", () => readFileSync(`/proc/sys/${key}`, "utf8").trim());
}

/** This host's own, on interfaces that are up (RTN_LOCAL in the kernel's words); all of 127.0.0.0/8 are so besides. */
export function localAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((held) => held?.map(({ address }) => address) ?? []));
}

export function hasSysctl(key: string): boolean {
  return existsSync(`/proc/sys/${key}`);
}

/** Returns the value from before. */
export function writeSysctl(key: string, value: string): string {
  const before = readSysctl(key);
  if (before !== value) sysctl(key, `set to "${value}"`, () => writeFileSync(`/proc/sys/${key}`, value));
  return before;
}

function ip<Json>(args: readonly string[], attempted: string): readonly Json[] {
  const output = runCommand("ip", ["-j", ...args], { attempted });
  // iproute2 prints nothing where there is nothing, or an empty object in the place of what a filter left out.
  const parsed = output.trim() === "" ? [] : JSON.parse(output) as (Json | Record<string, never>)[];
  return parsed.filter((entry): entry is Json => Object.keys(entry as object).length > 0);
}

const device = (name: string | undefined): string[] => (name === undefined ? [] : ["dev", name]);

function toRoute({ dst, gateway, dev, prefsrc, type }: IpRouteJson): Route {
  return { destination: dst, gateway, interface: dev, source: prefsrc, type: type ?? "unicast" };
}

function hasAddress(interfaceName: string, address: string): boolean {
  return addresses(interfaceName).some((candidate) => candidate.address === address);
}

const familyOf = (address: string): Family => (address.includes(":") ? 6 : 4);

const SYSCTL_ERRORS: { readonly [code: string]: { readonly code: "PERMISSION" | "NOT_FOUND" | "INVALID"; readonly found: string; readonly remedy: string } } = {
  EACCES: { code: "PERMISSION", found: "no permission", remedy: "run as root" },
  EROFS: { code: "PERMISSION", found: "/proc/sys is mounted read-only", remedy: "in a container, give it a writable /proc/sys or set the value outside" },
  ENOENT: { code: "NOT_FOUND", found: "this kernel has no such setting, or there is no such interface", remedy: "see what is there with ls /proc/sys/net" },
  EINVAL: { code: "INVALID", found: "the kernel refuses the value", remedy: "see Documentation/networking/ip-sysctl.rst" },
};

function sysctl<T>(key: string, verb: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const known = SYSCTL_ERRORS[(cause as NodeJS.ErrnoException).code ?? ""];
    if (known === undefined) throw cause;
    throw new KernelError({ ...known, call: `/proc/sys/${key}`, attempted: `${verb} sysctl ${key.replaceAll("/", ".")}`, cause });
  }
}
