// Kernel TypeScript to a program: one pass a line.

import type { ProgramSpec, ProgramType } from "#ebpf/spec.js";
import { generate } from "./backend/generate.js";
import { loadModules, moduleOfText } from "./loader.js";
import type { LowerOptions } from "./lower/lower.js";
import { lower } from "./lower/lower.js";
import type { LiveValues, Module } from "./module.js";
import { optimize } from "./optimize/optimize.js";

export interface CompileOptions {
  /** The entry's name. */
  readonly function: string;
  readonly type: ProgramType;
  /** The program's name; the entry's by default. */
  readonly name?: string;
  /** Overrides exported constants, structs and maps, by name: { HOOK: XDP }. */
  readonly define?: LiveValues;
  /** Overrides the number of entries of tables and maps, by the map's name. */
  readonly tables?: { readonly [map: string]: number };
}

/** Compiles a function of the module `source`: the path or file: URL of a .ts file, weir's own or anybody's. */
export async function compile(options: CompileOptions & { readonly source: string }): Promise<ProgramSpec> {
  return compileModule(await loadModules(options.source, options.define), options);
}

/** Compiles a text; `live` has the values of all names that it imports or exports. */
export function compileText(text: string, options: CompileOptions & { readonly live: LiveValues; readonly path?: string }): ProgramSpec {
  return compileModule(moduleOfText({ path: options.path ?? "program.ts", text }, options.live, options.define), options);
}

function compileModule(module: Module, options: CompileOptions): ProgramSpec {
  const program = lower(module, withDefaults(options));
  optimize(program);
  return generate(program);
}

function withDefaults({ name, function: entry, type, tables = {} }: CompileOptions): LowerOptions {
  return { name: name ?? entry, function: entry, type, tables };
}
