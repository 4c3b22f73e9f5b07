// weir up FILE: makes the director what the file says, as weir apply does, and stays: it watches the servers and serves the API.

import { readlinkSync } from "node:fs";
import { DirectorOperations } from "#api/director-operations.js";
import { listen } from "#api/listen.js";
import { KernelPlane } from "#control/kernel-plane.js";
import { prepareFor, settleAfter } from "#control/open.js";
import type { Daemon, OpenDirector } from "#daemon/daemon.js";
import { withSorryServer } from "#daemon/daemon.js";
import type { Log } from "#daemon/log.js";
import { openLog } from "#daemon/log.js";
import type { Extension } from "#daemon/run.js";
import { runDaemon } from "#daemon/run.js";
import { possibleCpus } from "#kernel/map.js";
import type { Configuration } from "#model/config.js";
import type { ProcFile } from "../proc/files.js";
import { PROC_FILES } from "../proc/files.js";
import { noteTableSize } from "./apply.js";
import { parseConfiguration, readConfiguration, selectInterfaces, summary } from "./configuration.js";
import { UsageError } from "./errors.js";
import { findStore, openDirectorParts } from "./parts.js";

export async function up(file: string, version: string): Promise<void> {
  if (file === "-") throw new UsageError("Cannot stay with a configuration of stdin: it cannot be read again; give a file, or use weir apply -");
  // Who read the log may go; the servers are watched all the same.
  process.stdout.removeAllListeners("error").on("error", () => undefined);
  const log = openLog((text) => process.stdout.write(text), process.env["JOURNAL_STREAM"] !== undefined);
  const watch: Extension = (_daemon, configuration) => Promise.resolve({
    begun: () => log("information", `${file}: ${summary(configuration)}; watching`),
    stop: () => Promise.resolve(),
  });
  await runDaemon({ read: () => readConfiguration(file), selectInterfaces, open, log }, [serveApi(version, log), watch]);
}

function open(configuration: Configuration): OpenDirector {
  const isNew = findStore() === undefined;
  const parts = openDirectorParts(configuration, () => undefined);
  noteTableSize(configuration, parts.dataPlane.status());
  return { parts, isNew, prepare: (services) => new KernelPlane(findStore()!).prepare(services) };
}

/** Where the file says. What is applied through the API moves no sockets: it would cut off who asked. */
function serveApi(version: string, log: Log): Extension {
  return async (daemon, { api: first }) => {
    const operations = operationsOn(daemon, version);
    daemon.aside = (use) => operations.aside(use);
    let served = first;
    const api = await listen(served, { operations, onFailure: (error) => log("error", `API: ${error.message}`) });
    const tell = (addresses: readonly string[]): void => { for (const address of addresses) log("information", `the API listens at ${address}`); };
    return {
      begun: () => tell(api.addresses),
      // Where the file was not taken, certificates and tokens are read again all the same.
      reload: async (configuration) => {
        const before = api.addresses;
        try {
          await api.move(configuration?.api ?? served);
        } catch (error) {
          throw new Error(`${(error as Error).message}\nthe API goes on at ${before.join(" and ")}, as it was`, { cause: error });
        }
        served = configuration?.api ?? served;
        tell(api.addresses.filter((address) => !before.includes(address)));
      },
      stop: () => api.close(),
    };
  };
}

function operationsOn(daemon: Daemon, version: string): DirectorOperations {
  const parts = daemon.director;
  return new DirectorOperations({
    version, namespace: readlinkSync("/proc/self/ns/net"), parts, hub: daemon.hub, health: daemon.health,
    readConfiguration: (text, name) => parseConfiguration(text, name, undefined),
    selectInterfaces,
    proc: (name) => PROC_FILES[name as ProcFile](parts.director, possibleCpus()),
    exclusively: (use) => daemon.exclusively(use),
    prepare: prepareFor, settle: () => settleAfter(daemon.configuration.services.map(withSorryServer)),
    apply: (configuration, report) => daemon.apply(configuration, report),
    plan: (configuration) => daemon.plan(configuration),
    takeDown: (report) => daemon.takeDown(report),
  });
}
