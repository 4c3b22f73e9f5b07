// Jump threading: where a block only asks a question whose answer depends on the way by which it was reached, each way
// that knows the answer goes straight on.
//
//   b1: …; jump b3                      b1: …; jump b4
//   b2: …; jump b3                  →   b2: …; branch c b4 b5
//   b3: v = phi b1: true, b2: c
//       branch v b4 b5
//
// This undoes what a function inlined into a condition leaves, "&&" and "||", and a question asked again after a join.
// Requires: dead code removed, constants pooled in the entry. Leaves blocks that may be empty or unreachable.

import type { Block, Instruction, IrFunction, Terminator } from "../ir.js";
import { foldCompare } from "../ir-arithmetic.js";
import { constantOf, newBlock, removePredecessor, setTerminator } from "../ir-builder.js";
import type { Uses } from "../analysis/uses.js";
import { usesOf } from "../analysis/uses.js";
import { Facts } from "./facts.js";
import { repairUses } from "./ssa-repair.js";

/** Threading a loop's head turns the loop, and could go on for every round; no function needs so many. */
const THREADS_MAX = 2000;

/** True when any jump was threaded. */
export function threadJumps(fn: IrFunction): boolean {
  let threaded = 0;
  const uses = usesOf(fn);
  for (const block of [...fn.blocks]) {
    const question = questionOf(block, uses);
    if (question === undefined) continue;
    for (let edge = block.predecessors.length - 1; edge >= 0 && threaded < THREADS_MAX; edge--) {
      if (threadEdge(fn, block, question, edge, uses)) threaded++;
    }
  }
  return threaded > 0;
}

/** A branch that stands alone in its block, but for phis. */
interface Question {
  readonly branch: Terminator & { op: "branch" };
  /** What is asked about, when it is a phi of the block. */
  readonly phi: (Instruction & { op: "phi" }) | undefined;
  /** The comparison, when it stands in the block. */
  readonly compare: (Instruction & { op: "compare" }) | undefined;
}

function questionOf(block: Block, uses: Uses): Question | undefined {
  const branch = block.terminator;
  if (branch?.op !== "branch" || block.predecessors.length < 2) return undefined;
  if (branch.ifTrue === branch.ifFalse || branch.ifTrue === block || branch.ifFalse === block) return undefined;
  const { condition } = branch;
  const compare = condition.op === "compare" && condition.block === block ? condition : undefined;
  // Nothing but the question may stand here: a way that skips the block must not miss anything.
  if (block.instructions.some((instruction) => instruction.op !== "phi" && instruction !== compare)) return undefined;
  if (compare !== undefined && uses.of(compare).length > 1) return undefined;
  const asked = compare === undefined ? condition : compare.args[0];
  const phi = asked.op === "phi" && asked.block === block ? asked : undefined;
  return { branch, phi, compare };
}

type Answer = { readonly constant: boolean } | { readonly condition: Instruction };

function answerOn(question: Question, block: Block, edge: number): Answer | undefined {
  const { phi, compare, branch } = question;
  if (phi === undefined) {
    const known = factsOnEdge(block.predecessors[edge]!, block).decide(branch.condition);
    return known === undefined ? undefined : { constant: known };
  }
  const arg = phi.args[edge]!;
  const value = constantOf(arg);
  if (compare === undefined) {
    if (value !== undefined) return { constant: value !== 0n };
    return arg.op === "compare" ? { condition: arg } : undefined;
  }
  const { predicate, args: [, right] } = compare;
  const constant = constantOf(right);
  if (constant === undefined) return undefined;
  if (value !== undefined) return { constant: foldCompare(predicate, phi.type, value, constant) };
  // A pointer that something was added to, or that names memory, is not null.
  const isNotNull = arg.op === "pointerAdd" || arg.op === "mapValue" || arg.op === "stackAddress";
  return isNotNull && (predicate === "eq" || predicate === "ne") ? { constant: predicate === "ne" } : undefined;
}

/** So many branches on the way to an edge are asked what they know. */
const STEPS_MAX = 8;

function factsOnEdge(from: Block, to: Block): Facts {
  const facts = new Facts();
  for (let [at, next, steps] = [from as Block | undefined, to, 0]; at !== undefined && steps < STEPS_MAX; steps++) {
    const terminator = at.terminator;
    if (terminator?.op === "branch" && terminator.ifTrue !== terminator.ifFalse) facts.learn(terminator.condition, terminator.ifTrue === next);
    next = at;
    at = at.predecessors.length === 1 ? at.predecessors[0] : undefined;
  }
  return facts;
}

function threadEdge(fn: IrFunction, block: Block, question: Question, edge: number, uses: Uses): boolean {
  const answer = answerOn(question, block, edge);
  if (answer === undefined) return false;
  const from = block.predecessors[edge]!;
  // Two edges from one block: which of them is meant could not be told.
  if (block.predecessors.indexOf(from) !== block.predecessors.lastIndexOf(from)) return false;
  const phis = block.instructions.filter((instruction) => instruction.op === "phi");
  const incoming = phis.map((phi) => phi.args[edge]!);
  // A loop's way back may bring what another phi held in the round before, which has no name of its own behind the block.
  if (incoming.some((value) => value.op === "phi" && value.block === block)) return false;
  const { ifTrue, ifFalse, likely, span } = question.branch;
  const shortcut = newBlock(fn, block.unlikely);
  const translate = (value: Instruction): Instruction => {
    const at = phis.indexOf(value as (typeof phis)[number]);
    return at < 0 ? value : incoming[at]!;
  };
  redirectEdge(from, block, shortcut);
  const targets = "constant" in answer ? [answer.constant ? ifTrue : ifFalse] : [ifTrue, ifFalse];
  for (const target of targets) extendPhis(target, block, translate, uses);
  if ("constant" in answer) setTerminator(shortcut, { op: "jump", target: targets[0]!, span });
  else setTerminator(shortcut, { op: "branch", condition: answer.condition, ifTrue, ifFalse, ...(likely === undefined ? {} : { likely }), span });
  phis.forEach((phi, i) => repairUses(fn, phi, new Map([[block, phi], [shortcut, incoming[i]!]]), uses));
  return true;
}

function redirectEdge(from: Block, block: Block, shortcut: Block): void {
  const terminator = from.terminator!;
  if (terminator.op === "jump") terminator.target = shortcut;
  if (terminator.op === "branch") {
    if (terminator.ifTrue === block) terminator.ifTrue = shortcut;
    else terminator.ifFalse = shortcut;
  }
  removePredecessor(block, from);
  shortcut.predecessors.push(from);
}

/** The target's phis take, by the new edge, what they would have taken through the block. */
function extendPhis(target: Block, block: Block, translate: (value: Instruction) => Instruction, uses: Uses): void {
  const edge = target.predecessors.indexOf(block);
  for (const phi of target.instructions) {
    if (phi.op !== "phi") continue;
    const value = translate(phi.args[edge]!);
    phi.args.push(value);
    uses.enter(value, phi);
  }
}
