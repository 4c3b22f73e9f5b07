// What a figure depends on besides the code: the machine, its kernel, the compilers, the commit.

import { spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { clangVersion } from "./c-program.js";
import { packageRoot } from "./package-root.js";

export interface Environment {
  readonly machine: { readonly processor: string; readonly processors: number; readonly memoryGiB: number; readonly pinnedTo: number | null };
  readonly kernel: string;
  readonly node: string;
  readonly clang: string | null;
  readonly commit: string | null;
  readonly date: string;
}

/** `processor`: the one that the measurements ran on. */
export function environment(processor: number | undefined): Environment {
  const processors = cpus();
  return {
    machine: {
      processor: processors[0]?.model.trim() ?? process.arch, processors: processors.length, memoryGiB: Math.round(totalmem() / 2 ** 30),
      pinnedTo: processor ?? null,
    },
    kernel: release(), node: process.version, clang: clangVersion() ?? null, commit: commit() ?? null, date: new Date().toISOString(),
  };
}

/** "a55bb2a", or "a55bb2a-dirty" when the files are not those of the commit. */
function commit(): string | undefined {
  const { status, stdout } = spawnSync("git", ["-C", packageRoot, "describe", "--always", "--dirty", "--exclude=*"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
