// `weir up`: the daemon as a process, in the foreground. Signals and the service manager on the one side, the daemon on the other.

import { once } from "node:events";
import { monotonicMicroseconds, notifyServiceManager, watchdogMilliseconds } from "#kernel/service-manager.js";
import type { Configuration } from "#model/config.js";
import type { HealthView } from "#model/health-view.js";
import type { DaemonParts } from "./daemon.js";
import { Daemon } from "./daemon.js";
import { becomeDaemon } from "./instance.js";
import type { Log } from "./log.js";

/** What runs beside the checks, for as long as the daemon does: the API. It begins before the director is made what the configuration says: when it fails, nothing was changed. */
export type Extension = (daemon: Daemon, configuration: Configuration) => Promise<RunningExtension>;

export interface RunningExtension {
  /** The director is what the configuration says. */
  begun?(): void;
  /** After the file was read again: takes it, and reads its own. Undefined: the file was not taken. What it throws is logged. */
  reload?(configuration: Configuration | undefined): Promise<void>;
  stop(): Promise<void>;
}

/** Until SIGTERM, SIGINT, or the end of its director. Throws what keeps it from starting; then nothing was changed. */
export async function runDaemon(parts: DaemonParts, extensions: readonly Extension[] = []): Promise<void> {
  const held = becomeDaemon();
  const ending = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  const running: RunningExtension[] = [];
  const starting = startAll(parts, extensions, running);
  const endSignals = obeySignals(starting, running, parts.log);
  try {
    const daemon = await starting;
    const endReports = reportTo(daemon);
    const isDown = await Promise.race([ending.then(() => false), daemon.takenDown.then(() => true)]);
    tell(["STOPPING=1"]);
    endReports();
    await stopExtensions(running);
    await daemon.stop();
    parts.log("information", isDown ? "the director was taken down; the daemon ends" : "the daemon ends; the kernel goes on forwarding as it is");
  } finally {
    endSignals();
    held.release();
  }
}

async function startAll(parts: DaemonParts, extensions: readonly Extension[], running: RunningExtension[]): Promise<Daemon> {
  try {
    const daemon = await Daemon.start(parts, async (starting, configuration) => {
      for (const extend of extensions) running.push(await extend(starting, configuration));
    });
    for (const extension of running) extension.begun?.();
    return daemon;
  } catch (error) {
    await stopExtensions(running);
    throw error;
  }
}

async function stopExtensions(running: readonly RunningExtension[]): Promise<void> {
  for (const extension of running.toReversed()) await extension.stop();
}

/** SIGHUP reads the file again, when it has been read for the first time. */
function obeySignals(starting: Promise<Daemon>, running: readonly RunningExtension[], log: Log): () => void {
  const reload = (): void => void starting.then((daemon) => reloadNotified(daemon, running, log), () => undefined);
  process.on("SIGHUP", reload);
  return () => void process.off("SIGHUP", reload);
}

async function reloadNotified(daemon: Daemon, running: readonly RunningExtension[], log: Log): Promise<void> {
  tell(["RELOADING=1", `MONOTONIC_USEC=${monotonicMicroseconds()}`]);
  const configuration = await daemon.reload();
  for (const extension of running) {
    try {
      await extension.reload?.(configuration);
    } catch (error) {
      log("error", (error as Error).message);
    }
  }
  tell(["READY=1", status(daemon.health)]);
}

/** Counting all servers takes its time: not for each of them that falls at once. */
const STATUS_MILLISECONDS = 1000;

/** Readiness now, the status as it changes, and signs of life as often as they are asked for. */
function reportTo(daemon: Daemon): () => void {
  tell(["READY=1", status(daemon.health)]);
  let later: NodeJS.Timeout | undefined;
  const end = daemon.hub.subscribe(({ event }) => {
    if (event.kind !== "configuration") later ??= setTimeout(() => { later = undefined; tell([status(daemon.health)]); }, STATUS_MILLISECONDS);
  });
  const milliseconds = watchdogMilliseconds();
  const timer = milliseconds === undefined ? undefined : setInterval(() => tell(["WATCHDOG=1"]), milliseconds / 2);
  return () => { end(); clearTimeout(later); clearInterval(timer); };
}

/** One that went away is no reason to end. */
function tell(assignments: readonly string[]): void {
  try {
    notifyServiceManager(assignments);
  } catch {
    // It watches us, not we it: when it misses what it waits for, it says so itself.
  }
}

function status(health: HealthView): string {
  const servers = health.servers();
  const lost = health.quorums().filter(({ held }) => !held).length;
  return `STATUS=${servers.filter(({ state }) => state === "up").length} of ${servers.length} servers healthy${lost === 0 ? "" : `; ${lost} of ${health.quorums().length} services without their quorum`}`;
}
