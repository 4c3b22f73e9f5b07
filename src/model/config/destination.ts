// One destination of the configuration: where the real server is, how packets get there, how much it can take.

import type { ConfiguredDestination } from "../config.js";
import type { Endpoint } from "./address.js";
import { familyOf, notUnicast } from "./address.js";
import type { EndpointKeys } from "./endpoint.js";
import { readEndpointKeys } from "./endpoint.js";
import type { ConfigPath } from "./error.js";
import { readFields, show } from "./fields.js";
import type { HealthSettings } from "./health.js";
import { checkHealthPort, destinationHealth, inheritHealth, readHealthSettings } from "./health.js";
import type { METHODS } from "./schema.js";
import { DestinationFields, SorryServerFields, TunnelFields } from "./schema.js";
import type { IssueList } from "./source.js";
import type { ServiceHealth } from "../health.js";
import type { Destination, ForwardMethod, ServiceId } from "../director.js";

type Method = (typeof METHODS)[number];
type Tunnel = Pick<Destination, "tunnelType" | "tunnelPort" | "tunnelChecksum">;

/** What a destination may leave to its service, and a service to the defaults. */
export interface DestinationSettings {
  readonly method?: Method | undefined;
  readonly weight?: number | undefined;
  readonly upperThreshold?: number | undefined;
  readonly lowerThreshold?: number | undefined;
  readonly tunnel?: Tunnel | undefined;
  readonly health?: HealthSettings | undefined;
}

/** ipvsadm -m, -g and -i. */
const FORWARD: { readonly [M in Method]: ForwardMethod } = { nat: "masq", dr: "route", tun: "tunnel" };
const NO_TUNNEL: Tunnel = { tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none" };

/** Undefined when it cannot be told which server is meant, or how it is reached. */
export function readDestination(
  value: unknown, path: ConfigPath, service: DestinationSettings, id: ServiceId | undefined, issues: IssueList,
): ConfiguredDestination | undefined {
  const keys = readFields(DestinationFields, value, path, issues);
  const own = { ...keys, tunnel: readTunnel(keys.tunnel, [...path, "tunnel"], issues) };
  const destination = readServer(own, path, service, id, issues);
  const health = destinationHealth(inheritHealth(readHealthSettings(keys, path, issues), service.health));
  if (destination !== undefined) checkHealthPort(health, destination.port, path, issues);
  return destination && { ...destination, health };
}

/** Stands in while the quorum is lost. Of the service's own settings it takes the method and the tunnel; its weight is 1, as keepalived's. */
export function readSorryServer(value: unknown, path: ConfigPath, { method, tunnel }: DestinationSettings, id: ServiceId | undefined, issues: IssueList):
  Pick<ServiceHealth, "sorryServer" | "sorryServerQuiesced"> {
  const keys = readFields(SorryServerFields, value, path, issues);
  const own = { ...keys, tunnel: readTunnel(keys.tunnel, [...path, "tunnel"], issues) };
  const sorryServer = value === undefined ? undefined : readServer(own, path, { method, tunnel }, id, issues);
  return { sorryServer, sorryServerQuiesced: keys.quiesced ?? false };
}

/** Where it is and how packets get there: of a destination, or of a sorry server. */
function readServer(
  own: EndpointKeys & DestinationSettings, path: ConfigPath, service: DestinationSettings, id: ServiceId | undefined, issues: IssueList,
): Destination | undefined {
  const settings = inherit(own, service);
  const endpoint = readEndpointKeys(own, path, "192.168.1.11", issues);
  if (own.address === undefined) issues.missing([...path, "address"], "give the real server's");
  if (settings.method === undefined && !issues.has([...path.slice(0, 2), "method"]) && !issues.has(["defaults", "method"])) {
    issues.missing([...path, "method"], "say nat, dr or tun here, at the service or under defaults");
  }
  checkThresholds(settings, path, issues);
  const { method } = settings;
  if (own.tunnel !== undefined && method !== undefined && method !== "tun") {
    issues.add([...path, "tunnel"], `is for method: tun, and this destination's is ${method}; take it away`, "key");
  }
  if (endpoint === undefined || method === undefined || id === undefined) return undefined;

  checkServer(endpoint, method, id, path, issues);
  return {
    address: endpoint.address,
    port: readPort(endpoint, method, id, path, issues),
    forward: FORWARD[method],
    weight: settings.weight ?? 1,
    upperThreshold: settings.upperThreshold ?? 0,
    lowerThreshold: settings.lowerThreshold ?? 0,
    ...(method === "tun" && settings.tunnel !== undefined ? settings.tunnel : NO_TUNNEL),
  };
}

/** What the destination does not say, its service does, and for that the defaults. */
function inherit(own: DestinationSettings, service: DestinationSettings): DestinationSettings {
  // Thresholds are one setting of two numbers: an inherited lower one never joins an upper one of the destination's own.
  const thresholds = own.upperThreshold === undefined && own.lowerThreshold === undefined ? service : own;
  return {
    method: own.method ?? service.method,
    weight: own.weight ?? service.weight,
    tunnel: own.tunnel ?? service.tunnel,
    upperThreshold: thresholds.upperThreshold,
    lowerThreshold: thresholds.lowerThreshold,
  };
}

function checkServer(endpoint: Endpoint, method: Method, id: ServiceId, path: ConfigPath, issues: IssueList): void {
  const place = [...path, "address"];
  const reason = notUnicast(endpoint.address);
  if (reason !== undefined) issues.add(place, `${endpoint.address} ${reason}; give the real server's own`);
  if (endpoint.family !== familyOf(id) && method !== "tun") {
    const [server, service] = [`IPv${endpoint.family}`, `IPv${familyOf(id)}`];
    issues.add(place, `an ${server} server cannot serve an ${service} service by ${method}; give an ${service} address, or method: tun`);
  }
}

/** ipvsadm(8): by DR and TUN the packet keeps its port, so the server's is the service's. */
function readPort(endpoint: Endpoint, method: Method, id: ServiceId, path: ConfigPath, issues: IssueList): number {
  const servicePort = id.kind === "address" ? id.port : 0;
  const port = endpoint.port ?? servicePort;
  if (port !== servicePort && method !== "nat") {
    const remedies = id.kind === "fwmark" ? "leave it out, or use method: nat" : `give ${servicePort} or leave it out, or use method: nat`;
    issues.add([...path, "port"], `${port} is not the service's port, and ${method} cannot change ports; ${remedies}`);
  }
  return port;
}

/** ipvsadm 1.31: -y needs -x and is not above it. */
function checkThresholds(settings: DestinationSettings, path: ConfigPath, issues: IssueList): void {
  const { upperThreshold = 0, lowerThreshold = 0 } = settings;
  if (lowerThreshold <= upperThreshold) return;
  const found = upperThreshold === 0 ? "stands without an upperThreshold" : `is above the upperThreshold, ${upperThreshold}`;
  issues.add([...path, "lowerThreshold"], `${lowerThreshold} ${found}; give an upperThreshold of at least ${lowerThreshold}`);
}

/** ipvsadm 1.31: a port is GUE's, which needs one; plain IPIP has no checksum; remote checksum offload is GUE's. */
export function readTunnel(value: unknown, path: ConfigPath, issues: IssueList): Tunnel | undefined {
  if (value === undefined) return undefined;
  const { type = "ipip", port, checksum = "none" } = readFields(TunnelFields, value, path, issues);
  if (type === "gue" && port === undefined) issues.missing([...path, "port"], "gue needs one; the usual is 6080");
  if (type !== "gue" && port !== undefined) issues.add([...path, "port"], `is for type: gue, and this one is ${type}; take it away`, "key");
  if (checksum !== "none" && (type === "ipip" || (type === "gre" && checksum === "remote"))) {
    issues.add([...path, "checksum"], `${show(checksum)} is not for ${type}; use none${type === "gre" ? " or checksum" : ", or type: gue or gre"}`);
  }
  return { tunnelType: type, tunnelPort: port ?? 0, tunnelChecksum: checksum };
}
