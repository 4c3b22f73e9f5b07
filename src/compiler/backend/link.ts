// Puts a program's functions one after another and resolves what they say of each other: a call's distance, a callback's
// address. Maps stay symbolic, as relocations that the loader fills in.

import type { IrFunction, IrProgram } from "../ir.js";
import { encodeInstructions } from "#ebpf/instruction.js";
import type { MapSpec, ProgramSpec, Relocation } from "#ebpf/spec.js";
import { describeProgram } from "./debug-info.js";
import type { Emitted } from "./emit.js";

/** The license tells the kernel that helpers for GPL programs may be called; weir is under GPL-2.0-only. */
const LICENSE = "GPL";

/** `functions`: the entry first. */
export function link(program: IrProgram, functions: readonly Emitted[]): ProgramSpec {
  const starts = placeFunctions(functions);
  for (const emitted of functions) resolveFunctions(emitted, starts);
  const placed = functions.map(({ source, spans }) => ({ source, spans, at: starts.get(source)! }));
  return {
    name: program.name,
    type: program.type,
    license: LICENSE,
    instructions: encodeInstructions(functions.flatMap(({ instructions }) => instructions)),
    relocations: functions.flatMap((emitted) => relocationsOf(emitted, starts.get(emitted.source)!)),
    maps: mapsOf(functions),
    ...describeProgram(program, placed),
  };
}

function placeFunctions(functions: readonly Emitted[]): ReadonlyMap<IrFunction, number> {
  const starts = new Map<IrFunction, number>();
  let at = 0;
  for (const { source, instructions } of functions) {
    starts.set(source, at);
    at += instructions.length;
  }
  return starts;
}

function resolveFunctions({ source, instructions, functions }: Emitted, starts: ReadonlyMap<IrFunction, number>): void {
  for (const { at, callee } of functions) {
    const start = starts.get(callee);
    if (start === undefined) throw new Error(`Function ${source.name} refers to ${callee.name}, which is not in the program`);
    instructions[at] = { ...instructions[at]!, imm: start - (starts.get(source)! + at + 1) };
  }
}

function relocationsOf({ maps }: Emitted, start: number): Relocation[] {
  return maps.map(({ at, value }) => ({
    at: start + at,
    map: value.map.name,
    kind: value.kind === "map" ? "map" : "value",
    offset: value.kind === "map" ? 0 : value.offset,
  }));
}

/** Each map once. Two of one name are one map in the kernel, so they must be alike but for how they see its values. */
function mapsOf(functions: readonly Emitted[]): MapSpec[] {
  const maps = new Map<string, MapSpec>();
  for (const { map } of functions.flatMap((emitted) => emitted.maps.map(({ value }) => value))) {
    const known = maps.get(map.name);
    if (known !== undefined && !isSameMap(known, map)) throw new Error(`Two different maps are called "${map.name}"; give one of them another name`);
    maps.set(map.name, map);
  }
  return [...maps.values()];
}

function isSameMap(a: MapSpec, b: MapSpec): boolean {
  return a.type === b.type && a.keySize === b.keySize && a.valueSize === b.valueSize && a.maxEntries === b.maxEntries && a.flags === b.flags;
}
