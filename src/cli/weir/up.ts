// weir up FILE [--check]: everything is checked before anything is changed; then the running director becomes what the
// file says, and this program ends.

import { readFileSync } from "node:fs";
import { applyConfiguration } from "#control/apply.js";
import { withCommandLock } from "#control/command-lock.js";
import { SCHEDULERS } from "#control/encode.js";
import { usableInterfaces } from "#control/kernel-plane.js";
import { interfaces } from "#kernel/network.js";
import type { DataPlaneStatus } from "#control/plane.js";
import type { Configuration, InterfaceSelection } from "#model/config.js";
import { parseConfig } from "#model/config.js";
import { UsageError } from "./errors.js";
import { findDirectorParts, openDirectorParts } from "./parts.js";

export async function up(file: string, { check }: { readonly check: boolean }): Promise<void> {
  const configuration = parseConfig(readText(file), {
    file, interfaces: interfaces().map(({ name }) => name), schedulers: Object.keys(SCHEDULERS),
  });
  if (check) return console.log(`${file}: ${summary(configuration)}; no mistakes`);

  const changes = await withCommandLock(() => bring(configuration, selectInterfaces(configuration)));
  console.log(`${file}: ${summary(configuration)}${changes === 0 ? "; nothing to change" : ""}`);
}

/** Gives the number of changes. Where there was no director before, a failure leaves none. */
async function bring(configuration: Configuration, selected: readonly InterfaceSelection[]): Promise<number> {
  let changes = 0;
  const report = (line: string): void => { changes++; console.log(line); };
  const isNew = findDirectorParts(report) === undefined;
  const parts = openDirectorParts(configuration, report);
  try {
    noteTableSize(configuration, parts.dataPlane.status());
    await applyConfiguration(configuration, selected, parts);
    return changes;
  } catch (error) {
    if (isNew) await parts.dataPlane.detach();
    throw error;
  }
}

/** The table is as large as it was made: its connections could not be taken along into another. */
function noteTableSize(configuration: Configuration, { connectionTables }: DataPlaneStatus): void {
  for (const { family, entriesMax } of connectionTables) {
    const wanted = family === "IPv4" ? configuration.tableEntries : configuration.tableEntriesIpv6;
    if (wanted === undefined || wanted === entriesMax) continue;
    const remedy = `for ${wanted}, run weir down, which ends all connections, then weir up`;
    console.error(`weir: the connection table of ${family} keeps its ${entriesMax} entries; ${remedy}`);
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UsageError(`Cannot read the configuration ${file}: ${(error as Error).message}`);
  }
}

function selectInterfaces({ interfaces: wanted, mode }: Configuration): readonly InterfaceSelection[] {
  return wanted === "all" ? usableInterfaces().map(({ name }) => ({ name, mode })) : wanted;
}

function summary({ services }: Configuration): string {
  const destinations = services.reduce((sum, service) => sum + service.destinations.length, 0);
  return `${count(services.length, "service")}, ${count(destinations, "destination")}`;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
