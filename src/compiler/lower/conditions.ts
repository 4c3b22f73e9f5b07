// Conditions as control flow: && and || and ! never become values where a branch is wanted, and a condition that is known
// when compiling leaves one side without a way to it (that side is not compiled).

import type { Block } from "../ir.js";
import type { CallExpression, Expression } from "../syntax.js";
import { isNullLiteral } from "../syntax.js";
import { boolean } from "../types.js";
import type { FunctionLowering } from "./context.js";
import { lowerExpression } from "./expressions.js";
import { inlineAsCondition } from "./inline.js";
import { merge } from "./merge.js";
import { calleeOf } from "./names.js";
import { branchOnNull } from "./nullness.js";
import type { Operand } from "./operand.js";
import { newVariable } from "./ssa.js";
import { booleanValue, scalar, truth } from "./values.js";

export function lowerCondition(f: FunctionLowering, node: Expression, ifTrue: Block, ifFalse: Block, likely?: boolean): void {
  if (!f.flow.reachable) return;
  f.flow.withSpan(f.span(node), () => lower(f, node, ifTrue, ifFalse, likely));
}

function lower(f: FunctionLowering, node: Expression, ifTrue: Block, ifFalse: Block, likely: boolean | undefined): void {
  switch (node.type) {
    case "UnaryExpression":
      if (node.operator !== "!") break;
      return lowerCondition(f, node.argument, ifFalse, ifTrue, likely === undefined ? undefined : !likely);
    case "LogicalExpression": {
      if (node.operator === "??") break;
      const right = f.flow.newBlock();
      // That a && b is likely says so of both; that it is unlikely says nothing of a alone.
      if (node.operator === "&&") lowerCondition(f, node.left, right, ifFalse, likely === true ? true : undefined);
      else lowerCondition(f, node.left, ifTrue, right, likely === false ? false : undefined);
      f.flow.enter(right);
      return lowerCondition(f, node.right, ifTrue, ifFalse, likely);
    }
    case "ConditionalExpression": {
      const [whenTrue, whenFalse] = [f.flow.newBlock(), f.flow.newBlock()];
      lowerCondition(f, node.test, whenTrue, whenFalse);
      f.flow.enter(whenTrue);
      lowerCondition(f, node.consequent, ifTrue, ifFalse, likely);
      f.flow.enter(whenFalse);
      return lowerCondition(f, node.alternate, ifTrue, ifFalse, likely);
    }
    case "BinaryExpression": {
      if (node.operator !== "===" && node.operator !== "!==") break;
      const equals = node.operator === "===";
      const tested = isNullLiteral(node.right) ? node.left : isNullLiteral(node.left) ? node.right : undefined;
      if (tested === undefined) break;
      const operand = lowerExpression(f, tested);
      const [ifNull, ifPresent] = equals ? [ifTrue, ifFalse] : [ifFalse, ifTrue];
      return branchOnNull(f, operand, tested, ifNull, ifPresent, likely === undefined ? undefined : likely === equals);
    }
    case "CallExpression": {
      const hint = hintOf(f, node);
      const [argument] = node.arguments;
      if (hint !== undefined && argument && argument.type !== "SpreadElement") return lowerCondition(f, argument, ifTrue, ifFalse, hint);
      if (inlineAsCondition(f, node, ifTrue, ifFalse)) return;
      break;
    }
  }
  f.flow.branch(booleanValue(f, lowerExpression(f, node), node), ifTrue, ifFalse, { likely });
}

/** true for likely(c), false for unlikely(c). */
export function hintOf(f: FunctionLowering, node: Expression): boolean | undefined {
  if (node.type !== "CallExpression") return undefined;
  const callee = calleeOf(f, node as CallExpression);
  const intrinsic = callee?.kind === "live" ? (callee.value as { intrinsic?: string }).intrinsic : undefined;
  return intrinsic === "likely" ? true : intrinsic === "unlikely" ? false : undefined;
}

/** a && b and the like where a value is wanted. */
export function conditionAsValue(f: FunctionLowering, node: Expression): Operand {
  const { flow } = f;
  const [whenTrue, whenFalse, after] = [flow.newBlock(), flow.newBlock(), flow.newBlock()];
  const value = newVariable("condition", "bool");
  lowerCondition(f, node, whenTrue, whenFalse);
  for (const [block, outcome] of [[whenTrue, true], [whenFalse, false]] as const) {
    flow.enter(block);
    if (!flow.reachable) continue;
    flow.variables.write(value, truth(f, outcome).value);
    flow.jump(after);
  }
  flow.enter(after);
  return flow.reachable ? scalar(boolean, flow.variables.read(value)) : truth(f, false);
}

/** c ? a : b as a value. */
export function lowerConditional(f: FunctionLowering, node: Expression & { type: "ConditionalExpression" }): Operand {
  const [whenTrue, whenFalse] = [f.flow.newBlock(), f.flow.newBlock()];
  lowerCondition(f, node.test, whenTrue, whenFalse);
  const ends = ([[whenTrue, node.consequent], [whenFalse, node.alternate]] as const).flatMap(([block, side]) => {
    f.flow.enter(block);
    if (!f.flow.reachable) return [];
    const operand = lowerExpression(f, side);
    return f.flow.reachable ? [{ operand, end: f.flow.suspend() }] : [];
  });
  return merge(f, ends, node);
}
