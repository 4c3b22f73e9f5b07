// What a request means to the director: services and destinations as model/director.ts has them, by the rules that weir.yaml and ipvsadm
// have for them. What the director itself refuses is left to it.

import { familyOf, readAddress, readEndpoint } from "#model/config/address.js";
import { readTunnel } from "#model/config/destination.js";
import type { ConfigPath } from "#model/config/error.js";
import { show } from "#model/config/fields.js";
import { readMarkRules } from "#model/config/marks.js";
import { SCHEDULER_FLAGS } from "#model/config/schema.js";
import type { IssueList } from "#model/config/source.js";
import type { Connection, Destination, DestinationId, Family, ForwardMethod, Service, ServiceId } from "#model/director.js";
import { MARK_RULES_MAX, type MarkRule } from "#model/marks.js";
import type { ConnectionFilters } from "./schemas/connection.js";
import type { DestinationInput, DestinationPatch } from "./schemas/destination.js";
import type { ServiceInput, ServiceKind, ServicePatch } from "./schemas/service.js";
import { Input, issueAt } from "./input.js";
import { wrongInput } from "./problems.js";

/** Of a path. */
export function decodeServiceId({ kind, service }: { readonly kind: ServiceKind; readonly service: string }): ServiceId {
  if (kind === "fwmark" || kind === "fwmark6") {
    const fwmark = /^[1-9]\d{0,9}$/.test(service) ? Number(service) : 0;
    if (fwmark === 0 || fwmark > 2 ** 32 - 1) throw wrongInput("path", [issueAt("path", "service", `${show(service)} is not a firewall mark from 1 to ${2 ** 32 - 1}`)]);
    return { kind: "fwmark", fwmark, family: kind === "fwmark6" ? 6 : 4 };
  }
  return { kind: "address", protocol: kind, ...decodeEndpoint(service, "service") };
}

export function decodeEndpoint(text: string, name: string): DestinationId {
  const endpoint = readEndpoint(text);
  if (endpoint?.port === undefined) throw wrongInput("path", [issueAt("path", name, `${show(text)} is not an address with a port; give one such as 10.0.0.100:80 or [fd00::100]:80`)]);
  return { address: endpoint.address, port: endpoint.port };
}

/** ipvsadm's defaults. */
export function decodeService(body: ServiceInput, input: Input): Service {
  const id = readServiceId(body, input.issues);
  input.done();
  return patchService({ id: id!, scheduler: "wlc", schedulerFlags: 0, persistentSeconds: 0, netmask: familyOf(id!) === 4 ? "255.255.255.255" : "128", persistenceEngine: "", onePacket: false }, body, input);
}

export function patchService(service: Service, body: ServicePatch, input: Input): Service {
  const { id } = service;
  const { issues } = input;
  const scheduler = body.scheduler ?? service.scheduler;
  const persistentSeconds = body.persistent ?? service.persistentSeconds;
  const onePacket = body.onePacket ?? service.onePacket;
  if (id.kind === "address" && id.port === 0 && persistentSeconds === 0) {
    issues.add([body.persistent === undefined ? "port" : "persistent"], "0 stands for every port, which only a persistent service can have; give a port, or persistent: 360");
  }
  if (onePacket && id.kind === "address" && id.protocol !== "udp") issues.add(["onePacket"], "is only for UDP and fwmark services; take it away");
  const patched: Service = {
    id, scheduler, persistentSeconds, onePacket,
    schedulerFlags: body.schedulerFlags === undefined ? service.schedulerFlags : readFlags(body.schedulerFlags, scheduler, issues),
    netmask: body.netmask === undefined ? service.netmask : readNetmask(body.netmask, familyOf(id), issues),
    persistenceEngine: body.persistenceEngine === undefined ? service.persistenceEngine : body.persistenceEngine ?? "",
  };
  input.done();
  return patched;
}

function readServiceId({ protocol, address, port, fwmark, family }: ServiceInput, issues: IssueList): ServiceId | undefined {
  if (fwmark !== undefined) {
    for (const [key, value] of Object.entries({ protocol, address, port })) {
      if (value !== undefined) issues.add([key], `a service by fwmark has no ${key}; take away this or fwmark`, "key");
    }
    return { kind: "fwmark", fwmark, family: family ?? 4 };
  }
  if (family !== undefined) issues.add(["family"], "is for services by fwmark; an address tells its family itself", "key");
  if (protocol === undefined) issues.missing(["protocol"], "give tcp, udp or sctp");
  const endpoint = readEndpointOf(address, port, "10.0.0.100 or fd00::100", issues);
  if (address === undefined) issues.missing(["address"], "give protocol, address and port, or fwmark");
  if (endpoint !== undefined && endpoint.port === undefined) issues.missing(["port"], "give one, or 0 for every port of a persistent service");
  if (protocol === undefined || endpoint?.port === undefined) return undefined;
  return { kind: "address", protocol, address: endpoint.address, port: endpoint.port };
}

function readEndpointOf(text: string | undefined, port: number | undefined, example: string, issues: IssueList): { readonly address: string; readonly port: number | undefined } | undefined {
  if (text === undefined) return undefined;
  const endpoint = readEndpoint(text);
  if (endpoint === undefined) {
    issues.add(["address"], `${show(text)} is not an address; give one such as ${example}, with the port as port`);
    return undefined;
  }
  if (endpoint.port !== undefined && port !== undefined && endpoint.port !== port) issues.add(["port"], `${port} is not the port in the address, ${endpoint.port}; keep one of them`);
  return { address: endpoint.address, port: endpoint.port ?? port };
}

function readFlags(flags: NonNullable<ServicePatch["schedulerFlags"]>, scheduler: string, issues: IssueList): number {
  for (const [i, flag] of flags.entries()) {
    const owner = flag.slice(0, flag.indexOf("-"));
    if (owner !== "flag" && owner !== scheduler) issues.add(["schedulerFlags", i], `${show(flag)} is a flag of the scheduler ${owner}, not of ${scheduler}; take it away`);
  }
  return flags.reduce((bits, flag) => bits | SCHEDULER_FLAGS[flag], 0);
}

function readNetmask(netmask: string, family: Family, issues: IssueList): string {
  if (family === 4) {
    if (readAddress(netmask)?.family === 4) return netmask;
    issues.add(["netmask"], `${show(netmask)} is not an IPv4 mask; give one such as 255.255.255.0`);
  } else {
    if (/^\d{1,3}$/.test(netmask) && Number(netmask) >= 1 && Number(netmask) <= 128) return String(Number(netmask));
    issues.add(["netmask"], `${show(netmask)} is not an IPv6 prefix length; give 1 to 128`);
  }
  return "";
}

const FORWARD: { readonly [method: string]: ForwardMethod } = { nat: "masq", dr: "route", tun: "tunnel" };

export function decodeDestination(body: DestinationInput, service: ServiceId, input: Input): Destination {
  const endpoint = readEndpointOf(body.address, body.port, "192.168.1.11", input.issues);
  if (body.method === undefined) input.issues.missing(["method"], "say nat, dr or tun");
  input.done();
  const { address, port = service.kind === "address" ? service.port : 0 } = endpoint!;
  const plain: Destination = { address, port, forward: "masq", weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none" };
  return patchDestination(plain, body, service, input);
}

export function patchDestination(destination: Destination, body: DestinationPatch, service: ServiceId, input: Input): Destination {
  const { issues } = input;
  const forward = body.method === undefined ? destination.forward : FORWARD[body.method]!;
  if (body.method !== undefined) checkPort(destination.port, body.method, service, issues);
  if (body.tunnel !== undefined && forward !== "tunnel") issues.add(["tunnel"], "is for method: tun; take it away", "key");
  const tunnel = forward !== "tunnel" ? NO_TUNNEL : readTunnel(body.tunnel, ["tunnel"], issues) ?? destination;
  const patched: Destination = {
    address: destination.address, port: destination.port, forward,
    weight: body.weight ?? destination.weight,
    upperThreshold: body.upperThreshold ?? destination.upperThreshold,
    lowerThreshold: body.lowerThreshold ?? destination.lowerThreshold,
    tunnelType: tunnel.tunnelType, tunnelPort: tunnel.tunnelPort, tunnelChecksum: tunnel.tunnelChecksum,
  };
  checkThresholds(patched, issues);
  input.done();
  return patched;
}

type Tunnel = Pick<Destination, "tunnelType" | "tunnelPort" | "tunnelChecksum">;
const NO_TUNNEL: Tunnel = { tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none" };

/** ipvsadm(8): by DR and TUN the packet keeps its port, so the server's is the service's. */
function checkPort(port: number, method: string, service: ServiceId, issues: IssueList): void {
  const servicePort = service.kind === "address" ? service.port : 0;
  if (port === servicePort || method === "nat") return;
  const remedies = service.kind === "fwmark" ? "leave it out, or use method: nat" : `give ${servicePort} or leave it out, or use method: nat`;
  issues.add(["port"], `${port} is not the service's port, and ${method} cannot change ports; ${remedies}`);
}

/** ipvsadm 1.31: -y needs -x and is not above it. */
function checkThresholds({ upperThreshold, lowerThreshold }: Destination, issues: IssueList): void {
  if (lowerThreshold <= upperThreshold) return;
  const found = upperThreshold === 0 ? "stands without an upperThreshold" : `is above the upperThreshold, ${upperThreshold}`;
  issues.add(["lowerThreshold"], `${lowerThreshold} ${found}; give an upperThreshold of at least ${lowerThreshold}`);
}

export function decodeMarkRules(marks: readonly unknown[], input: Input): readonly MarkRule[] {
  const rules = readMarkRules(marks.slice(0, MARK_RULES_MAX + 1), { file: "body", issues: input.issues });
  input.done();
  return rules;
}

/** Whether a connection is among those that are asked for. */
export function connectionFilter({ protocol, state, client, virtual, destination }: ConnectionFilters): (connection: Connection) => boolean {
  const ends = [["client", client], ["virtual", virtual], ["destination", destination]] as const;
  const input = new Input("query");
  const tests: ((connection: Connection) => boolean)[] = [];
  if (protocol !== undefined) tests.push((connection) => connection.protocol === protocol);
  if (state !== undefined) tests.push((connection) => connection.state === state);
  for (const [name, text] of ends) if (text !== undefined) tests.push(endFilter(name, text, [name], input.issues));
  input.done();
  return (connection) => tests.every((isAsked) => isAsked(connection));
}

function endFilter(name: "client" | "virtual" | "destination", text: string, path: ConfigPath, issues: IssueList): (connection: Connection) => boolean {
  const endpoint = readEndpoint(text);
  if (endpoint === undefined) issues.add(path, `${show(text)} is not an address, nor one with a port; give one such as 10.0.0.2 or 10.0.0.2:80`);
  return (connection) => connection[name].address === endpoint!.address && (endpoint!.port === undefined || connection[name].port === endpoint!.port);
}
