// The laboratory's network namespaces: made under names that say whose they are, and removed whatever happens.
//
//   weir-4711-1-director        laboratory 1 of process 4711
//
// They are removed when the laboratory closes; when the process ends, by a signal too; and, after kill -9 or a crash,
// by the next laboratory, which knows leftovers by a prefix AND a process that no longer lives. Nothing else is touched.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { must, run } from "./command.js";
import { LabError } from "./errors.js";

const PREFIX = "weir";
/** Where iproute2 keeps them: ip-netns(8). */
const NETNS_DIRECTORY = "/run/netns";

const mine = new Set<string>();
const endings = new Set<() => void>();
let laboratories = 0;
let guarded = false;

/** A prefix for the namespaces of one more laboratory of this process. */
export function laboratoryPrefix(): string {
  laboratories += 1;
  return `${PREFIX}-${process.pid}-${laboratories}`;
}

/** Makes the namespaces, and sees to it that they go with this process. */
export async function addNamespaces(names: readonly string[]): Promise<void> {
  guard();
  for (const name of names) mine.add(name);
  await must(["ip", "-batch", "-"], { input: lines(names.map((name) => `netns add ${name}`)) });
}

/** Removes namespaces that this process made. Interfaces in them go too. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  await remove(names);
  for (const name of names) mine.delete(name);
}

/**
 * Something to do, at once, when the process ends before its laboratory is closed: what stands outside the namespaces and
 * would outlive them. The function returned calls it off.
 */
export function onSuddenEnd(action: () => void): () => void {
  guard();
  endings.add(action);
  return () => endings.delete(action);
}

/** Removes what processes left that ended without doing so; the names of those removed. */
export async function removeLeftovers(): Promise<readonly string[]> {
  const names = leftovers(namespaceNames(), processLives);
  if (names.length > 0) await remove(names);
  return names;
}

/** Those of `names` that a laboratory made whose process is gone. */
export function leftovers(names: readonly string[], lives: (pid: number) => boolean): readonly string[] {
  return names.filter((name) => {
    const pid = /^weir-(\d+)-\d+-[a-z0-9]+$/.exec(name)?.[1];
    if (pid === undefined || mine.has(name)) return false;
    // Process ids come round again: what bears our own and is not ours was another's.
    return Number(pid) === process.pid || !lives(Number(pid));
  });
}

export function namespaceNames(): readonly string[] {
  try {
    return readdirSync(NETNS_DIRECTORY);
  } catch {
    return [];
  }
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function remove(names: readonly string[]): Promise<void> {
  // Another process may remove the same leftovers at this moment: what counts is that they are gone.
  const { stderr } = await run(["ip", "-force", "-batch", "-"], { input: removal(names) });
  const present = new Set(namespaceNames());
  const left = names.filter((name) => present.has(name));
  if (left.length > 0) throw new LabError("COMMAND_FAILED", `Cannot remove the network namespaces ${left.join(", ")}: ${stderr.trim()}`);
}

/** Removes the namespaces when the process ends, and ends it as the signal would have. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on("exit", endSuddenly);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endSuddenly();
      process.kill(process.pid, signal);
    });
  }
}

function endSuddenly(): void {
  for (const action of endings) action();
  endings.clear();
  if (mine.size === 0) return;
  spawnSync("ip", ["-force", "-batch", "-"], { input: removal([...mine]) });
  mine.clear();
}

const removal = (names: readonly string[]): string => lines(names.map((name) => `netns del ${name}`));
const lines = (commands: readonly string[]): string => commands.map((command) => `${command}\n`).join("");
