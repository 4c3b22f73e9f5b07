// Answers comparisons that an earlier branch on every path here has answered: a second null test, a bounds check that a
// wider one of the same pointer covers, the same question asked by two inlined functions. Requires: values numbered
// (equal values are one), unreachable blocks removed.

import type { Block, Instruction, IrFunction } from "../ir.js";
import { newInstruction } from "../ir-builder.js";
import { dominatorsOf } from "../analysis/dominators.js";
import { Facts } from "./facts.js";

/** True when anything was decided. */
export function decideBranches(fn: IrFunction): boolean {
  const dominators = dominatorsOf(fn);
  const facts = new Facts();
  let changed = false;
  const enter = (block: Block): number => {
    const mark = facts.mark();
    learnFromEdge(block, facts);
    changed = decideIn(fn, block, facts) || changed;
    return mark;
  };
  const stack = [{ block: fn.blocks[0]!, next: 0, mark: enter(fn.blocks[0]!) }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const child = dominators.children(top.block)[top.next++];
    if (child !== undefined) stack.push({ block: child, next: 0, mark: enter(child) });
    else {
      facts.leave(top.mark);
      stack.pop();
    }
  }
  return changed;
}

/** A block with one way in knows which way that was. */
function learnFromEdge(block: Block, facts: Facts): void {
  const [predecessor, ...others] = block.predecessors;
  if (predecessor === undefined || others.length > 0) return;
  const terminator = predecessor.terminator!;
  if (terminator.op === "branch") facts.learn(terminator.condition, terminator.ifTrue === block);
}

function decideIn(fn: IrFunction, block: Block, facts: Facts): boolean {
  const terminator = block.terminator!;
  if (terminator.op !== "branch" || terminator.condition.op === "constant") return false;
  const decided = facts.decide(terminator.condition);
  if (decided === undefined) return false;
  terminator.condition = insertConstant(fn, block, decided, terminator.condition);
  return true;
}

function insertConstant(fn: IrFunction, block: Block, value: boolean, { span }: Instruction): Instruction {
  const constant = newInstruction(fn, block, "bool", { op: "constant", value: value ? 1n : 0n, args: [] }, span);
  block.instructions.push(constant);
  return constant;
}
