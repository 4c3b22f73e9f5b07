// One service of the configuration with its destinations, and LVS's rules about them.

import type { ConfigPath } from "./error.js";
import type { ConfiguredService, VipAddress } from "../config.js";
import { familyOf, readAddress } from "./address.js";
import type { ReadContext } from "./context.js";
import { checkDuplicates, checkInterface } from "./context.js";
import type { DestinationSettings } from "./destination.js";
import { readDestination, readSorryServer, readTunnel } from "./destination.js";
import { readEndpointKeys } from "./endpoint.js";
import type { Fields } from "./fields.js";
import { readFields, show } from "./fields.js";
import { inheritHealth, readHealthSettings, readQuorum } from "./health.js";
import { DefaultsFields, SCHEDULER_FLAGS, ServiceFields } from "./schema.js";
import type { Family, ServiceId } from "../director.js";
import { formatEndpoint } from "../names.js";

type ServiceKeys = Omit<Fields<typeof ServiceFields>, keyof DestinationSettings> & DestinationSettings;
/** What the defaults block hands down to every service. */
export type Defaults = Omit<Fields<typeof DefaultsFields>, keyof DestinationSettings> & DestinationSettings;

interface ReadService {
  /** Undefined when it cannot even be told which service is meant. */
  readonly configured: ConfiguredService | undefined;
  /** Asked for by `interface:`. */
  readonly vip: (VipAddress & { readonly path: ConfigPath }) | undefined;
}

export function readDefaults(value: unknown, { issues }: ReadContext): Defaults {
  const fields = readFields(DefaultsFields, value, ["defaults"], issues);
  return { ...fields, tunnel: readTunnel(fields.tunnel, ["defaults", "tunnel"], issues), health: readHealthSettings(fields, ["defaults"], issues) };
}

export function readService(value: unknown, path: ConfigPath, defaults: Defaults, context: ReadContext): ReadService {
  const keys = readFields(ServiceFields, value, path, context.issues);
  const own: ServiceKeys = { ...keys, tunnel: readTunnel(keys.tunnel, [...path, "tunnel"], context.issues) };
  const health = inheritHealth(readHealthSettings(keys, path, context.issues), defaults.health);
  const fields: ServiceKeys = { ...defaults, ...own, tunnel: own.tunnel ?? defaults.tunnel, health };
  const id = readServiceId(own, fields, path, context);
  const family = familyOf(id);

  const destinations = (own.destinations ?? []).map((destination, i) =>
    readDestination(destination, [...path, "destinations", i], fields, id, context.issues));
  checkDuplicates(destinations.map((destination) => destination && formatEndpoint(destination)), [...path, "destinations"],
    (name, first) => `${name} is destinations[${first}] of this service already; take one away`, context);
  const quorum = readQuorum(own.quorum, [...path, "quorum"], context.issues);
  const sorryServer = readSorryServer(own.sorryServer, [...path, "sorryServer"], fields, id, context.issues);
  const vip = readVip(own, id, path, context);
  if (id === undefined || family === undefined) return { configured: undefined, vip };

  checkScheduling(fields, id, path, context);
  const configured: ConfiguredService = {
    id,
    // ipvsadm's default, and the kernel's.
    scheduler: fields.scheduler ?? "wlc",
    schedulerFlags: readSchedulerFlags(fields, path, context),
    persistentSeconds: fields.persistent ?? 0,
    netmask: readNetmask(fields.netmask, family, path, context),
    persistenceEngine: fields.persistenceEngine ?? "",
    onePacket: fields.onePacket ?? false,
    destinations: destinations.filter((destination) => destination !== undefined),
    health: { group: own.group, quorum, ...sorryServer },
  };
  return { configured, vip };
}

function readServiceId(own: ServiceKeys, fields: ServiceKeys, path: ConfigPath, { issues }: ReadContext): ServiceId | undefined {
  if (own.fwmark !== undefined) {
    for (const key of ["protocol", "address", "port"] as const) {
      if (own[key] !== undefined) issues.add([...path, key], `a service by fwmark has no ${key}; take away this or fwmark`, "key");
    }
    return { kind: "fwmark", fwmark: own.fwmark, family: own.family ?? 4 };
  }
  if (own.family !== undefined) issues.add([...path, "family"], "is for services by fwmark; an address tells its family itself", "key");
  const endpoint = readEndpointKeys(own, path, "10.0.0.100 or fd00::100", issues);
  if (own.address === undefined && !issues.has([...path, "fwmark"])) {
    issues.missing([...path, "address"], "give protocol, address and port, or fwmark");
  }
  const { protocol } = fields;
  if (protocol === undefined && endpoint !== undefined && !issues.has(["defaults", "protocol"])) {
    issues.missing([...path, "protocol"], "give tcp, udp or sctp, here or under defaults");
  }
  if (endpoint !== undefined && endpoint.port === undefined) {
    issues.missing([...path, "port"], "give one, or 0 for every port of a persistent service");
  }
  if (endpoint?.port === undefined || protocol === undefined) return undefined;
  return { kind: "address", protocol, address: endpoint.address, port: endpoint.port };
}

function checkScheduling(fields: ServiceKeys, id: ServiceId, path: ConfigPath, { issues, schedulers }: ReadContext): void {
  const scheduler = fields.scheduler ?? "wlc";
  if (schedulers !== undefined && !schedulers.includes(scheduler)) {
    const found = fields.scheduler === undefined ? `no scheduler is given, and LVS's default, ${scheduler}, is` : `${show(scheduler)} is`;
    issues.add([...path, "scheduler"], `${found} not available in this director; it has ${schedulers.join(", ")}`);
  }
  const udp = id.kind === "fwmark" || id.protocol === "udp";
  if (fields.onePacket === true && !udp) issues.add([...path, "onePacket"], "is only for UDP and fwmark services; take it away");
  if (id.kind === "address" && id.port === 0 && fields.persistent === undefined) {
    issues.add([...path, "port"], "0 stands for every port, which only a persistent service can have; give a port, or persistent: 360");
  }
}

function readSchedulerFlags(fields: ServiceKeys, path: ConfigPath, { issues }: ReadContext): number {
  const scheduler = fields.scheduler ?? "wlc";
  for (const [i, flag] of (fields.schedulerFlags ?? []).entries()) {
    const owner = flag.slice(0, flag.indexOf("-"));
    if (owner !== "flag" && owner !== scheduler) {
      issues.add([...path, "schedulerFlags", i], `${show(flag)} is a flag of the scheduler ${owner}, not of ${scheduler}; take it away`);
    }
  }
  return (fields.schedulerFlags ?? []).reduce((bits, flag) => bits | SCHEDULER_FLAGS[flag], 0);
}

function readNetmask(netmask: string | number | undefined, family: Family, path: ConfigPath, { issues }: ReadContext): string {
  if (netmask === undefined) return family === 4 ? "255.255.255.255" : "128";
  if (family === 4) {
    if (readAddress(String(netmask))?.family === 4) return String(netmask);
    issues.add([...path, "netmask"], `${show(netmask)} is not an IPv4 mask; give one such as 255.255.255.0`);
  } else {
    if (/^\d{1,3}$/.test(String(netmask)) && Number(netmask) >= 1 && Number(netmask) <= 128) return String(Number(netmask));
    issues.add([...path, "netmask"], `${show(netmask)} is not an IPv6 prefix length; give 1 to 128`);
  }
  return "";
}

function readVip(own: ServiceKeys, id: ServiceId | undefined, path: ConfigPath, context: ReadContext): ReadService["vip"] {
  if (own.interface === undefined) return undefined;
  const place = [...path, "interface"];
  checkInterface(own.interface, place, context);
  if (id?.kind === "fwmark") {
    context.issues.add(place, "a service by fwmark has no address to put on an interface; name the VIP under addresses", "key");
  }
  if (id?.kind !== "address") return undefined;
  return { address: id.address, prefixLength: familyOf(id) === 4 ? 32 : 128, interface: own.interface, path: place };
}
