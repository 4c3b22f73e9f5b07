// Where both sides of a branch put a constant into the same register, one of them may do so before the branch:
//
//   if c goto b1; r6 = 3; goto b2;          r6 = 4; if c goto b2;
//   b1: r6 = 4; goto b2                 →   r6 = 3; goto b2
//
// One jump less in the program, and on one of the two ways. Works on real registers.

import type { CodeBlock, CodeFunction, Operation, Register } from "./code.js";
import { conditionReads, successors } from "./code.js";

export function hoistMoves(code: CodeFunction): void {
  const entries = countEntries(code);
  for (const block of code.blocks) {
    const exit = block.exit;
    if (exit.op !== "branch") continue;
    const [yes, no] = [exit.ifTrue, exit.ifFalse];
    // The side that is left empty should be the one that would have had to jump.
    for (const [side, other] of [[yes, no], [no, yes]] as const) {
      const move = soleConstant(side);
      if (move === undefined || entries.get(side) !== 1 || !isWrittenFirst(other, move.to)) continue;
      if (conditionReads(exit.condition).includes(move.to)) continue;
      block.operations.push(move);
      side.operations = [];
      break;
    }
  }
}

/** How many edges lead to each block. */
function countEntries(code: CodeFunction): ReadonlyMap<CodeBlock, number> {
  const entries = new Map<CodeBlock, number>();
  for (const successor of code.blocks.flatMap(successors)) entries.set(successor, (entries.get(successor) ?? 0) + 1);
  return entries;
}

/** The one operation of a block that then jumps. */
function soleConstant({ operations, exit }: CodeBlock): (Operation & { op: "move" }) | undefined {
  const [only, ...others] = operations;
  return only?.op === "move" && typeof only.from === "object" && others.length === 0 && exit.op === "jump" ? only : undefined;
}

/** The register's value from before does not matter to the block. */
function isWrittenFirst({ operations: [first] }: CodeBlock, register: Register): boolean {
  return first?.op === "move" && first.to === register && first.from !== register;
}
