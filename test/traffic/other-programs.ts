// A cache of compiled programs (control/programs.ts) that holds others than this version's own: what an upgrade brings,
// or a program that no kernel accepts.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { shapeOfThisMachine } from "#control/kernel-store.js";
import { PROGRAM_NAMES, cacheFile, programSpec, type ProgramName } from "#control/programs.js";
import type { Shape } from "#control/shape.js";
import { CONNECTIONS_DEFAULT } from "#dataplane/maps.js";
import { programToJson } from "#ebpf/program.js";
import type { ProgramSpec } from "#ebpf/spec.js";

/** Fills `folder` with the director's programs, changed; for WEIR_CACHE. */
export async function fillCache(folder: string, change: (program: ProgramSpec, name: ProgramName) => ProgramSpec, overrides: Partial<Shape> = {}): Promise<void> {
  const shape = { ...shapeOfThisMachine({}), ...overrides };
  mkdirSync(folder, { recursive: true });
  for (const name of PROGRAM_NAMES) {
    writeFileSync(join(folder, basename(cacheFile(name, shape))), programToJson(change(await programSpec(name, shape), name)));
  }
}

/** Another program to the kernel, of the same effect. */
export const anotherVersion = (program: ProgramSpec): ProgramSpec => ({ ...program, license: "Dual BSD/GPL" });

/** "exit" without a result: the verifier wants R0 set. Linux include/uapi/linux/bpf.h, BPF_JMP | BPF_EXIT. */
export const refusedByVerifier = (program: ProgramSpec): ProgramSpec =>
  ({ ...program, instructions: Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0), relocations: [], functionInfo: [], lineInfo: [], btf: new Uint8Array() });
