// switch: a chain of comparisons, or above a few cases a binary search. No case falls through, but for empty ones.

import type { Block, Instruction } from "../ir.js";
import type { Expression, Statement, SwitchStatement } from "../syntax.js";
import type { Integer } from "../types.js";
import type { FunctionLowering } from "./context.js";
import { lowerExpression } from "./expressions.js";
import type { Operand } from "./operand.js";
import { describeOperand } from "./operand.js";
import { lowerStatement } from "./statements.js";
import { literalAs, settle, valueAs } from "./values.js";

/** Above so many cases a binary search takes fewer comparisons. */
const CHAIN_MAX = 4;

interface Arm {
  readonly values: readonly bigint[];
  readonly isDefault: boolean;
  readonly body: readonly Statement[];
  readonly block: Block;
}

export function lowerSwitch(f: FunctionLowering, node: SwitchStatement): void {
  const { flow } = f;
  const discriminant = settle(f, lowerExpression(f, node.discriminant), node.discriminant);
  if (discriminant.kind !== "scalar" || discriminant.type.kind !== "integer") {
    f.refuse(node.discriminant, "type-mismatch",
      `switch takes an integer; "${f.text(node.discriminant)}" is ${describeOperand(discriminant)}`, "use if");
  }
  const arms = collectArms(f, node, discriminant.type);
  const after = flow.newBlock();
  const otherwise = arms.find(({ isDefault }) => isDefault)?.block ?? after;
  const cases = arms.flatMap(({ values, block }) => values.map((value) => ({ value, block })));
  dispatch(f, discriminant.value, cases, otherwise);
  f.frame.jumps.push({ onBreak: after, onContinue: undefined });
  for (const { block, body } of arms) {
    flow.enter(block);
    f.inScope(() => body.forEach((statement) => lowerStatement(f, statement)));
    flow.jump(after);
  }
  f.frame.jumps.pop();
  flow.enter(after);
}

function collectArms(f: FunctionLowering, node: SwitchStatement, type: Integer): Arm[] {
  const arms: Arm[] = [];
  const seen = new Set<bigint>();
  let values: bigint[] = [];
  let isDefault = false;
  node.cases.forEach(({ test, consequent }, i) => {
    if (test === null) isDefault = true;
    else values.push(caseValue(f, test, type, seen));
    const isLast = i === node.cases.length - 1;
    if (consequent.length === 0 && !isLast) return;
    if (!isLast && !leaves(consequent.at(-1))) {
      f.refuse(test ?? node.cases[i]!, "switch-case", "this case falls through to the next", "end it with break or return");
    }
    arms.push({ values, isDefault, body: consequent, block: f.flow.newBlock() });
    values = [];
    isDefault = false;
  });
  return arms;
}

/** Does control never pass this statement's end? */
function leaves(statement: Statement | undefined): boolean {
  switch (statement?.type) {
    case "BreakStatement": case "ReturnStatement": case "ContinueStatement": return true;
    case "BlockStatement": return leaves(statement.body.at(-1));
    case "IfStatement": return statement.alternate !== null && leaves(statement.consequent) && leaves(statement.alternate);
    default: return false;
  }
}

function caseValue(f: FunctionLowering, test: Expression, type: Integer, seen: Set<bigint>): bigint {
  const operand: Operand = lowerExpression(f, test);
  const value = operand.kind === "literal" ? literalAs(f, operand, type, test).value : valueAs(f, operand, type, test);
  if (value.op !== "constant") {
    f.refuse(test, "not-a-constant", `"${f.text(test)}" is not known when compiling`,
      "cases are constants; use if for others");
  }
  if (seen.has(value.value)) f.refuse(test, "switch-case", `"${f.text(test)}" stands here twice`, "remove one of the cases");
  seen.add(value.value);
  return value.value;
}

interface Case {
  readonly value: bigint;
  readonly block: Block;
}

function dispatch(f: FunctionLowering, discriminant: Instruction, cases: readonly Case[], otherwise: Block): void {
  if (cases.length <= CHAIN_MAX) return chain(f, discriminant, cases, otherwise);
  const sorted = [...cases].sort((a, b) => (a.value < b.value ? -1 : 1));
  search(f, discriminant, sorted, otherwise);
}

function chain(f: FunctionLowering, discriminant: Instruction, cases: readonly Case[], otherwise: Block): void {
  const { flow, builder } = f;
  for (const { value, block } of cases) {
    const next = flow.newBlock();
    flow.branch(builder.compare("eq", discriminant, builder.constant(discriminant.type as "i32", value)), block, next);
    flow.enter(next);
  }
  flow.jump(otherwise);
}

/** `cases` are sorted as unsigned numbers. */
function search(f: FunctionLowering, discriminant: Instruction, cases: readonly Case[], otherwise: Block): void {
  if (cases.length <= CHAIN_MAX) return chain(f, discriminant, cases, otherwise);
  const { flow, builder } = f;
  const middle = cases.length >> 1;
  const [below, above] = [flow.newBlock(), flow.newBlock()];
  flow.branch(builder.compare("ult", discriminant, builder.constant(discriminant.type as "i32", cases[middle]!.value)), below, above);
  flow.enter(below);
  search(f, discriminant, cases.slice(0, middle), otherwise);
  flow.enter(above);
  search(f, discriminant, cases.slice(middle), otherwise);
}
