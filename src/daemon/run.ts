// `weir up`: the daemon as a process, in the foreground. Signals and the service manager on the one side, the daemon on the other.

import { once } from "node:events";
import { monotonicMicroseconds, notifyServiceManager, watchdogMilliseconds } from "#kernel/service-manager.js";
import type { HealthView } from "#model/health-view.js";
import type { DaemonParts } from "./daemon.js";
import { Daemon } from "./daemon.js";
import { becomeDaemon } from "./instance.js";

/** What runs beside the checks, for as long as the daemon does: the API. */
export type Extension = (daemon: Daemon) => Promise<{ stop(): Promise<void> }>;

/** Until SIGTERM or SIGINT. Throws what keeps it from starting; then nothing was changed. */
export async function runDaemon(parts: DaemonParts, extensions: readonly Extension[] = []): Promise<void> {
  const held = becomeDaemon();
  const ending = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  const starting = Daemon.start(parts);
  const endSignals = obeySignals(starting);
  try {
    const daemon = await starting;
    const running = [];
    for (const extend of extensions) running.push(await extend(daemon));
    const endReports = reportTo(daemon);
    await ending;
    notifyServiceManager(["STOPPING=1"]);
    endReports();
    for (const extension of running.toReversed()) await extension.stop();
    await daemon.stop();
    parts.log("information", "the daemon ends; the kernel goes on forwarding as it is");
  } finally {
    endSignals();
    held.release();
  }
}

/** SIGHUP reads the file again, when it has been read for the first time. */
function obeySignals(starting: Promise<Daemon>): () => void {
  const reload = (): void => void starting.then(reloadNotified, () => undefined);
  process.on("SIGHUP", reload);
  return () => void process.off("SIGHUP", reload);
}

async function reloadNotified(daemon: Daemon): Promise<void> {
  notifyServiceManager(["RELOADING=1", `MONOTONIC_USEC=${monotonicMicroseconds()}`]);
  await daemon.reload();
  notifyServiceManager(["READY=1", status(daemon.health)]);
}

/** Readiness now, the status after each event, and signs of life as often as they are asked for. */
function reportTo(daemon: Daemon): () => void {
  notifyServiceManager(["READY=1", status(daemon.health)]);
  const end = daemon.hub.subscribe(() => void notifyServiceManager([status(daemon.health)]));
  const milliseconds = watchdogMilliseconds();
  const timer = milliseconds === undefined ? undefined : setInterval(() => notifyServiceManager(["WATCHDOG=1"]), milliseconds / 2);
  return () => { end(); clearInterval(timer); };
}

function status(health: HealthView): string {
  const servers = health.servers();
  const lost = health.quorums().filter(({ held }) => !held).length;
  return `STATUS=${servers.filter(({ healthy }) => healthy).length} of ${servers.length} servers healthy${lost === 0 ? "" : `; ${lost} of ${health.quorums().length} services without their quorum`}`;
}
