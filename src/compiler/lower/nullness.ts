// Views that may be null: their test, and what is known of it. A test that succeeded is a fact about the view (see
// flow.ts); using a view needs that fact.

import type { Block, Instruction } from "../ir.js";
import type { Node } from "../syntax.js";
import type { FunctionLowering } from "./context.js";
import type { NullTest, Operand, ViewOperand } from "./operand.js";
import { describeOperand } from "./operand.js";

/** The fact "not null" is kept under this key. */
const factKey = (test: NullTest): object => (test.kind === "flag" ? test.present : test.kind === "pointer" ? test.pointer : test);

export function isPresent(f: FunctionLowering, view: ViewOperand): boolean {
  const { nullTest } = view;
  if (nullTest === undefined || f.flow.known(factKey(nullTest)) !== undefined) return true;
  return nullTest.kind === "flag" && isAlwaysTrue(f, nullTest.present, new Set());
}

/** The operand as a view that can be used; refused while it may be null. */
export function presentView(f: FunctionLowering, operand: Operand, node: Node): ViewOperand {
  if (operand.kind !== "view") {
    return f.refuse(node, "type-mismatch", `a view is needed here, but "${f.text(node)}" is ${describeOperand(operand)}`,
      "use a view of a packet, of a map's value, or a struct from make()");
  }
  if (isPresent(f, operand)) return { ...operand, nullTest: undefined };
  const name = f.text(node);
  return f.refuse(node, "may-be-null", `"${name}" may be null here`,
    `compare it first: if (${node.type === "Identifier" ? name : "view"} === null) return …`);
}

/** The condition "it is not null", as a value. */
export function presence(f: FunctionLowering, view: ViewOperand): Instruction {
  const { builder } = f;
  const { nullTest } = view;
  if (nullTest === undefined || isPresent(f, view)) return builder.constant("bool", 1);
  if (nullTest.kind === "flag") return nullTest.present;
  if (nullTest.kind === "pointer") return builder.compare("ne", nullTest.pointer, builder.constant("pointer", 0));
  return builder.compare("ule", nullTest.end, nullTest.dataEnd);
}

/** Leaves the current block to one side or the other of `operand === null`. */
export function branchOnNull(
  f: FunctionLowering, operand: Operand, node: Node, ifNull: Block, ifPresent: Block, likelyNull: boolean | undefined,
): void {
  const { flow, builder } = f;
  if (operand.kind === "null") return flow.jump(ifNull);
  if (operand.kind !== "view") {
    f.refuse(node, "type-mismatch", `only views compare with null; "${f.text(node)}" is ${describeOperand(operand)}`,
      "compare a number with 0, a bigint with 0n");
  }
  const { nullTest } = operand;
  if (nullTest === undefined || isPresent(f, operand)) return flow.jump(ifPresent);
  const key = factKey(nullTest);
  if (nullTest.kind === "flag") {
    return flow.branch(nullTest.present, ifPresent, ifNull, { whenTrue: key, likely: likelyNull === undefined ? undefined : !likelyNull });
  }
  const isNull = nullTest.kind === "bounds" ? builder.compare("ugt", nullTest.end, nullTest.dataEnd)
    : builder.compare("eq", nullTest.pointer, builder.constant("pointer", 0));
  flow.branch(isNull, ifNull, ifPresent, { whenFalse: key, likely: likelyNull });
}

/** A flag that is 1 wherever control can come from: `let v = f(); if (v === null) v = g();` leaves such a one. */
function isAlwaysTrue(f: FunctionLowering, flag: Instruction, seen: Set<Instruction>): boolean {
  if (flag.op === "constant") return flag.value === 1n;
  if (seen.has(flag)) return true;
  seen.add(flag);
  const { predecessors } = flag.block;
  if (flag.op !== "phi" || flag.args.length !== predecessors.length) return false;
  return flag.args.every((arg, i) => {
    const value = f.flow.variables.resolve(arg);
    return f.flow.knownOnEdge(value, predecessors[i]!, flag.block) || isAlwaysTrue(f, value, seen);
  });
}
