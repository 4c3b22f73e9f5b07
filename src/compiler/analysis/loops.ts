// Natural loops: an edge to a block that dominates its source closes one.

import type { Block } from "../ir.js";
import { successorsOf } from "../ir-builder.js";
import type { Dominators } from "./dominators.js";

/** In how many loops each block stands. */
export function loopDepths(dominators: Dominators): ReadonlyMap<Block, number> {
  const bodies = new Map<Block, Set<Block>>();
  for (const block of dominators.order) {
    for (const head of successorsOf(block)) {
      if (dominators.dominates(head, block)) addBody(bodies, head, block, dominators);
    }
  }
  const depths = new Map(dominators.order.map((block) => [block, 0]));
  for (const body of bodies.values()) {
    for (const block of body) depths.set(block, depths.get(block)! + 1);
  }
  return depths;
}

/** Everything that reaches `latch` without passing `head`; loops with the same head are one. */
function addBody(bodies: Map<Block, Set<Block>>, head: Block, latch: Block, dominators: Dominators): void {
  const body = bodies.get(head) ?? new Set([head]);
  bodies.set(head, body);
  const pending = [latch];
  while (pending.length > 0) {
    const block = pending.pop()!;
    if (body.has(block) || !dominators.dominates(head, block)) continue;
    body.add(block);
    pending.push(...block.predecessors);
  }
}
