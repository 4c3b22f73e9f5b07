// The API beside the daemon: what it asks for is done by the daemon's own means, so that health and files and requests agree.

import { readFileSync } from "node:fs";
import { DirectorOperations } from "#api/director-operations.js";
import type { ApiServer } from "#api/listen.js";
import { listen } from "#api/listen.js";
import type { DirectorParts } from "#control/apply.js";
import type { EventHub } from "#control/event-hub.js";
import { prepareFor, settleAfter } from "#control/open.js";
import { SCHEDULERS } from "#control/encode.js";
import { possibleCpus } from "#kernel/map.js";
import { networkNamespaceName } from "#kernel/namespace.js";
import { interfaces } from "#kernel/network.js";
import type { Configuration } from "#model/config.js";
import { parseConfig } from "#model/config.js";
import type { HealthView } from "#model/health-view.js";
import { PROC_FILES, type ProcFile } from "../proc/files.js";
import { selectInterfaces } from "./configuration.js";

/** What the API needs of a daemon. */
export interface ServedDaemon {
  readonly hub: EventHub;
  readonly health: HealthView;
  readonly director: Omit<DirectorParts, "report">;
  exclusively<T>(use: () => T | Promise<T>): Promise<T>;
  apply(configuration: Configuration, report: (line: string) => void): Promise<void>;
  takeDown(report: (line: string) => void): Promise<void>;
}

export function serveApi({ api }: Configuration, daemon: ServedDaemon, onFailure: (error: Error) => void): Promise<ApiServer> {
  const operations = new DirectorOperations({
    version: version(), namespace: networkNamespaceName(), hub: daemon.hub, health: daemon.health, parts: daemon.director,
    readConfiguration: readDocument, selectInterfaces,
    proc: (name) => PROC_FILES[name as ProcFile](daemon.director.director, possibleCpus()),
    exclusively: (use) => daemon.exclusively(use), apply: (wanted, report) => daemon.apply(wanted, report), takeDown: (report) => daemon.takeDown(report),
    prepare: prepareFor, settle: settleAfter,
  });
  return listen(api, { operations, onFailure });
}

/** Who sends a configuration has no say in what files and variables this process may read. */
function readDocument(text: string, file: string): Configuration {
  return parseConfig(text, { file, interfaces: interfaces().map(({ name }) => name), schedulers: Object.keys(SCHEDULERS) });
}

function version(): string {
  return (JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string }).version;
}
