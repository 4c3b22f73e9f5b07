// The optimiser: a list of passes over each function's IR, which they change in place.

import type { IrFunction, IrProgram } from "../ir.js";
import { removeDeadCode } from "./dead-code.js";
import { removeUnreachable } from "./unreachable.js";

export function optimize(program: IrProgram): void {
  for (const fn of program.functions) optimizeFunction(fn);
}

function optimizeFunction(fn: IrFunction): void {
  removeUnreachable(fn);
  removeDeadCode(fn);
}
