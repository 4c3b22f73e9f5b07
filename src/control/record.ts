// A small file in the state directory in which a command says what it changed, for the command that takes it back.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ControlError } from "./errors.js";

export interface RecordFile<T> {
  readonly path: string;
  /** Undefined when there is none. */
  read(): T | undefined;
  write(value: T): void;
  remove(): void;
}

export function openRecord<T>(path: string): RecordFile<T> {
  return {
    path,
    read: () => readRecord<T>(path),
    write: (value) => writeRecord(path, value),
    remove: () => rmSync(path, { force: true }),
  };
}

/** One that is kept in memory, for tests and plans. */
export function memoryRecord<T>(value?: T): RecordFile<T> {
  let held = value;
  return { path: "memory", read: () => held, write: (next) => { held = next; }, remove: () => { held = undefined; } };
}

function readRecord<T>(path: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ControlError("RECORD", `Cannot read ${path}, weir's note of what it changed: ${(error as Error).message}`, { cause: error });
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    const remedy = "take the changes back by hand, then remove the file";
    throw new ControlError("RECORD", `Cannot use ${path}, weir's note of what it changed: it is not JSON; ${remedy}`, { cause: error });
  }
}

/** By renaming: a reader, or a crash, finds the old note or the new one, never half of one. */
function writeRecord(path: string, value: unknown): void {
  const part = `${path}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(part, `${JSON.stringify(value, null, 2)}\n`);
    renameSync(part, path);
  } catch (error) {
    throw new ControlError("RECORD", `Cannot write ${path}, weir's note of what it changes: ${(error as Error).message}; run as root`, { cause: error });
  }
}
