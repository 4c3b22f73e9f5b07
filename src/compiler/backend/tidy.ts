// What register allocation leaves behind: blocks whose copies all went away, blocks that came out the same, branches
// whose sides now meet. Works on real registers.

import type { CodeBlock, CodeFunction } from "./code.js";
import { successors } from "./code.js";
import { Description } from "./description.js";

export function tidyBlocks(code: CodeFunction): void {
  for (let changed = true; changed;) {
    const targets = new Map([...emptyBlocks(code), ...duplicates(code)]);
    changed = targets.size > 0;
    if (changed) retarget(code, targets);
    removeUnreachable(code);
  }
  for (const block of code.blocks) exitAtOnce(block);
  removeUnreachable(code);
}

/** A jump to nothing but an exit is an exit. */
function exitAtOnce(block: CodeBlock): void {
  if (block.exit.op !== "jump") return;
  const { operations, exit } = block.exit.target;
  if (operations.length === 0 && exit.op === "exit") block.exit = exit;
}

/** Blocks that only jump, with where they jump to. */
function emptyBlocks(code: CodeFunction): [CodeBlock, CodeBlock][] {
  return code.blocks.flatMap((block): [CodeBlock, CodeBlock][] =>
    block !== code.blocks[0] && block.operations.length === 0 && block.exit.op === "jump" && block.exit.target !== block
      ? [[block, block.exit.target]]
      : []);
}

/** Blocks that do what an earlier one does; the colder of the two gives way to the other. */
function duplicates(code: CodeFunction): [CodeBlock, CodeBlock][] {
  const known = new Map<string, CodeBlock>();
  const found: [CodeBlock, CodeBlock][] = [];
  const description = new Description();
  for (const block of code.blocks) {
    const text = description.ofBlock(block);
    const first = known.get(text);
    if (first === undefined) known.set(text, block);
    else if (block !== code.blocks[0]) {
      first.frequency += block.frequency;
      first.unlikely &&= block.unlikely;
      found.push([block, first]);
    }
  }
  return found;
}

function retarget(code: CodeFunction, targets: ReadonlyMap<CodeBlock, CodeBlock>): void {
  const final = (block: CodeBlock): CodeBlock => {
    // Empty blocks may jump in a circle (an endless loop); the circle stays.
    const seen = new Set<CodeBlock>();
    let at = block;
    for (let next = targets.get(at); next !== undefined && !seen.has(next); next = targets.get(at)) {
      seen.add(at);
      at = next;
    }
    return at;
  };
  for (const block of code.blocks) {
    const exit = block.exit;
    if (exit.op === "jump") exit.target = final(exit.target);
    if (exit.op !== "branch") continue;
    exit.ifTrue = final(exit.ifTrue);
    exit.ifFalse = final(exit.ifFalse);
    if (exit.ifTrue === exit.ifFalse) block.exit = { op: "jump", target: exit.ifTrue, span: exit.span };
  }
}

function removeUnreachable(code: CodeFunction): void {
  const reached = new Set<CodeBlock>([code.blocks[0]!]);
  for (const block of reached) for (const successor of successors(block)) reached.add(successor);
  code.blocks = code.blocks.filter((block) => reached.has(block));
}
