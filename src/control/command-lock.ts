// One command at a time changes what weir keeps on this machine: a second `weir apply` waits for the first to end.

import { mkdirSync } from "node:fs";
import { lock, lockSoon } from "#kernel/lock.js";

/** Compiling the programs anew and loading them takes a few seconds of a slow machine. */
const TIMEOUT_SECONDS = 60;

/** As kernel/pin.ts has it. */
export const stateRoot = (): string => process.env["WEIR_STATE"] ?? "/run/weir";

export async function withCommandLock<T>(use: () => T | Promise<T>): Promise<T> {
  mkdirSync(stateRoot(), { recursive: true, mode: 0o700 });
  const held = lock(`${stateRoot()}/commands.lock`, { timeoutSeconds: TIMEOUT_SECONDS });
  try {
    return await use();
  } finally {
    held.release();
  }
}

/** Who asks a daemon waits no longer than a person would. */
const SOON_TIMEOUT_SECONDS = 10;

/** The same for a process that has other things to do meanwhile, one use of it at a time. */
export async function withCommandLockSoon<T>(use: () => T | Promise<T>): Promise<T> {
  mkdirSync(stateRoot(), { recursive: true, mode: 0o700 });
  const held = await lockSoon(`${stateRoot()}/commands.lock`, { timeoutSeconds: SOON_TIMEOUT_SECONDS });
  try {
    return await use();
  } finally {
    held.release();
  }
}
