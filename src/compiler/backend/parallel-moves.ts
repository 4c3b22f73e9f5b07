// Moves that happen at once, as one after another: what a block's phis need on an edge.
//
//   (a b) = (b a)   →   t = a; a = b; b = t

import type { Operand, Register } from "./code.js";
import { isRegister } from "./code.js";

export interface ParallelMove {
  readonly to: Register;
  readonly from: Operand;
}

/** `temporary` gives a register that nothing else uses. Every `to` occurs once. */
export function sequence(moves: readonly ParallelMove[], temporary: () => Register): ParallelMove[] {
  const sequential: ParallelMove[] = [];
  let pending = moves.filter(({ to, from }) => isRegister(from) && to !== from);
  while (pending.length > 0) {
    const free = pending.filter(({ to }) => !pending.some(({ from }) => from === to));
    if (free.length > 0) {
      sequential.push(...free);
      pending = pending.filter((move) => !free.includes(move));
    } else {
      // Only cycles are left: save one target, and let those that read it read the copy.
      const { to } = pending[0]!;
      const saved = temporary();
      sequential.push({ to: saved, from: to });
      pending = pending.map((move) => (move.from === to ? { ...move, from: saved } : move));
    }
  }
  return [...sequential, ...moves.filter(({ from }) => !isRegister(from))];
}
