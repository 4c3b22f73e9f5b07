// Which spilled slots hold a value that is still to be loaded.

import type { CodeBlock, CodeFunction, FrameSlot, Operation } from "./code.js";
import { successors } from "./code.js";

/** The name of slots that spill.ts makes. Their addresses are never taken. */
export const SPILLED = "spilled";

export function spilledSlotOf(operation: Operation): FrameSlot | undefined {
  const slot = "address" in operation ? operation.address.slot : undefined;
  return slot?.name === SPILLED ? slot : undefined;
}

/** Live out of each block. */
export function slotLiveness(code: CodeFunction): ReadonlyMap<CodeBlock, ReadonlySet<FrameSlot>> {
  const liveIn = new Map<CodeBlock, Set<FrameSlot>>(code.blocks.map((block) => [block, new Set()]));
  const out = (block: CodeBlock) => new Set(successors(block).flatMap((successor) => [...liveIn.get(successor)!]));
  for (let changed = true; changed;) {
    changed = false;
    for (const block of code.blocks.toReversed()) {
      const live = out(block);
      for (const operation of block.operations.toReversed()) stepBack(operation, live);
      changed ||= live.size !== liveIn.get(block)!.size;
      liveIn.set(block, live);
    }
  }
  return new Map(code.blocks.map((block) => [block, out(block)]));
}

/** `live` after the operation becomes what is live before it. */
export function stepBack(operation: Operation, live: Set<FrameSlot>): void {
  const slot = spilledSlotOf(operation);
  if (slot === undefined) return;
  if (operation.op === "load") live.add(slot);
  else live.delete(slot);
}
