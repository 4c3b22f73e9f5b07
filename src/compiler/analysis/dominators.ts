// Which block every path to another must pass: Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).

import type { Block, IrFunction } from "../ir.js";
import { reversePostorder } from "./order.js";

export interface Dominators {
  /** The blocks that can run, in reverse postorder. */
  readonly order: readonly Block[];
  /** The closest block that dominates this one; undefined for the entry. */
  parent(block: Block): Block | undefined;
  children(block: Block): readonly Block[];
  /** True also for a block and itself. */
  dominates(above: Block, below: Block): boolean;
}

export function dominatorsOf(fn: IrFunction): Dominators {
  const order = reversePostorder(fn);
  const position = new Map(order.map((block, i) => [block, i]));
  const parents = findParents(order, position);
  const children = new Map<Block, Block[]>(order.map((block) => [block, []]));
  order.forEach((block, i) => {
    if (i > 0) children.get(order[parents[i]!]!)!.push(block);
  });
  const intervals = numberTree(order[0]!, children);
  return {
    order,
    parent: (block) => (block === order[0] ? undefined : order[parents[position.get(block)!]!]),
    children: (block) => children.get(block) ?? [],
    dominates: (above, below) => {
      const a = intervals.get(above);
      const b = intervals.get(below);
      return a !== undefined && b !== undefined && a.first <= b.first && b.last <= a.last;
    },
  };
}

/** Positions in `order` of each block's immediate dominator. */
function findParents(order: readonly Block[], position: ReadonlyMap<Block, number>): number[] {
  const parents: number[] = new Array<number>(order.length).fill(-1);
  parents[0] = 0;
  const meet = (a: number, b: number): number => {
    while (a !== b) {
      while (a > b) a = parents[a]!;
      while (b > a) b = parents[b]!;
    }
    return a;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (let i = 1; i < order.length; i++) {
      let parent = -1;
      for (const predecessor of order[i]!.predecessors) {
        const at = position.get(predecessor);
        if (at === undefined || parents[at] === -1) continue;
        parent = parent === -1 ? at : meet(at, parent);
      }
      if (parents[i] !== parent) {
        parents[i] = parent;
        changed = true;
      }
    }
  }
  return parents;
}

/** A block dominates those whose interval lies in its own. */
function numberTree(root: Block, children: ReadonlyMap<Block, readonly Block[]>) {
  const intervals = new Map<Block, { first: number; last: number }>();
  let count = 0;
  const stack = [{ block: root, next: 0 }];
  intervals.set(root, { first: count++, last: 0 });
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const child = children.get(top.block)![top.next++];
    if (child === undefined) {
      intervals.get(top.block)!.last = count;
      stack.pop();
    } else {
      intervals.set(child, { first: count++, last: 0 });
      stack.push({ block: child, next: 0 });
    }
  }
  return intervals;
}
