// weir up FILE: makes the director what the file says, as weir apply does, and stays to watch its servers.

import { KernelPlane } from "#control/kernel-plane.js";
import { openLog } from "#daemon/log.js";
import type { OpenDirector } from "#daemon/daemon.js";
import { runDaemon } from "#daemon/run.js";
import type { Configuration } from "#model/config.js";
import { noteTableSize } from "./apply.js";
import { readConfiguration, selectInterfaces } from "./configuration.js";
import { UsageError } from "./errors.js";
import { findStore, openDirectorParts } from "./parts.js";

export async function up(file: string): Promise<void> {
  if (file === "-") throw new UsageError("Cannot stay with a configuration of stdin: it cannot be read again; give a file, or use weir apply -");
  // Who read the log may go; the servers are watched all the same.
  process.stdout.removeAllListeners("error").on("error", () => undefined);
  const log = openLog((text) => process.stdout.write(text), process.env["JOURNAL_STREAM"] !== undefined);
  await runDaemon({ read: () => readConfiguration(file), selectInterfaces, open, log });
}

function open(configuration: Configuration): OpenDirector {
  const isNew = findStore() === undefined;
  const parts = openDirectorParts(configuration, () => undefined);
  noteTableSize(configuration, parts.dataPlane.status());
  return { parts, isNew, prepare: (services) => new KernelPlane(findStore()!).prepare(services) };
}
