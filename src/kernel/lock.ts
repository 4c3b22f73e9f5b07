// flock(2): one process at a time changes the state. The kernel drops the lock when its holder ends, however it ends.

import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { EINTR, EWOULDBLOCK } from "./errno.js";
import { KernelError, systemError, withFiles } from "./errors.js";
import { errno, libc } from "./ffi.js";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** A change of configuration takes milliseconds; a holder of ten seconds hangs. */
const TIMEOUT_SECONDS = 10;
const RETRY_MILLISECONDS = 5;

export interface LockOptions {
  /** Any number of processes may hold it shared, or one exclusively. */
  readonly mode?: "exclusive" | "shared";
  readonly timeoutSeconds?: number;
}

export interface Lock {
  release(): void;
}

/** Waits until it holds the lock; LOCKED, naming who has it, when the time is over. */
export function lock(path: string, { mode = "exclusive", timeoutSeconds = TIMEOUT_SECONDS }: LockOptions = {}): Lock {
  const fd = withFiles(`open the lock ${path}`, () => openSync(path, "a", 0o600));
  try {
    const deadline = performance.now() + timeoutSeconds * 1000;
    while (!tryLock(fd, mode === "shared" ? LOCK_SH : LOCK_EX, path)) {
      if (performance.now() >= deadline) throw locked(fd, path, timeoutSeconds);
      sleep(RETRY_MILLISECONDS);
    }
    return { release: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The same, while this process goes on with other things. */
export async function lockSoon(path: string, { mode = "exclusive", timeoutSeconds = TIMEOUT_SECONDS }: LockOptions = {}): Promise<Lock> {
  const fd = withFiles(`open the lock ${path}`, () => openSync(path, "a", 0o600));
  try {
    const deadline = performance.now() + timeoutSeconds * 1000;
    while (!tryLock(fd, mode === "shared" ? LOCK_SH : LOCK_EX, path)) {
      if (performance.now() >= deadline) throw locked(fd, path, timeoutSeconds);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
    return { release: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Runs `use` while holding the lock. */
export function withLock<T>(path: string, use: () => T, options?: LockOptions): T {
  const held = lock(path, options);
  try {
    return use();
  } finally {
    held.release();
  }
}

function tryLock(fd: number, operation: number, path: string): boolean {
  if (libc().flock(fd, operation | LOCK_NB) === 0) return true;
  const failure = errno();
  if (failure === EWOULDBLOCK || failure === EINTR) return false;
  throw systemError("flock", failure, `lock ${path}`);
}

function locked(fd: number, path: string, timeoutSeconds: number): KernelError {
  const pid = holder(fd);
  return new KernelError({
    code: "LOCKED", call: "flock", attempted: `lock ${path}`,
    found: `${pid === undefined ? "another process" : `process ${pid}${commandName(pid)}`} has held it for ${timeoutSeconds} seconds`,
    remedy: "wait for it to end, or end it",
  });
}

/** Linux fs/locks.c, lock_get_status(): "1: FLOCK  ADVISORY  WRITE 4711 00:17:1234 0 EOF", the file by device and inode. */
function holder(fd: number): number | undefined {
  const { ino } = fstatSync(fd);
  const lines = readFileSync("/proc/locks", "latin1").split("\n");
  // "->" marks one who waits.
  const line = lines.find((candidate) => candidate.includes(" FLOCK ") && candidate.includes(`:${ino} `) && !candidate.includes("->"));
  const pid = line?.trim().split(/\s+/)[4];
  return pid === undefined ? undefined : Number(pid);
}

function commandName(pid: number): string {
  try {
    return ` (${readFileSync(`/proc/${pid}/comm`, "utf8").trim()})`;
  } catch {
    return ""; // It ended meanwhile.
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
