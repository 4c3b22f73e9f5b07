// A spilled register is stored each time it is written. The stores that are overwritten before anybody loads go:
//
//   [slot] = r1; w1 <<= 2; [slot] = r1   →   w1 <<= 2; [slot] = r1

import type { CodeFunction } from "./code.js";
import { slotLiveness, spilledSlotOf, stepBack } from "./slot-liveness.js";

export function removeDeadSpills(code: CodeFunction): void {
  const liveOut = slotLiveness(code);
  for (const block of code.blocks) {
    const live = new Set(liveOut.get(block));
    block.operations = block.operations.toReversed().filter((operation) => {
      const slot = operation.op === "store" ? spilledSlotOf(operation) : undefined;
      const isDead = slot !== undefined && !live.has(slot);
      stepBack(operation, live);
      return !isDead;
    }).reverse();
  }
}
