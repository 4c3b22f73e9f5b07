// What ipvsadm has made, as weir.yaml: services without checks. The commands themselves are read by cli/ipvsadm.

import { SCHEDULER_FLAGS } from "#model/config/schema.js";
import type { Destination, Service, SyncDaemonRequest, Timeouts } from "#model/director.js";
import { formatMethod, formatServiceId } from "#model/names.js";
import type { Imported, WrittenDestination, WrittenForwarding, WrittenService, WrittenSyncDaemon } from "./document.js";
import { defined, shareSettings } from "./document.js";
import type { Note } from "./report.js";

export interface MadeService extends Service {
  readonly destinations: readonly Destination[];
}

/** `timeouts`: those that were set; 0 for one that was not. `daemons`: as they were asked for. */
export function importServices(services: readonly MadeService[], timeouts: Timeouts, daemons: readonly SyncDaemonRequest[], notes: readonly Note[]): Imported {
  const set = Object.fromEntries(Object.entries(timeouts).filter(([, seconds]) => seconds !== 0));
  return {
    document: { ...(Object.keys(set).length > 0 ? { timeouts: set } : {}), ...(daemons.length > 0 ? { sync: daemons.map(writeSyncDaemon) } : {}), services: services.map(writeService) },
    origins: services.map(({ id }) => formatServiceId(id)),
    notes,
  };
}

const writeSyncDaemon = ({ role, interface: name, syncId, lengthMax, group, port, ttl }: SyncDaemonRequest): WrittenSyncDaemon =>
  defined({ role, interface: name, syncId: syncId || undefined, lengthMax, group, port, ttl });

function writeService(service: MadeService): WrittenService {
  const { id, persistentSeconds, netmask, persistenceEngine, onePacket } = service;
  const family = id.kind === "fwmark" ? id.family : id.address.includes(":") ? 6 : 4;
  const flags = flagNames(service);
  return shareSettings(defined({
    ...(id.kind === "fwmark" ? { fwmark: id.fwmark, family: family === 6 ? 6 as const : undefined } : { protocol: id.protocol, address: id.address, port: id.port }),
    scheduler: service.scheduler,
    schedulerFlags: flags.length === 0 ? undefined : flags,
    persistent: persistentSeconds || undefined,
    netmask: netmask === (family === 4 ? "255.255.255.255" : "128") ? undefined : netmask,
    persistenceEngine: persistenceEngine || undefined,
    onePacket: onePacket || undefined,
    destinations: service.destinations.map((destination) => writeDestination(destination, id.kind === "fwmark" ? 0 : id.port)),
  }));
}

/** By the scheduler's own names where it has some. */
function flagNames({ schedulerFlags, scheduler }: Service): readonly string[] {
  return [1, 2, 4].filter((bit) => schedulerFlags & bit).map((bit) => {
    const names = Object.entries(SCHEDULER_FLAGS).filter(([, value]) => value === bit).map(([name]) => name);
    return names.find((name) => name.startsWith(`${scheduler}-`)) ?? `flag-${Math.log2(bit) + 1}`;
  });
}

function writeDestination(destination: Destination, servicePort: number): WrittenDestination {
  const { address, port, weight, upperThreshold, lowerThreshold } = destination;
  return defined({
    address, port: port === servicePort ? undefined : port, ...writeForwarding(destination), weight: weight === 1 ? undefined : weight,
    upperThreshold: upperThreshold || undefined, lowerThreshold: lowerThreshold || undefined,
  });
}

function writeForwarding({ forward, tunnelType, tunnelPort, tunnelChecksum }: Destination): WrittenForwarding {
  const method = formatMethod(forward) as "nat" | "dr" | "tun";
  if (method !== "tun" || (tunnelType === "ipip" && tunnelChecksum === "none")) return { method };
  return { method, tunnel: defined({ type: tunnelType, port: tunnelPort || undefined, checksum: tunnelChecksum === "none" ? undefined : tunnelChecksum }) };
}
