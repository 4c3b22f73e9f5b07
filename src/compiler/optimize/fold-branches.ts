// Makes the control flow graph small: branches on constants become jumps, a block joins its only predecessor, blocks that
// only jump go. Requires: nothing.

import type { Block, IrFunction, Terminator } from "../ir.js";
import { removePredecessor, successorsOf, takeTerminator } from "../ir-builder.js";
import { Replacements } from "./replacements.js";
import { removeUnreachable } from "./unreachable.js";

/** True when anything changed. */
export function foldBranches(fn: IrFunction): boolean {
  let changed = false;
  for (let again = true; again;) {
    again = false;
    for (const block of fn.blocks) again = foldBranch(block) || again;
    again = removeUnreachable(fn) || again;
    again = removeEmptyBlocks(fn) || again;
    again = joinBlocks(fn) || again;
    changed ||= again;
  }
  return changed;
}

function foldBranch(block: Block): boolean {
  const terminator = block.terminator;
  if (terminator?.op !== "branch") return false;
  const { condition, ifTrue, ifFalse, span } = terminator;
  if (condition.op === "constant") {
    setJump(block, condition.value === 0n ? ifFalse : ifTrue, condition.value === 0n ? ifTrue : ifFalse, span);
    return true;
  }
  if (ifTrue !== ifFalse || edgesDiffer(block, ifTrue)) return false;
  setJump(block, ifTrue, ifTrue, span);
  return true;
}

/** Keeps the edge to `target`, with its phi arguments; the other goes. */
function setJump(block: Block, target: Block, other: Block, span: Terminator["span"]): void {
  removePredecessor(other, block);
  block.terminator = { op: "jump", target, span };
}

/** Two edges from one block to another that bring different values. */
function edgesDiffer(block: Block, target: Block): boolean {
  const first = target.predecessors.indexOf(block);
  const second = target.predecessors.indexOf(block, first + 1);
  return target.instructions.some((phi) => phi.op === "phi" && phi.args[first] !== phi.args[second]);
}

/** Sends the predecessors of blocks that only jump straight to where those jump. */
function removeEmptyBlocks(fn: IrFunction): boolean {
  let changed = false;
  for (const block of fn.blocks.slice(1)) {
    const terminator = block.terminator;
    if (terminator?.op !== "jump" || block.instructions.length > 0 || terminator.target === block) continue;
    for (const predecessor of [...block.predecessors]) changed = redirect(predecessor, block, terminator.target) || changed;
  }
  return changed;
}

function redirect(from: Block, empty: Block, target: Block): boolean {
  const hasPhis = target.instructions[0]?.op === "phi";
  // Two edges from one block could not be told apart by the phis' arguments.
  if (hasPhis && (target.predecessors.includes(from) || successorsOf(from).filter((next) => next === empty).length > 1)) return false;
  const terminator = from.terminator!;
  if (terminator.op === "return") return false;
  const edge = target.predecessors.indexOf(empty);
  for (const phi of target.instructions) if (phi.op === "phi") phi.args.push(phi.args[edge]!);
  target.predecessors.push(from);
  if (terminator.op === "jump") terminator.target = target;
  else if (terminator.ifTrue === empty) from.terminator = { ...hint(terminator, empty, false), ifTrue: target };
  else from.terminator = { ...hint(terminator, empty, true), ifFalse: target };
  removePredecessor(empty, from);
  return true;
}

/** The mark on a block that goes lives on in the branch that led to it. */
function hint(branch: Terminator & { op: "branch" }, empty: Block, likely: boolean): Terminator & { op: "branch" } {
  return empty.unlikely && branch.likely === undefined ? { ...branch, likely } : branch;
}

/** A block and the one that it alone leads to become one. */
function joinBlocks(fn: IrFunction): boolean {
  const replacements = new Replacements();
  const joined = new Set<Block>();
  for (const block of fn.blocks) {
    if (joined.has(block)) continue;
    for (;;) {
      const terminator = block.terminator;
      if (terminator?.op !== "jump") break;
      const next = terminator.target;
      if (next === block || next === fn.blocks[0] || next.predecessors.length !== 1) break;
      for (const instruction of next.instructions) {
        if (instruction.op === "phi") replacements.set(instruction, instruction.args[0]!);
        else {
          instruction.block = block;
          block.instructions.push(instruction);
        }
      }
      joined.add(next);
      block.unlikely ||= next.unlikely;
      takeTerminator(block, next);
    }
  }
  fn.blocks = fn.blocks.filter((block) => !joined.has(block));
  replacements.apply(fn);
  return joined.size > 0;
}

