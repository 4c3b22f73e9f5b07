// The optimiser: a list of passes over each function's IR, which they change in place. Passes make work for each other (a
// branch decided is a block joined is a load known), so the list is run until nothing changes.

import type { IrFunction, IrProgram } from "../ir.js";
import { removeDeadCode } from "./dead-code.js";
import { removeDeadStores } from "./dead-stores.js";
import { decideBranches } from "./decide-branches.js";
import { dropMasks } from "./demanded-bits.js";
import { foldBranches } from "./fold-branches.js";
import { numberValues } from "./number-values.js";
import { simplify } from "./simplify.js";
import { threadJumps } from "./thread-jumps.js";
import { removeUnreachable } from "./unreachable.js";

export interface Pass {
  readonly name: string;
  /** True when it changed the function. */
  readonly run: (fn: IrFunction) => boolean;
}

export const passes: readonly Pass[] = [
  { name: "simplify", run: simplify },
  { name: "demanded-bits", run: dropMasks },
  { name: "number-values", run: numberValues },
  { name: "decide-branches", run: decideBranches },
  { name: "fold-branches", run: foldBranches },
  { name: "dead-stores", run: removeDeadStores },
  { name: "dead-code", run: removeDeadCode },
  { name: "thread-jumps", run: threadJumps },
  { name: "fold-branches", run: foldBranches },
];

/** Real programs need three or four; each round works on less. */
const ROUNDS_MAX = 10;

export function optimize(program: IrProgram): void {
  for (const fn of program.functions) optimizeFunction(fn, () => {});
}

/** `after` hears of each pass that changed something. */
export function optimizeFunction(fn: IrFunction, after: (pass: Pass) => void): void {
  removeUnreachable(fn);
  for (let round = 0, changed = true; changed && round < ROUNDS_MAX; round++) {
    changed = false;
    for (const pass of passes) {
      if (!pass.run(fn)) continue;
      changed = true;
      after(pass);
    }
  }
}
