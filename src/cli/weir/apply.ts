// weir apply FILE [--check]: everything is checked before anything is changed; then the running director becomes what the
// file says, and this program ends. Where a daemon runs, it does so, and watches the file's servers from then on.

import type { WeirClient } from "#api/client.js";
import { applyConfiguration } from "#control/apply.js";
import { withCommandLock } from "#control/command-lock.js";
import type { DataPlaneStatus } from "#control/plane.js";
import { daemonProcess } from "#daemon/instance.js";
import type { Configuration, InterfaceSelection } from "#model/config.js";
import { readConfigurationAndDocument, selectInterfaces, summary } from "./configuration.js";
import { UsageError } from "./errors.js";
import { withDaemon } from "./find-daemon.js";
import { Lines } from "./lines.js";
import { findDirectorParts, openDirectorParts } from "./parts.js";

export async function apply(file: string, { check }: { readonly check: boolean }): Promise<void> {
  const { configuration, document } = await readConfigurationAndDocument(file);
  if (check) return console.log(`${file}: ${summary(configuration)}; no mistakes`);

  const asked = await withDaemon((daemon) => askDaemon(daemon, configuration, document, file));
  if (asked === undefined) {
    refuseBesideDaemon();
    noteChecks(configuration);
  }
  const changes = asked?.answer ?? await withCommandLock(() => bring(configuration, selectInterfaces(configuration)));
  console.log(`${file}: ${summary(configuration)}${changes === 0 ? "; nothing to change" : ""}`);
}

/** One that does not answer where it is looked for would go on by its own file. */
function refuseBesideDaemon(): void {
  const pid = daemonProcess();
  if (pid !== undefined) throw new UsageError(`Cannot apply a file beside process ${pid}, weir up, whose API does not answer: it keeps the director to its own; change that, and kill -HUP ${pid}`);
}

/** Gives the number of changes. */
async function askDaemon(daemon: WeirClient, configuration: Configuration, document: object, file: string): Promise<number> {
  noteTableSize(configuration, await daemon.status());
  const { changes } = await daemon.apply(document, { file });
  for (const line of changes) console.log(line);
  return changes.length;
}

/** The same. Where there was no director before, a failure leaves none. */
async function bring(configuration: Configuration, selected: readonly InterfaceSelection[]): Promise<number> {
  const lines = new Lines();
  const report = (line: string): void => lines.add(line);
  const isNew = findDirectorParts(report) === undefined;
  const parts = openDirectorParts(configuration, report);
  try {
    noteTableSize(configuration, parts.dataPlane.status());
    await applyConfiguration(configuration, selected, parts);
    return lines.count;
  } catch (error) {
    if (isNew) await parts.dataPlane.detach();
    throw error;
  } finally {
    lines.flush();
  }
}

/** The table is as large as it was made: its connections could not be taken along into another. */
export function noteTableSize(configuration: Configuration, { connectionTables }: Pick<DataPlaneStatus, "connectionTables">): void {
  for (const { family, entriesMax } of connectionTables) {
    const wanted = family === "IPv4" ? configuration.tableEntries : configuration.tableEntriesIpv6;
    if (wanted === undefined || wanted === entriesMax) continue;
    const remedy = `for ${wanted}, run weir down, which ends all connections, then weir apply`;
    console.error(`weir: the connection table of ${family} keeps its ${entriesMax} entries; ${remedy}`);
  }
}

/** No process stays to carry them out. */
function noteChecks({ services }: Configuration): void {
  const count = services.flatMap(({ destinations }) => destinations.flatMap(({ health }) => health.checks)).length;
  if (count > 0) console.error(`weir: nothing carries out the ${count} ${count === 1 ? "check" : "checks"} of this file, and all its servers pass for healthy: weir up is the daemon that watches them`);
}
