// The compiler's stages as text, for the curious: the IR before and after each pass that changed it, and the finished
// program's instructions under their source lines.

import { disassemble } from "#ebpf/disassemble.js";
import { generate } from "./backend/generate.js";
import type { IrProgram } from "./ir.js";
import { printFunction } from "./ir-print.js";
import { optimizeFunction } from "./optimize/optimize.js";

export interface Stage {
  /** "lowered", a pass's name with its function's, "program". */
  readonly name: string;
  readonly text: string;
}

/** Compiles the program on the way, which changes its IR. */
export function explain(program: IrProgram): Stage[] {
  const stages = program.functions.map((fn): Stage => ({ name: `lowered ${fn.name}`, text: printFunction(fn) }));
  for (const fn of program.functions) {
    optimizeFunction(fn, (pass) => stages.push({ name: `${pass.name} ${fn.name}`, text: printFunction(fn) }));
  }
  stages.push({ name: "program", text: disassemble(generate(program)) });
  return stages;
}
