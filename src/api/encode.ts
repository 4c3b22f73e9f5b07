// What the director says, as the API's schemas have it: weir.yaml's words, whole numbers of 64 bits as text.

import type * as model from "#model/director.js";
import type { HealthView } from "#model/health-view.js";
import type { NumberedEvent } from "#model/events.js";
import type { MarkRule, PortRange, Prefix } from "#model/marks.js";
import { SCHEDULER_FLAGS } from "#model/config/schema.js";
import { formatEndpoint, formatMethod } from "#model/names.js";
import type { DataPlaneStatus } from "#control/plane.js";
import type { Connection } from "./schemas/connection.js";
import type { Counters, Totals } from "./schemas/counters.js";
import type { Destination, DestinationInput } from "./schemas/destination.js";
import type { Event } from "./schemas/event.js";
import type { Health } from "./schemas/health.js";
import type { MarkRule as MarkRuleBody } from "./schemas/mark.js";
import type { Service, ServiceInput, ServiceKind } from "./schemas/service.js";
import type { Status } from "./schemas/status.js";

/** "tcp/10.0.0.100:80", "fwmark6/3": what stands behind /v1/services/. */
export function servicePath(id: model.ServiceId): string {
  const kind: ServiceKind = id.kind === "address" ? id.protocol : id.family === 6 ? "fwmark6" : "fwmark";
  return `${kind}/${id.kind === "address" ? formatEndpoint(id) : id.fwmark}`;
}

export function encodeService(service: model.ServiceState): Service {
  const { id } = service;
  const state = {
    id: servicePath(id), ...schedulingOf(service),
    counters: encodeCounters(service.counters), rates: encodeCounters(service.rates), destinations: service.destinations.map(encodeDestination),
  };
  return id.kind === "fwmark" ? { fwmark: id.fwmark, family: id.family, ...state } : { protocol: id.protocol, address: id.address, port: id.port, ...state };
}

/** As weir.yaml would have it. */
export function serviceInput(service: model.Service): ServiceInput {
  const { id } = service;
  const { persistent, persistenceEngine, ...scheduling } = schedulingOf(service);
  return {
    ...(id.kind === "fwmark" ? { fwmark: id.fwmark, family: id.family } : { protocol: id.protocol, address: id.address, port: id.port }),
    ...scheduling, ...(persistent === 0 ? {} : { persistent }), ...(persistenceEngine === null ? {} : { persistenceEngine }),
  };
}

function schedulingOf({ scheduler, schedulerFlags, persistentSeconds, netmask, persistenceEngine, onePacket }: model.Service) {
  return {
    scheduler, schedulerFlags: encodeFlags(schedulerFlags, scheduler), persistent: persistentSeconds, netmask,
    persistenceEngine: persistenceEngine === "" ? null : persistenceEngine as "sip", onePacket,
  };
}

type Flag = keyof typeof SCHEDULER_FLAGS;

/** The first two bits mean something to sh and mh, and go by their meaning there. */
function encodeFlags(bits: number, scheduler: string): Flag[] {
  const own = (Object.keys(SCHEDULER_FLAGS) as Flag[]).filter((flag) => flag.startsWith(`${scheduler}-`));
  const names: readonly Flag[] = own.length === 0 ? ["flag-1", "flag-2", "flag-3"] : [...own, "flag-3"];
  return names.filter((flag) => (bits & SCHEDULER_FLAGS[flag]) !== 0);
}

export function encodeDestination(destination: model.DestinationState): Destination {
  const { address, port, weight, upperThreshold, lowerThreshold, activeConnections, inactiveConnections, persistentConnections } = destination;
  return {
    id: formatEndpoint(destination), address, port, method: encodeMethod(destination.forward), weight, upperThreshold, lowerThreshold, tunnel: tunnelOf(destination),
    activeConnections, inactiveConnections, persistentConnections, counters: encodeCounters(destination.counters), rates: encodeCounters(destination.rates),
  };
}

/** The same; one that is local or bypassed by its address is so by any method. */
export function destinationInput(destination: model.Destination): DestinationInput {
  const { address, port, weight, upperThreshold, lowerThreshold } = destination;
  const method = encodeMethod(destination.forward);
  const tunnel = tunnelOf(destination);
  return {
    address, port, method: method === "local" || method === "bypass" ? "nat" : method, weight,
    ...(upperThreshold === 0 ? {} : { upperThreshold, lowerThreshold }),
    ...(tunnel === null ? {} : { tunnel: { type: tunnel.type, ...(tunnel.port === 0 ? {} : { port: tunnel.port }), checksum: tunnel.checksum } }),
  };
}

const encodeMethod = (forward: model.ForwardMethod) => formatMethod(forward) as Destination["method"];

function tunnelOf({ forward, tunnelType, tunnelPort, tunnelChecksum }: model.Destination): Destination["tunnel"] {
  return forward === "tunnel" ? { type: tunnelType, port: tunnelPort, checksum: tunnelChecksum } : null;
}

export function encodeCounters({ connections, packetsIn, packetsOut, bytesIn, bytesOut }: model.Counters): Counters {
  return { connections: `${connections}`, packetsIn: `${packetsIn}`, packetsOut: `${packetsOut}`, bytesIn: `${bytesIn}`, bytesOut: `${bytesOut}` };
}

export function encodeTotals({ counters, processors, rates }: model.Totals): Totals {
  return { counters: encodeCounters(counters), processors: processors.map(encodeCounters), rates: encodeCounters(rates) };
}

export function encodeConnection({ protocol, state, expiresSeconds, forward, client, virtual, destination, persistenceData }: model.Connection): Connection {
  const endpoint = ({ address, port }: model.DestinationId) => ({ address, port });
  return {
    protocol, state, expires: expiresSeconds, method: encodeMethod(forward), client: endpoint(client), virtual: endpoint(virtual), destination: endpoint(destination),
    persistence: persistenceData === undefined ? null : { engine: persistenceData.engine, data: persistenceData.text },
  };
}

export function encodeMarkRule({ mark, family, protocol, source, destination, sourcePorts, destinationPorts }: MarkRule): MarkRuleBody {
  return {
    mark, family, ...(protocol === undefined ? {} : { protocol }),
    ...(source === undefined ? {} : { from: prefixText(source) }), ...(destination === undefined ? {} : { to: prefixText(destination) }),
    ...(sourcePorts === undefined ? {} : { fromPorts: portsText(sourcePorts) }), ...(destinationPorts === undefined ? {} : { ports: portsText(destinationPorts) }),
  };
}
const prefixText = ({ address, length }: Prefix): string => `${address}/${length}`;
const portsText = ({ from, to }: PortRange): string | number => (from === to ? from : `${from}-${to}`);

export function encodeStatus({ attachments, egress = [], connectionTables, marks, verdicts, stateDirectory }: DataPlaneStatus, timeouts: model.Timeouts): Status {
  return {
    attachments: attachments.map(({ interface: name, hook, reason }) => ({ interface: name, hook, reason })),
    connectionTables: connectionTables.map(({ family, entriesUsed, entriesMax }) => ({ family, entriesUsed, entriesMax })),
    egress: [...egress],
    marks: marks === undefined ? null : { device: marks.device, marks: [...marks.marks], trouble: marks.trouble ?? null },
    verdicts: { ...verdicts },
    timeouts: { ...timeouts },
    stateDirectory,
  };
}

export function encodeHealth(health: HealthView): Health {
  return {
    servers: health.servers().map(({ service, server, state, since, weight, weightGiven, checks }) => ({
      service: servicePath(service), server: formatEndpoint(server), healthy: state === "up", state, since: since.toISOString(), weight, weightGiven: weightGiven ?? null,
      checks: checks.map((check) => ({ check: check.check, healthy: check.healthy ?? null, verdict: check.verdict, at: check.at?.toISOString() ?? null, failures: check.failures })),
    })),
    quorums: health.quorums().map(({ service, held, since, weight, needed, sorryServer, sorry }) => ({
      service: servicePath(service), held, since: since.toISOString(), weight, needed, sorryServer: sorryServer === undefined ? null : formatEndpoint(sorryServer), sorry: sorry ?? null,
    })),
  };
}

export function encodeEvent({ at, event }: NumberedEvent, id: string): Event {
  const common = { id, at: at.toISOString() };
  switch (event.kind) {
    case "configuration": return { ...common, kind: event.kind, by: event.by, changes: [...event.changes] };
    case "server": return { ...common, kind: event.kind, ...encodePlace(event), server: formatEndpoint(event.server), healthy: event.healthy, reason: event.reason };
    case "weight": return { ...common, kind: event.kind, ...encodePlace(event), server: formatEndpoint(event.server), before: event.before, weight: event.weight, reason: event.reason };
    case "quorum": return { ...common, kind: event.kind, ...encodePlace(event), held: event.held };
  }
}

const encodePlace = ({ service, group }: { readonly service: model.ServiceId; readonly group?: string }): { service: string; group?: string } =>
  ({ service: servicePath(service), ...(group !== undefined && { group }) });
