// The daemon: keeps a director to its configuration and watches the servers. Nothing of it stands in the packets' path: when it ends,
// however it ends, the kernel goes on with what was there.

import type { DirectorParts } from "#control/apply.js";
import { applyConfiguration, takeDown } from "#control/apply.js";
import { withCommandLockSoon } from "#control/command-lock.js";
import { EventHub } from "#control/event-hub.js";
import { checksAtOnceMax, PROGRAMS_AT_ONCE_MAX } from "#control/health/at-once.js";
import { carryOut } from "#control/health/carry-out.js";
import { systemClock } from "#control/health/clock.js";
import { describeWatching } from "#control/health/describe.js";
import { HealthEngine } from "#control/health/engine.js";
import type { HealthEvent } from "#control/health/events.js";
import { describeEvent, directorEvent, isBad } from "#control/health/events.js";
import { NotificationQueue } from "#control/health/notify.js";
import { probe } from "#control/health/probe.js";
import type { Plan } from "#control/plan.js";
import { planConfiguration } from "#control/plan.js";
import type { ServiceUse } from "#control/uses.js";
import type { Configuration, ConfiguredService, InterfaceSelection } from "#model/config.js";
import type { HealthView } from "#model/health-view.js";
import type { Log } from "./log.js";
import { refuseUnworkable } from "./workable.js";

type Report = (line: string) => void;

export interface DaemonParts {
  /** Throws ConfigError with every mistake. */
  readonly read: () => Promise<Configuration>;
  readonly selectInterfaces: (configuration: Configuration) => readonly InterfaceSelection[];
  /** The director of this network namespace; made, as `isNew` says, where there was none. */
  readonly open: (configuration: Configuration) => OpenDirector;
  readonly log: Log;
}

export interface OpenDirector {
  readonly parts: Omit<DirectorParts, "report">;
  readonly isNew: boolean;
  /** Sees to what packets need that are for servers which come later. */
  readonly prepare: (services: readonly ServiceUse[]) => Promise<void>;
}

export class Daemon {
  /** Of the director: who follows them hears of health, and of another file. */
  readonly hub = new EventHub();
  /** Around what the daemon changes by itself, which the hub is told of: for who looks for what others change. */
  aside: <T>(use: () => T) => T = (use) => use();
  /** When somebody asked it to take the director down: nothing is left to keep. */
  readonly takenDown: Promise<void>;
  #end = (): void => undefined;
  readonly #engine: HealthEngine;
  readonly #notifications: NotificationQueue;
  readonly #daemonParts: DaemonParts;
  /** Of the director, from the first configuration on. */
  #opened: OpenDirector | undefined;
  #configuration: Configuration | undefined;
  /** One file after another, however fast the signals come. */
  #reloads: Promise<unknown> = Promise.resolve();

  private constructor(parts: DaemonParts) {
    this.#daemonParts = parts;
    this.takenDown = new Promise((resolve) => { this.#end = resolve; });
    const emit = (event: HealthEvent): void => this.#tell(event);
    this.#notifications = new NotificationQueue(systemClock, emit);
    this.#engine = new HealthEngine({
      clock: systemClock, random: Math.random, atOnceMax: { checks: checksAtOnceMax(), programs: PROGRAMS_AT_ONCE_MAX }, probe, emit,
      exclusively: (use) => this.exclusively(use),
      carryOut: (changes) => this.aside(() => carryOut(this.director.director, changes)),
      notify: (command) => this.#notifications.add(command),
    });
  }

  /**
   * Reads its file, makes the director what it says and begins to check. Throws what keeps it from that; then nothing was changed. `beside`: begins what is to run
   * beside the checks, when the file is known to be right and before anything is changed, for it may fail too; what it began is its own to end when the rest fails.
   */
  static async start(parts: DaemonParts, beside: (daemon: Daemon, configuration: Configuration) => Promise<void> = () => Promise.resolve()): Promise<Daemon> {
    const daemon = new Daemon(parts);
    const configuration = await parts.read();
    const isRoot = process.geteuid?.() === 0;
    refuseUnworkable(configuration.services, isRoot);
    await daemon.exclusively(async () => {
      daemon.#opened = parts.open(configuration);
      try {
        await beside(daemon, configuration);
        await daemon.apply(configuration, (line) => parts.log("information", line));
      } catch (error) {
        if (daemon.#opened.isNew) await daemon.director.dataPlane.detach();
        throw error;
      }
    });
    return daemon;
  }

  /** That is kept to. */
  get configuration(): Configuration {
    if (this.#configuration === undefined) throw new Error("the daemon has no configuration before it has started");
    return this.#configuration;
  }

  get health(): HealthView {
    return this.#engine.view;
  }

  /** What is kept to the configuration. */
  get director(): Omit<DirectorParts, "report"> {
    if (this.#opened === undefined) throw new Error("the daemon has no director before it has started");
    return this.#opened.parts;
  }

  /** Nobody else changes the director meanwhile, and no health does. */
  exclusively<T>(use: () => T | Promise<T>): Promise<T> {
    return withCommandLockSoon(use);
  }

  /** Makes the director what a configuration says, with the servers as their health has them; what fails changes nothing. Inside of exclusively(). */
  async apply(configuration: Configuration, report: Report): Promise<void> {
    const isFirst = this.#engine.isIdle;
    refuseUnworkable(configuration.services, process.geteuid?.() === 0);
    const standing = isFirst ? this.director.director.services() : [];
    await this.#engine.configure(configuration.services, standing, async (services) => {
      await applyConfiguration({ ...configuration, services }, this.#daemonParts.selectInterfaces(configuration), { ...this.director, report });
      await this.#opened?.prepare(configuration.services.map(withSorryServer));
    });
    for (const line of describeWatching(this.#configuration?.services ?? [], configuration.services)) report(line);
    this.#configuration = configuration;
  }

  /** What apply() would do, in its words, while the servers' health is what it is. Throws what that would throw. */
  async plan(configuration: Configuration): Promise<Plan> {
    refuseUnworkable(configuration.services, process.geteuid?.() === 0);
    const services = this.#engine.wanted(configuration.services);
    const { changes, ...fates } = await planConfiguration({ ...configuration, services }, this.#daemonParts.selectInterfaces(configuration), { ...this.director, report: () => undefined }, this.director.host);
    return { changes: [...changes, ...describeWatching(this.#configuration?.services ?? [], configuration.services)], ...fates };
  }

  /** Forwarding ends, and nobody is watched any more. Inside of exclusively(). */
  async takeDown(report: Report): Promise<void> {
    await this.#engine.configure([], [], () => takeDown({ ...this.director, report }));
    this.#end();
  }

  /** Reads the file again, and gives what it says. Mistakes are told, and change nothing: undefined. */
  reload(): Promise<Configuration | undefined> {
    const reloading = this.#reloads.then(() => this.#reload());
    this.#reloads = reloading;
    return reloading;
  }

  /** Ends the checks, and what was being told; what forwards goes on. */
  async stop(): Promise<void> {
    this.#notifications.stop();
    await this.#engine.stop();
  }

  async #reload(): Promise<Configuration | undefined> {
    const { log, read } = this.#daemonParts;
    const changes: string[] = [];
    try {
      const configuration = await read();
      await this.exclusively(() => this.aside(() => this.apply(configuration, (line) => { changes.push(line); log("information", line); })));
      if (changes.length > 0) this.hub.publish({ kind: "configuration", by: "file", changes });
      log("information", changes.length === 0 ? "the file was read again; nothing to change" : "the file was read again");
      return configuration;
    } catch (error) {
      log("error", `${(error as Error).message}`);
      log("error", "the file was not taken; all stays as it was");
      return undefined;
    }
  }

  #tell(event: HealthEvent): void {
    const level = isBad(event) ? "warning" : "information";
    for (const line of describeEvent(event)) this.#daemonParts.log(level, line);
    const told = directorEvent(event);
    if (told !== undefined) this.hub.publish(told);
  }
}

/** All servers that may ever be in it. */
export function withSorryServer({ id, persistenceEngine, destinations, health: { sorryServer } }: ConfiguredService): ServiceUse {
  return { id, persistenceEngine, destinations: sorryServer === undefined ? destinations : [...destinations, sorryServer] };
}
