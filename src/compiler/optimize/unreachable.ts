// Removes blocks that no path from the entry reaches, and their edges to those that stay. Requires: nothing.

import type { IrFunction } from "../ir.js";
import { reversePostorder } from "../analysis/order.js";
import { removePredecessor } from "../ir-builder.js";

/** True when there were any. */
export function removeUnreachable(fn: IrFunction): boolean {
  const reachable = new Set(reversePostorder(fn));
  if (reachable.size === fn.blocks.length) return false;
  for (const block of fn.blocks) {
    if (!reachable.has(block)) continue;
    for (const predecessor of [...block.predecessors]) {
      if (!reachable.has(predecessor)) removePredecessor(block, predecessor);
    }
  }
  fn.blocks = fn.blocks.filter((block) => reachable.has(block));
  return true;
}
