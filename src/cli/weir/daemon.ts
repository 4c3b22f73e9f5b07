// The daemon: keeps a director to its configuration as its servers' health asks for it, and serves the API. Nothing that it does is in
// a packet's way: when it ends, however it ends, all goes on forwarding.
//
//   configuration ─▶ control/health/engine ─▶ control/apply ─▶ the director;  api/listen ─▶ api/director-operations ─┘

import { readlinkSync } from "node:fs";
import { DirectorOperations } from "#api/director-operations.js";
import type { ApiServer } from "#api/listen.js";
import { listen } from "#api/listen.js";
import type { DirectorParts } from "#control/apply.js";
import { applyConfiguration, takeDown } from "#control/apply.js";
import { withCommandLockSoon } from "#control/command-lock.js";
import { EventHub } from "#control/event-hub.js";
import { carryOut } from "#control/health/carry-out.js";
import { systemClock } from "#control/health/clock.js";
import { HealthEngine } from "#control/health/engine.js";
import type { HealthEvent } from "#control/health/events.js";
import { describeEvent, directorEvent, isBad } from "#control/health/events.js";
import { NotificationQueue } from "#control/health/notify.js";
import { probe } from "#control/health/probe.js";
import { prepareFor, settleAfter } from "#control/open.js";
import { possibleCpus } from "#kernel/map.js";
import type { ConfiguredDestination, ConfiguredService, Configuration } from "#model/config.js";
import type { ServiceWithDestinations } from "#model/director.js";
import type { ProcFile } from "../proc/files.js";
import { PROC_FILES } from "../proc/files.js";
import { parseConfiguration, selectInterfaces } from "./configuration.js";
import { findDirectorParts, openDirectorParts } from "./parts.js";

export interface DaemonOptions {
  readonly version: string;
  /** One line for an administrator; `bad`: he should look. */
  readonly log: (line: string, bad?: boolean) => void;
}

export class Daemon {
  readonly #options: DaemonOptions;
  readonly #hub = new EventHub();
  readonly #engine: HealthEngine;
  readonly #notifications: NotificationQueue;
  #parts: DirectorParts | undefined;
  #api: ApiServer | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#notifications = new NotificationQueue(systemClock, (event) => this.#emit(event));
    this.#engine = new HealthEngine({
      clock: systemClock, random: Math.random, probe,
      exclusively: withCommandLockSoon,
      carryOut: (changes) => carryOut(this.#standing().director, changes),
      emit: (event) => this.#emit(event),
      notify: (command) => this.#notifications.add(command),
    });
  }

  /** Makes the director what the configuration and the servers' health say, watches the servers, and serves the API. */
  async start(configuration: Configuration): Promise<void> {
    this.#parts = openDirectorParts(configuration, () => {});
    await withCommandLockSoon(() => this.#configure(configuration, (line) => this.#options.log(line)));
    this.#api = await listen(configuration.api, { operations: this.#operations(), onFailure: (error) => this.#options.log(`API: ${error.message}`, true) });
    for (const address of this.#api.addresses) this.#options.log(`the API listens at ${address}`);
  }

  /** Another configuration. Throws what is wrong with it, and goes on as before then. */
  async reload(configuration: Configuration): Promise<void> {
    await withCommandLockSoon(() => this.#configure(configuration, (line) => this.#options.log(line)));
    this.#api?.reload();
    this.#hub.publish({ kind: "configuration", by: "other", changes: [] });
  }

  /** What forwards is left as it is. */
  async stop(): Promise<void> {
    await this.#engine.stop();
    this.#notifications.stop();
    await this.#api?.close();
  }

  #configure(configuration: Configuration, report: (line: string) => void): Promise<void> {
    const parts = this.#standing();
    return this.#engine.configure(configuration.services, parts.director.services(), (wanted) =>
      applyConfiguration({ ...configuration, services: asHealthSays(configuration.services, wanted) }, selectInterfaces(configuration), { ...parts, report }));
  }

  #operations(): DirectorOperations {
    const parts = this.#standing();
    return new DirectorOperations({
      version: this.#options.version, namespace: readlinkSync("/proc/self/ns/net"), parts, hub: this.#hub, health: this.#engine.view,
      readConfiguration: (text, file) => parseConfiguration(text, file, undefined),
      selectInterfaces,
      proc: (name) => PROC_FILES[name as ProcFile](parts.director, possibleCpus()),
      exclusively: withCommandLockSoon,
      prepare: prepareFor, settle: settleAfter,
      apply: (configuration, report) => this.#configure(configuration, report),
      takeDown: async (report) => {
        await this.#engine.configure([], [], async () => {});
        await takeDown({ ...parts, report });
      },
    });
  }

  #standing(): DirectorParts {
    return (this.#parts ??= findDirectorParts(() => {}))!;
  }

  #emit(event: HealthEvent): void {
    for (const line of describeEvent(event)) this.#options.log(line, isBad(event));
    const told = directorEvent(event);
    if (told !== undefined) this.#hub.publish(told);
  }
}

/** The services with those servers that are to be there. */
function asHealthSays(configured: readonly ConfiguredService[], wanted: readonly ServiceWithDestinations[]): readonly ConfiguredService[] {
  return configured.map((service, i) => ({ ...service, destinations: wanted[i]!.destinations as readonly ConfiguredDestination[] }));
}
