// A virtual_server as services of weir.yaml: one for each address and mark that it is known by, all with the same servers, which are
// watched as one.

import { isDeepStrictEqual } from "node:util";
import { addressFamily } from "#model/address.js";
import type { Family } from "#model/director.js";
import type { WrittenCheck, WrittenDestination, WrittenForwarding, WrittenService } from "../document.js";
import { defined, shareSettings } from "../document.js";
import type { Virtual } from "./group.js";
import type { Reading } from "./read.js";
import type { RealServer } from "./real-server.js";
import type { Directive } from "./tree.js";
import { describe } from "./tree.js";
import type { VirtualServer } from "./virtual-server.js";

/** `group`: what its services are called together. */
export function writeServices(server: VirtualServer, group: string, reading: Reading): readonly WrittenService[] {
  const { virtuals } = server;
  const ports = new Set(virtuals.map(portOf));
  const first = ports.size > 1 ? virtuals.map(portOf).find((port) => port !== 0) : undefined;
  let shared: Pick<WrittenService, "destinations" | "checks"> = { destinations: [] };
  const services = virtuals.map((virtual) => {
    const service = writeService(virtual, server, first, reading);
    // The same lists are written once, and referred to.
    const { destinations, checks } = service;
    shared = {
      destinations: isDeepStrictEqual(destinations, shared.destinations) ? shared.destinations : destinations,
      ...(checks && { checks: isDeepStrictEqual(checks, shared.checks) ? shared.checks! : checks }),
    };
    return { ...service, ...shared };
  });
  if (virtuals.length < 2) return services;
  if (first !== undefined) noteUnclearPorts(server, first, reading);
  if (haveSameServers(services)) return services.map(({ destinations, ...service }) => ({ ...service, group, destinations }));
  reading.report.note(server, describe(server.directive), `becomes ${virtuals.length} services, each with checks of its own: their real servers are not the same, by the ports of the group`);
  return services;
}

/** Real servers that are one at one port of the group may be two at another: withoutTwins(). */
function haveSameServers([first, ...others]: readonly WrittenService[]): boolean {
  const addresses = ({ destinations }: WrittenService): readonly string[] => destinations.map(({ address }) => address);
  return others.every((other) => isDeepStrictEqual(addresses(other), addresses(first!)));
}

function noteUnclearPorts({ realServers }: VirtualServer, port: number, { report }: Reading): void {
  for (const { directive, port: own, checks } of realServers) {
    if (own !== undefined || checks.every(hasOwnPort) ) continue;
    report.note(directive, describe(directive), `its checks ask at port ${port}, that of the first address of the group; give the real_server a port, or its checks connect_port`);
  }
}

const portOf = (virtual: Virtual): number => virtual.kind === "address" ? virtual.port : 0;

/** `checkPort`: at which checks ask where their server has no port of its own; undefined: the service's. */
function writeService(virtual: Virtual, server: VirtualServer, checkPort: number | undefined, reading: Reading): WrittenService {
  const family = familyOf(virtual, server);
  const { weight, hysteresis, notifyUp, notifyDown } = server.quorum;
  const quorum = defined({ weight: weight === 1 ? undefined : weight, hysteresis: hysteresis || undefined, notifyUp, notifyDown });
  const { netmask } = server;
  if (netmask !== undefined && netmask.includes(".") !== (family === 4)) {
    reading.report.mistake(server, `${describe(server.directive)}: persistence_granularity ${netmask} is not for IPv${family}; give ${family === 4 ? "a mask such as 255.255.255.0" : "a prefix length from 1 to 128"}`);
  }
  return shareSettings(defined({
    ...(virtual.kind === "fwmark"
      ? { fwmark: virtual.fwmark, family: family === 6 ? 6 as const : undefined }
      : { protocol: server.protocol, address: virtual.address, port: virtual.port }),
    scheduler: server.scheduler,
    schedulerFlags: server.schedulerFlags.length === 0 ? undefined : server.schedulerFlags,
    persistent: server.persistent,
    netmask,
    persistenceEngine: server.persistenceEngine,
    onePacket: server.onePacket || undefined,
    quorum: Object.keys(quorum).length === 0 ? undefined : quorum,
    sorryServer: writeSorryServer(virtual, server, family, reading),
    destinations: withoutTwins(server.realServers, virtual, reading).map((real) => writeDestination(real, virtual, family, checkPort, reading)),
  }));
}

/** Of two that become one, the second is left out: keepalived says "real server … is duplicated", or the kernel refuses it. */
function withoutTwins(servers: readonly RealServer[], virtual: Virtual, { report }: Reading): readonly RealServer[] {
  const seen = new Set<string>();
  return servers.filter(({ directive, address, port, written: { method } }) => {
    const own = portOf(virtual);
    const name = `${address} ${method === "nat" ? port ?? own : own}`;
    if (seen.has(name)) report.note(directive, describe(directive), "left out; the virtual_server has this real server already, and the first counts for keepalived too");
    return !seen.has(name) && seen.add(name);
  });
}

/** keepalived/check/check_parser.c, vs_end_handler(): of a mark it is what the servers are that no tunnel leads to. */
export function familyOf(virtual: Virtual, { ipFamily, realServers, sorryServer }: VirtualServer): Family {
  if (virtual.family !== undefined) return virtual.family;
  const untunnelled = realServers.find(({ written }) => written.method !== "tun");
  if (untunnelled !== undefined) return addressFamily(untunnelled.address);
  if (ipFamily !== undefined) return ipFamily;
  const families = new Set([...realServers, ...(sorryServer ? [sorryServer] : [])].map(({ address }) => addressFamily(address)));
  return families.size === 1 ? [...families][0]! : 4;
}

function writeDestination(real: RealServer, virtual: Virtual, family: Family, checkPort: number | undefined, reading: Reading): WrittenDestination {
  checkFamily(real.directive, real.address, real.written, family, reading);
  const port = choosePort(real.directive, real.port, real.written, virtual, reading);
  const reached = port ?? portOf(virtual);
  const checks = real.checks.map((check) => withPort(check, real, reached, checkPort, reading));
  return defined({ address: real.address, port, ...real.written, checks: checks.length === 0 ? undefined : checks });
}

function writeSorryServer(virtual: Virtual, { sorryServer, sorryForwarding, sorryQuiesced }: VirtualServer, family: Family, reading: Reading): WrittenService["sorryServer"] {
  if (sorryServer === undefined) return undefined;
  const { directive, address } = sorryServer;
  checkFamily(directive, address, sorryForwarding, family, reading);
  return defined({ address, port: choosePort(directive, sorryServer.port, sorryForwarding, virtual, reading), ...sorryForwarding, quiesced: sorryQuiesced || undefined });
}

function checkFamily(directive: Directive, address: string, { method }: WrittenForwarding, family: Family, { report }: Reading): void {
  const own = addressFamily(address);
  if (own === family || method === "tun") return;
  report.mistake(directive, `${directive.keyword}: an IPv${own} server cannot serve an IPv${family} service by ${method === "dr" ? "DR" : "NAT"}; give an IPv${family} address, or use TUN`);
}

/** By DR and TUN a packet keeps its port, so that a server's is the service's: keepalived resets it. Undefined: the service's. */
function choosePort(directive: Directive, port: number | undefined, { method }: WrittenForwarding, virtual: Virtual, { report }: Reading): number | undefined {
  const own = portOf(virtual);
  if (port === undefined || port === own) return undefined;
  if (method === "nat") return port;
  report.note(directive, describe(directive), `its port becomes the service's, ${own === 0 ? "which is every port" : own}: ${method === "dr" ? "DR" : "TUN"} cannot change ports, and keepalived resets it too`);
  return undefined;
}

/** A checker asks at the real server's port as it is written, whatever became of it since. */
function withPort(check: WrittenCheck, { directive, port }: RealServer, reached: number, checkPort: number | undefined, { report }: Reading): WrittenCheck {
  if (hasOwnPort(check)) return check;
  const asked = port ?? checkPort ?? reached;
  if (asked === 0) report.mistake(directive, `${describe(directive)}: the server has no port, so its checks need one; give the real_server a port, or its checks connect_port`);
  return (asked === reached && checkPort === undefined) || asked === 0 ? check : { ...check, port: asked };
}

/** Or needs none. */
const hasOwnPort = (check: WrittenCheck): boolean => check.type === "ping" || check.type === "script" || check.port !== undefined;
