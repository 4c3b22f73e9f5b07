// The back end: a program's IR to instructions that the kernel loads.

import type { IrFunction, IrProgram } from "../ir.js";
import type { ProgramSpec } from "#ebpf/spec.js";
import { reversePostorder } from "../analysis/order.js";
import type { Emitted } from "./emit.js";
import { emit } from "./emit.js";
import { layOutFrame } from "./frame.js";
import { hoistMoves } from "./hoist-moves.js";
import { orderBlocks } from "./layout.js";
import { limitIndexes } from "./limit-indexes.js";
import { link } from "./link.js";
import { lookUpBanks } from "./look-up-banks.js";
import { allocateRegisters } from "./registers.js";
import { select } from "./select.js";
import { removeDeadSpills } from "./spill-stores.js";
import { splitCriticalEdges } from "./split-edges.js";
import { tidyBlocks } from "./tidy.js";

/** Changes the IR: banks get look-ups, edges blocks, indexes masks. */
export function generate(program: IrProgram): ProgramSpec {
  return link(program, referredFunctions(program).map(generateFunction));
}

/** Verifier: a function that nothing calls is unreachable code. */
function referredFunctions({ functions: [entry] }: IrProgram): IrFunction[] {
  const referred = new Set([entry!]);
  for (const fn of referred) {
    for (const instruction of reversePostorder(fn).flatMap(({ instructions }) => instructions)) {
      if (instruction.op === "callFunction" || instruction.op === "functionReference") referred.add(instruction.callee);
    }
  }
  return [...referred];
}

function generateFunction(fn: IrFunction): Emitted {
  lookUpBanks(fn);
  limitIndexes(fn);
  splitCriticalEdges(fn);
  const code = select(fn);
  allocateRegisters(code);
  removeDeadSpills(code);
  hoistMoves(code);
  tidyBlocks(code);
  return emit(code, orderBlocks(code), layOutFrame(code));
}
