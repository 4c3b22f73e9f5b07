// One daemon a network namespace: who holds the lock is it, and has its number in the file.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { stateRoot } from "#control/command-lock.js";
import { KernelError } from "#kernel/errors.js";
import { lock, type Lock } from "#kernel/lock.js";
import { networkNamespaceCookie } from "#kernel/namespace.js";
import { DaemonError } from "./errors.js";

/** Longer than anybody takes who only looks (daemonProcess()). */
const TIMEOUT_SECONDS = 0.5;

/** Held until this process ends, however it ends. */
export function becomeDaemon(): Lock {
  const path = lockPath();
  mkdirSync(stateRoot(), { recursive: true, mode: 0o700 });
  const held = tryLock(path, TIMEOUT_SECONDS);
  if (held === undefined) {
    const pid = readPid(path);
    throw new DaemonError("RUNNING", `Cannot start a daemon: process ${pid ?? "unknown"} is that of this network namespace; `
      + `kill -HUP ${pid ?? "PID"} makes it read its file again, kill ${pid ?? "PID"} ends it`);
  }
  writeFileSync(path, `${process.pid}\n`);
  return held;
}

/** The number of this network namespace's daemon; undefined where there is none. */
export function daemonProcess(): number | undefined {
  const path = lockPath();
  const pid = readPid(path);
  if (pid === undefined) return undefined;
  const held = tryLock(path, 0, "shared");
  held?.release();
  return held === undefined ? pid : undefined;
}

function tryLock(path: string, timeoutSeconds: number, mode: "exclusive" | "shared" = "exclusive"): Lock | undefined {
  try {
    return lock(path, { timeoutSeconds, mode });
  } catch (error) {
    if (error instanceof KernelError && error.code === "LOCKED") return undefined;
    throw error;
  }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    return undefined; // There is no such file, or it may not be read: then its lock may not be taken either.
  }
}

/** Beside the state, which `weir down` removes. */
const lockPath = (): string => `${stateRoot()}/daemon-${networkNamespaceCookie()}.lock`;
