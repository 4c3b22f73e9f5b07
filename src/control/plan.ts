// what `apply` would do, without doing it: it is done, to a copy of the director that forwards nothing. So a plan says of a file what `apply`
// then says, word for word, and it says what becomes of the connections that stand.

import type { Configuration, InterfaceSelection } from "#model/config.js";
import type { Destination, Director, ServiceState } from "#model/director.js";
import { MemoryDirector } from "#model/memory-director.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";
import type { DirectorParts } from "./apply.js";
import { applyConfiguration } from "./apply.js";
import { noPlace } from "./destinations.js";
import { SCHEDULERS } from "./encode.js";
import { chooseHook } from "./hook.js";
import { MemoryPlane } from "./memory-plane.js";
import { memoryRecord } from "./record.js";
import { MemoryHost } from "./settings/memory-host.js";
import type { Host } from "./settings/setting.js";

export interface Plan {
  /** What `apply` would report. */
  readonly changes: readonly string[];
  /** Connections that keep their server. */
  readonly staying: number;
  /** Servers that go while connections stand: those wait for their return, as IPVS's do, and their packets are dropped. */
  readonly leaving: readonly { readonly server: string; readonly service: string; readonly connections: number }[];
}

/** `running`: undefined where there is no director yet. Throws what `apply` would throw, but for what only the kernel knows: drivers without XDP, memory. */
export async function planConfiguration(
  configuration: Configuration, interfaces: readonly InterfaceSelection[], running: DirectorParts | undefined, host: Host,
): Promise<Plan> {
  const changes: string[] = [];
  const director = copyOf(running?.director);
  await applyConfiguration(configuration, interfaces, {
    director, dataPlane: new MemoryPlane(running?.dataPlane.status().attachments, chooseHook), host: new MemoryHost([], host), record: memoryRecord(running?.record.read()),
    report: (line) => void changes.push(line),
  });
  const [before, after] = [running?.director.services() ?? [], director.services()];
  checkRoom(running?.director.destinationPlaces?.(), before, after);
  return { changes, ...fatesOf(before, after) };
}

/** Throws NO_MEMORY as the director does, whose table is as large as it was made; those that go have their places until the change is made. */
function checkRoom(places: ReturnType<NonNullable<Director["destinationPlaces"]>> | undefined, before: readonly ServiceState[], after: readonly ServiceState[]): void {
  const names = new Set(before.flatMap((service) => service.destinations.map((destination) => nameIn(service, destination))));
  const coming = after.flatMap((service) => service.destinations.filter((destination) => !names.has(nameIn(service, destination)))).length;
  if (places !== undefined && places.taken + coming > places.all) throw noPlace(places.all);
}

function copyOf(running: Director | undefined): Director {
  const copy = new MemoryDirector({ schedulers: [...Object.keys(SCHEDULERS), "none"] });
  if (running === undefined) return copy;
  copy.setTimeouts(running.timeouts());
  copy.setSysctls(running.sysctls());
  copy.setMarkRules(running.markRules());
  for (const service of running.services()) {
    copy.addService(service);
    // Listed newest first, as they are added last.
    for (const destination of service.destinations.toReversed()) copy.addDestination(service.id, destination);
  }
  for (const daemon of running.syncDaemons?.() ?? []) copy.startSyncDaemon(daemon);
  return copy;
}

/** Of every destination before: whether it is there afterwards. */
function fatesOf(before: readonly ServiceState[], after: readonly ServiceState[]): Omit<Plan, "changes"> {
  const names = new Set(after.flatMap((service) => service.destinations.map((destination) => nameIn(service, destination))));
  const all = before.flatMap((service) => service.destinations.map((destination) => ({
    stays: names.has(nameIn(service, destination)), server: formatEndpoint(destination), service: formatServiceId(service.id),
    connections: destination.activeConnections + destination.inactiveConnections,
  })));
  return {
    staying: all.filter(({ stays }) => stays).reduce((sum, { connections }) => sum + connections, 0),
    leaving: all.filter(({ stays, connections }) => !stays && connections > 0).map(({ server, service, connections }) => ({ server, service, connections })),
  };
}

const nameIn = ({ id }: ServiceState, destination: Destination): string => `${formatServiceId(id)} ${formatEndpoint(destination)}`;
