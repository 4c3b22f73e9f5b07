// The order of blocks in the program. A block is followed by the one it most likely goes to, so that the likely path runs
// straight; blocks that rarely run come after all others.

import type { CodeBlock, CodeFunction, Condition } from "./code.js";
import { successors } from "./code.js";

export function orderBlocks(code: CodeFunction): CodeBlock[] {
  const placed = new Set<CodeBlock>();
  const placeChain = (start: CodeBlock) => {
    for (let block: CodeBlock | undefined = start; block !== undefined; block = follower(block, placed)) placed.add(block);
  };
  for (const temperature of [false, true]) {
    for (const block of code.blocks) {
      if (block.unlikely === temperature && !placed.has(block)) placeChain(block);
    }
  }
  return [...placed];
}

function follower(block: CodeBlock, placed: ReadonlySet<CodeBlock>): CodeBlock | undefined {
  const candidates = successors(block).filter((next) => !placed.has(next) && (block.unlikely || !next.unlikely));
  const [first, second] = candidates;
  if (first === undefined || second === undefined) return first;
  const exit = block.exit;
  if (exit.op === "branch" && exit.likely !== undefined) return exit.likely ? exit.ifTrue : exit.ifFalse;
  if (first.unlikely !== second.unlikely) return first.unlikely ? second : first;
  if (first.frequency !== second.frequency && isLoopEdge(first, second)) return first.frequency > second.frequency ? first : second;
  // A side that only returns is mostly a refusal: "if (header === null) return XDP_PASS".
  if (isReturn(first) !== isReturn(second)) return isReturn(first) ? second : first;
  return exit.op === "branch" && isMostlyFalse(exit.condition) ? second : first;
}

/** Few values are zero: Ball and Larus, "Branch Prediction for Free" (1993). A test of bits has no opposite that could stand in a jump. */
function isMostlyFalse({ predicate, right }: Condition): boolean {
  return predicate === "bits" || predicate === "eq" && typeof right === "object" && right.immediate === 0;
}

const isReturn = (block: CodeBlock): boolean => block.exit.op === "exit" && block.operations.length <= 2;

/** One side stays in a loop that the other leaves. */
const isLoopEdge = (a: CodeBlock, b: CodeBlock): boolean => Math.max(a.frequency, b.frequency) >= 8 * Math.min(a.frequency, b.frequency);
