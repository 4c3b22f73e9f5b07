// What was changed, in an operator's words: one line a change.

import type { Change } from "#model/diff.js";
import type { Destination, Service, ServiceId, SyncDaemonRequest, Timeouts } from "#model/director.js";
import type { SysctlName, SysctlValue } from "#model/sysctls.js";
import { SYSCTLS, formatSysctl } from "#model/sysctls.js";
import { formatEndpoint, formatMethod, formatServiceId } from "#model/names.js";
import type { AttachmentChange } from "./plane.js";

export function describeChange(change: Change): string {
  switch (change.kind) {
    case "addService": return `service ${formatServiceId(change.service.id)}: added, ${list(serviceSettings(change.service))}`;
    case "editService": return `service ${formatServiceId(change.service.id)}: ${edited(serviceSettings, change.before, change.service)}`;
    case "deleteService": return `service ${formatServiceId(change.service.id)}: removed`;
    case "addDestination": return `${destinationName(change)}: added, ${list(destinationSettings(change.destination))}`;
    case "editDestination": return `${destinationName(change)}: ${edited(destinationSettings, change.before, change.destination)}`;
    case "deleteDestination": return `${destinationName(change)}: removed`;
  }
}

export function describeAttachment({ interface: name, hook, reason, change }: AttachmentChange): string {
  if (change === "detached") return `interface ${name}: detached from ${hook}`;
  return `interface ${name}: ${change} ${change === "moved" ? "to" : "at"} ${hook}${reason === "" ? "" : ` (${reason})`}`;
}

export function describeTimeouts({ tcp, tcpFin, udp }: Timeouts): string {
  return `timeouts: tcp ${tcp} s, tcp after FIN ${tcpFin} s, udp ${udp} s`;
}

export function describeSyncDaemon({ role, interface: name, syncId }: SyncDaemonRequest): string {
  return `sync daemon ${role}: started on ${name}, sync id ${syncId}`;
}

export const describeSyncStop = (role: SyncDaemonRequest["role"]): string => `sync daemon ${role}: stopped`;

export function describeSysctl(name: SysctlName, value: SysctlValue): string {
  const { unused } = SYSCTLS[name];
  return `sysctl ${formatSysctl(name, value)}${unused === undefined ? "" : ` (nothing goes by it: ${unused})`}`;
}

function destinationName({ service, destination }: { readonly service: ServiceId; readonly destination: Destination }): string {
  return `  destination ${formatEndpoint(destination)} of ${formatServiceId(service)}`;
}

/** Name to text; what is at its default has no text of its own. */
type Settings = ReadonlyMap<string, string>;

function serviceSettings(service: Service): Settings {
  return settings({
    scheduler: service.scheduler,
    "scheduler flags": service.schedulerFlags || "",
    persistent: service.persistentSeconds === 0 ? "" : `${service.persistentSeconds} s`,
    netmask: service.netmask === "255.255.255.255" || service.netmask === "128" ? "" : service.netmask,
    "persistence engine": service.persistenceEngine,
    "one-packet": service.onePacket ? "yes" : "",
  });
}

function destinationSettings(destination: Destination): Settings {
  const tunnelled = destination.forward === "tunnel" && destination.tunnelType !== "ipip";
  return settings({
    method: formatMethod(destination.forward),
    weight: destination.weight,
    "upper threshold": destination.upperThreshold || "",
    "lower threshold": destination.lowerThreshold || "",
    tunnel: tunnelled ? destination.tunnelType : "",
    "tunnel port": tunnelled && destination.tunnelPort !== 0 ? destination.tunnelPort : "",
    "tunnel checksum": tunnelled && destination.tunnelChecksum !== "none" ? destination.tunnelChecksum : "",
  });
}

function settings(texts: { readonly [name: string]: string | number }): Settings {
  return new Map(Object.entries(texts).flatMap(([name, text]) => (text === "" ? [] : [[name, String(text)]])));
}

/** "weight 1 → 2": what is not the same before and after. */
function edited<T>(settingsOf: (thing: T) => Settings, thingBefore: T, thingAfter: T): string {
  const [before, after] = [settingsOf(thingBefore), settingsOf(thingAfter)];
  const names = [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
  return list(new Map(names.map((name) => [name, `${before.get(name) ?? "none"} → ${after.get(name) ?? "none"}`])));
}

const list = (texts: Settings): string => [...texts].map(([name, text]) => `${name} ${text}`).join(", ");
