// An edge from a block with several ways out to one with several ways in has no place of its own for the copies that the
// target's phis need. Such edges get a block.

import type { Block, IrFunction, Terminator } from "../ir.js";
import { newBlock } from "../ir-builder.js";

export function splitCriticalEdges(fn: IrFunction): void {
  for (const block of [...fn.blocks]) {
    const terminator = block.terminator;
    if (terminator?.op !== "branch") continue;
    if (isCritical(terminator.ifTrue)) terminator.ifTrue = between(fn, block, terminator.ifTrue, terminator);
    if (isCritical(terminator.ifFalse)) terminator.ifFalse = between(fn, block, terminator.ifFalse, terminator);
  }
}

const isCritical = (target: Block): boolean => target.predecessors.length > 1 && target.instructions[0]?.op === "phi";

/** A new block on one edge from `source` to `target`, in the same place among the target's predecessors. */
function between(fn: IrFunction, source: Block, target: Block, { span }: Terminator): Block {
  const block = newBlock(fn, target.unlikely || source.unlikely);
  block.terminator = { op: "jump", target, span };
  block.predecessors = [source];
  target.predecessors[target.predecessors.indexOf(source)] = block;
  return block;
}
