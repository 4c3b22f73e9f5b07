// Which blocks run rarely: those marked unlikely, those on the unlikely side of a hint, and what only such blocks lead to
// or what leads only to them. They go last in the program, and their uses of a register count little.

import type { Block, Terminator } from "../ir.js";
import { successorsOf } from "../ir-builder.js";

/** `order`: the function's blocks in reverse postorder. */
export function coldBlocks(order: readonly Block[]): ReadonlySet<Block> {
  const cold = new Set(order.filter(({ unlikely }) => unlikely));
  for (let before = -1; before !== cold.size;) {
    before = cold.size;
    for (const block of order.slice(1)) {
      if (block.predecessors.every((predecessor) => cold.has(predecessor) || isUnlikelySide(predecessor.terminator!, block))) cold.add(block);
    }
    for (const block of order.slice(1).reverse()) {
      const next = successorsOf(block);
      if (next.length > 0 && next.every((successor) => cold.has(successor))) cold.add(block);
    }
  }
  return cold;
}

function isUnlikelySide(terminator: Terminator, target: Block): boolean {
  if (terminator.op !== "branch" || terminator.likely === undefined) return false;
  return target === (terminator.likely ? terminator.ifFalse : terminator.ifTrue);
}
