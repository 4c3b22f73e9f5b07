// The C program, compiled by the system's clang, as a ProgramSpec that kernel/program loads like any other.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MapSpec, ProgramSpec } from "#ebpf/spec.js";
import { cHeader } from "./c-header.js";
import { readProgram } from "./elf.js";
import { packageRoot } from "./package-root.js";

/** Where distributions keep asm/types.h, when it is not in /usr/include itself. */
const MULTIARCH = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[process.arch as string];

/** "Debian clang version 14.0.6", or undefined where there is none. */
export function clangVersion(): string | undefined {
  const { status, stdout } = spawnSync("clang", ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}

/** `maps`: all that the program refers to. */
export function cProgram(maps: ReadonlyMap<string, MapSpec>): ProgramSpec {
  const { instructions, relocations } = readProgram(compileObject(), "xdp");
  return {
    name: "c_director", type: "xdp", license: "GPL", instructions, btf: new Uint8Array(), functionInfo: [], lineInfo: [], files: [],
    relocations: relocations.map((relocation) => ({ ...relocation, kind: maps.get(relocation.map)?.tableEntries === undefined ? "map" : "value" })),
    maps: [...maps.values()],
  };
}

function compileObject(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "weir-bench-"));
  try {
    writeFileSync(join(folder, "dataplane.h"), cHeader());
    const object = join(folder, "director.o");
    const options = ["-O2", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror", `-I${folder}`, ...(MULTIARCH === undefined ? [] : ["-idirafter", `/usr/include/${MULTIARCH}`])];
    const { status, stderr, error } = spawnSync("clang", [...options, "-c", `${packageRoot}/bench/c/director.c`, "-o", object], { encoding: "utf8" });
    if (status !== 0) throw new Error(`Cannot compile bench/c/director.c: ${error?.message ?? stderr}; clang and the kernel's headers (linux-libc-dev) are needed`);
    return readFileSync(object);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
