// Source to IR: the entry function, everything that it calls inlined or beside it.

import type { ProgramType } from "#ebpf/spec.js";
import { refuse } from "../diagnostics.js";
import { Diagnostics } from "../diagnostics.js";
import type { IrProgram } from "../ir.js";
import type { Module } from "../module.js";
import { spanOf } from "../syntax.js";
import type { ProgramLowering } from "./context.js";
import { signatureOf } from "./inline.js";
import { Maps } from "./program-maps.js";
import { lowerFunction } from "./subprogram.js";

export interface LowerOptions {
  readonly name: string;
  readonly function: string;
  readonly type: ProgramType;
  /** Overrides the number of entries of tables and maps, by the map's name. */
  readonly tables: { readonly [map: string]: number };
}

/** Throws CompileError with all that was found. */
export function lower(module: Module, options: LowerOptions): IrProgram {
  const diagnostics = new Diagnostics();
  const program: ProgramLowering = {
    type: options.type, diagnostics,
    functions: [], subprograms: new Map(), movesPacket: new Set(),
    maps: new Maps(options.tables),
  };
  diagnostics.attempt(() => lowerEntry(program, module, options.function));
  diagnostics.throwIfAny();
  return { name: options.name, type: options.type, functions: program.functions };
}

function lowerEntry(program: ProgramLowering, module: Module, name: string): void {
  const resolved = module.resolveExport(name);
  if (resolved?.kind !== "function") {
    refuse({ file: module.file, start: 0, end: 1 }, "entry-missing", `the module has no function "${name}"`,
      `export function ${name}(packet: Packet): i32 { … }`);
  }
  const signature = signatureOf(resolved.function);
  const { parameters, result } = signature;
  if (parameters.length !== 1 || parameters[0]?.type.kind !== "packet" || result.kind !== "integer" || result.bits !== 32) {
    const { module, node } = resolved.function;
    refuse(spanOf(module.file, node.id ?? node), "entry-signature", `"${name}" cannot be an entry: it takes the packet, and returns an i32`,
      `function ${name}(packet: Packet): i32`);
  }
  lowerFunction(program, resolved.function, signature, []);
}
