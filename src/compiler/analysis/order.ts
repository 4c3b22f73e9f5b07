// Orders of a function's blocks that passes walk in.

import type { Block, IrFunction } from "../ir.js";
import { successorsOf } from "../ir-builder.js";

/** Every block that can run, each before those it leads to (but for a loop's way back). The entry is first. */
export function reversePostorder(fn: IrFunction): Block[] {
  const entry = fn.blocks[0]!;
  const order: Block[] = [];
  const seen = new Set([entry]);
  // A stack of our own: an inlined program is deeper than the host's recursion likes.
  const stack = [{ block: entry, next: successorsOf(entry) }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const successor = top.next.pop();
    if (successor === undefined) {
      order.push(top.block);
      stack.pop();
    } else if (!seen.has(successor)) {
      seen.add(successor);
      stack.push({ block: successor, next: successorsOf(successor) });
    }
  }
  return order.reverse();
}
