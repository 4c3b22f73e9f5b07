// weir up FILE: the daemon, in the foreground. SIGHUP reads the file again, SIGTERM and SIGINT end it; the kernel forwards on.

import { monotonicMicroseconds, notifyServiceManager } from "#kernel/service-manager.js";
import { readConfiguration, summary } from "./configuration.js";
import { Daemon } from "./daemon.js";
import { reportError } from "./errors.js";

/** Linux include/linux/kern_levels.h, as sd-daemon(3) has it: where the journal reads, a line begins with its level. */
const LEVELS = { bad: "<4>", good: "<6>" };

export async function up(file: string, version: string): Promise<void> {
  const configuration = readConfiguration(file);
  const inJournal = process.env["JOURNAL_STREAM"] !== undefined;
  const log = (line: string, bad = false): void => console.log(`${inJournal ? (bad ? LEVELS.bad : LEVELS.good) : ""}${line}`);
  const daemon = new Daemon({ version, log });
  const ended = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
  try {
    await daemon.start(configuration);
    log(`${file}: ${summary(configuration)}; watching`);
    process.on("SIGHUP", () => void reload(daemon, file, log));
    notifyServiceManager(["READY=1", `STATUS=${summary(configuration)}`]);
    log(`${await ended}: the daemon ends, and the kernel forwards on`);
    notifyServiceManager(["STOPPING=1"]);
  } finally {
    await daemon.stop();
  }
}

async function reload(daemon: Daemon, file: string, log: (line: string, bad?: boolean) => void): Promise<void> {
  notifyServiceManager(["RELOADING=1", `MONOTONIC_USEC=${monotonicMicroseconds()}`]);
  try {
    const configuration = readConfiguration(file);
    await daemon.reload(configuration);
    log(`${file}: ${summary(configuration)}; read again`);
    notifyServiceManager(["READY=1", `STATUS=${summary(configuration)}`]);
  } catch (error) {
    reportError(error);
    log(`${file}: not used; all goes on as before`, true);
    notifyServiceManager(["READY=1"]);
  }
}
