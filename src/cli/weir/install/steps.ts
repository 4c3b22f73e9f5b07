// Changes of files, each of which knows how to take itself back: a failure half-way leaves nothing of the others.

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What could not be put in place or taken away. */
export class InstallError extends Error {
  override readonly name = "InstallError";
}

export class Steps {
  readonly #undo: (() => void)[] = [];

  /** Puts a whole file, or none; in the place of one that is there. */
  put(path: string, text: string, mode: number): void {
    this.#attempt(`put ${path}`, () => {
      const before = existsSync(path) ? { text: readFileSync(path), mode: statSync(path).mode & 0o7777 } : undefined;
      writeWhole(path, text, mode);
      this.#undo.push(() => (before === undefined ? rmSync(path, { force: true }) : writeWhole(path, before.text, before.mode)));
    });
  }

  /** Gives the folders that were not there, the outer ones first; `inside`: under that root only. */
  makeFolder(folder: string): readonly string[] {
    const missing = missingFolders(folder);
    this.#attempt(`make the folder ${folder}`, () => {
      for (const one of missing) {
        mkdirSync(one, { mode: 0o755 });
        this.#undo.push(() => rmdirSync(one));
      }
    });
    return missing;
  }

  /** Something else that may fail, and needs no taking back. */
  run(attempted: string, work: () => void): void {
    this.#attempt(attempted, work);
  }

  #attempt(attempted: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const taken = this.#takeBack();
      throw new InstallError(`Cannot ${attempted}: ${(error as Error).message}${remedy(error as NodeJS.ErrnoException)}${taken}`);
    }
  }

  /** Says what was done before and is no more. */
  #takeBack(): string {
    if (this.#undo.length === 0) return "";
    const failures: string[] = [];
    for (const undo of this.#undo.reverse()) {
      try {
        undo();
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    return failures.length === 0 ? "; what was done before is taken back" : `; of what was done before, some could not be taken back: ${failures.join(", ")}`;
  }
}

function remedy({ code }: NodeJS.ErrnoException): string {
  return code === "EACCES" || code === "EPERM" ? "; run as root" : code === "EROFS" ? "; use --root DIR for a file system that can be written" : "";
}

function writeWhole(path: string, text: string | Uint8Array, mode: number): void {
  const draft = join(dirname(path), `.weir-install-${process.pid}`);
  try {
    writeFileSync(draft, text, { mode });
    chmodSync(draft, mode);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

function missingFolders(folder: string): readonly string[] {
  return existsSync(folder) ? [] : [...missingFolders(dirname(folder)), folder];
}
