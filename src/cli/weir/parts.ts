// What the commands work on: the real director, data plane and machine.

import type { DirectorParts, DirectorRecord } from "#control/apply.js";
import { StoreDirector } from "#control/director.js";
import { host } from "#control/host.js";
import { KernelPlane } from "#control/kernel-plane.js";
import { KernelStore, roomForDestinations } from "#control/kernel-store.js";
import type { RealServerParts, RealServerRecord } from "#control/realserver.js";
import { realServerRecordPath } from "#control/realserver-state.js";
import { openRecord } from "#control/record.js";
import { KernelDirector } from "#control/synchronisation/director.js";
import type { Configuration } from "#model/config.js";

type Report = (line: string) => void;
type StandingParts = Omit<DirectorParts, "director">;

/** The maps of this network namespace's director, or undefined where there is none. */
export const findStore = (): KernelStore | undefined => KernelStore.find();

/** The director of this network namespace, or undefined where there is none. */
export function findDirectorParts(report: Report): DirectorParts | undefined {
  const store = KernelStore.find();
  return store === undefined ? undefined : directorParts(store, report);
}

/** The same without the director: what this version cannot read in its maps, it can still take down. */
export function findStandingParts(report: Report): StandingParts | undefined {
  const store = KernelStore.find();
  return store === undefined ? undefined : standingParts(store, report);
}

/** The same as findDirectorParts(), made where there is none; the tables' sizes have a say only then. */
export function openDirectorParts({ tableEntries, tableEntriesIpv6, destinationEntries, services = [] }: Partial<Configuration>, report: Report): DirectorParts {
  const destinations = destinationEntries ?? roomForDestinations(services.reduce((sum, service) => sum + service.destinations.length, 0));
  const store = KernelStore.open({ connections: tableEntries, connectionsIpv6: tableEntriesIpv6, destinations });
  new StoreDirector(store).reclaim();
  return directorParts(store, report);
}

export function openRealServerParts(report: Report): RealServerParts {
  return { host, record: openRecord<RealServerRecord>(realServerRecordPath()), report };
}

function directorParts(store: KernelStore, report: Report): DirectorParts {
  return { director: new KernelDirector(store), ...standingParts(store, report) };
}

function standingParts(store: KernelStore, report: Report): StandingParts {
  return { dataPlane: new KernelPlane(store), host, record: openRecord<DirectorRecord>(store.state.filePath("up.json")), report };
}
