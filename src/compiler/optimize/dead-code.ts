// Removes instructions whose results nobody uses and which do nothing else. Requires: nothing.

import type { Instruction, IrFunction } from "../ir.js";
import { valueOf } from "../analysis/uses.js";

/** True when there were any. */
export function removeDeadCode(fn: IrFunction): boolean {
  const needed = new Set<Instruction>();
  const pending: Instruction[] = [];
  const need = (value: Instruction) => {
    if (needed.has(value)) return;
    needed.add(value);
    pending.push(value);
  };
  for (const { instructions, terminator } of fn.blocks) {
    instructions.filter(hasEffect).forEach(need);
    const value = valueOf(terminator);
    if (value !== undefined) need(value);
  }
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) value.args.forEach(need);
  let changed = false;
  for (const block of fn.blocks) {
    const kept = block.instructions.filter((instruction) => needed.has(instruction));
    changed ||= kept.length < block.instructions.length;
    block.instructions = kept;
  }
  return changed;
}

export function hasEffect(instruction: Instruction): boolean {
  switch (instruction.op) {
    case "store":
    case "atomic":
    case "callFunction": return true;
    case "callHelper": return instruction.pure !== true;
    default: return false;
  }
}
