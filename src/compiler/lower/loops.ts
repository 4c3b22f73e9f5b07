// Loops. A `for` over a few constant rounds is unrolled, its variable a literal in each; others are loops in the graph:
//
//   before → header → test → body → update → header
//                       ↘ after

import { i32, u32, u64 } from "#layout/numbers.js";
import type { Block } from "../ir.js";
import type { Expression, ForStatement, Node, Statement, WhileStatement } from "../syntax.js";
import { assignedNames, isIdentifier, walk } from "../syntax.js";
import type { FunctionLowering } from "./context.js";
import { lowerCondition } from "./conditions.js";
import { lowerExpression } from "./expressions.js";
import type { Operand } from "./operand.js";
import { lowerStatement } from "./statements.js";
import { literalAs } from "./values.js";
import { lowerVariables } from "./variables.js";

/** More rounds stay a loop: the verifier walks either kind round by round, but instructions fill the cache. */
const UNROLLED_ROUNDS_MAX = 8;

export function lowerFor(f: FunctionLowering, node: ForStatement): void {
  f.inScope(() => {
    const rounds = unrolledRounds(f, node);
    if (rounds !== undefined) return lowerUnrolled(f, rounds, node.body);
    if (node.init?.type === "VariableDeclaration") lowerVariables(f, node.init);
    else if (node.init) lowerExpression(f, node.init);
    lowerLoop(f, node.test, node.body, node.update);
  });
}

export function lowerWhile(f: FunctionLowering, node: WhileStatement): void {
  lowerLoop(f, node.test, node.body, null);
}

function lowerLoop(f: FunctionLowering, test: Expression | null, body: Statement, update: Expression | null): void {
  const { flow } = f;
  const [header, inside, next, after] = [flow.newBlock(), flow.newBlock(), flow.newBlock(), flow.newBlock()];
  flow.jump(header);
  f.beginLoop();
  flow.enterLoop(header);
  const { epoch } = flow;
  if (test) lowerCondition(f, test, inside, after);
  else flow.jump(inside);
  flow.enter(inside);
  lowerBreakable(f, body, after, next);
  flow.jump(next);
  flow.enter(next);
  if (update && flow.reachable) f.program.diagnostics.attempt(() => lowerExpression(f, update));
  flow.jump(header);
  f.endLoop(flow.closeLoop(header, epoch));
  flow.enter(after);
}

export function lowerDoWhile(f: FunctionLowering, node: Statement & { type: "DoWhileStatement" }): void {
  const { flow } = f;
  const [header, next, after] = [flow.newBlock(), flow.newBlock(), flow.newBlock()];
  flow.jump(header);
  f.beginLoop();
  flow.enterLoop(header);
  const { epoch } = flow;
  lowerBreakable(f, node.body, after, next);
  flow.jump(next);
  flow.enter(next);
  lowerCondition(f, node.test, header, after);
  f.endLoop(flow.closeLoop(header, epoch));
  flow.enter(after);
}

function lowerBreakable(f: FunctionLowering, body: Statement, onBreak: Block, onContinue: Block): void {
  f.frame.jumps.push({ onBreak, onContinue });
  lowerStatement(f, body);
  f.frame.jumps.pop();
}

// --- Unrolling ---

interface Rounds {
  readonly name: string;
  readonly values: readonly Operand[];
}

function lowerUnrolled(f: FunctionLowering, { name, values }: Rounds, body: Statement): void {
  const { flow } = f;
  const after = flow.newBlock();
  for (const operand of values) {
    const next = flow.newBlock();
    f.inScope(() => {
      f.bind(name, { kind: "operand", operand });
      lowerBreakable(f, body, after, next);
    });
    flow.jump(next);
    flow.enter(next);
  }
  flow.jump(after);
  flow.enter(after);
}

/** The rounds of `for (let i = A; i < B; i++)`, or undefined if it is another loop, or a long one. */
function unrolledRounds(f: FunctionLowering, node: ForStatement): Rounds | undefined {
  const { init, test, update, body } = node;
  const declarator = init?.type === "VariableDeclaration" && init.declarations.length === 1 ? init.declarations[0] : undefined;
  if (declarator?.id.type !== "Identifier" || !declarator.init || test?.type !== "BinaryExpression") return undefined;
  const { name } = declarator.id;
  if (!isIdentifier(test.left, name) || assigns(body, name)) return undefined;
  const [start, end, step] = [constant(f, declarator.init), constant(f, test.right), stepOf(f, update, name)];
  if (start === undefined || end === undefined || step === undefined || step.value === 0n) return undefined;
  const goesOn = continuation(test.operator, end.value);
  if (goesOn === undefined) return undefined;
  const values: Operand[] = [];
  const type = start.big ? u64 : start.value < 0n || end.value < 0n || step.value < 0n ? i32 : u32;
  for (let value = start.value; goesOn(value); value += step.value) {
    if (values.length === UNROLLED_ROUNDS_MAX) return undefined;
    values.push(declarator.id.typeAnnotation ? literalAs(f, { ...start, value }, type, declarator.id) : { ...start, value });
  }
  return { name, values };
}

function continuation(operator: string, end: bigint): ((value: bigint) => boolean) | undefined {
  switch (operator) {
    case "<": return (value) => value < end;
    case "<=": return (value) => value <= end;
    case ">": return (value) => value > end;
    case ">=": return (value) => value >= end;
    case "!==": return (value) => value !== end;
    default: return undefined;
  }
}

function stepOf(f: FunctionLowering, update: Expression | null, name: string): { readonly value: bigint } | undefined {
  if (update?.type === "UpdateExpression" && isIdentifier(update.argument, name)) return { value: update.operator === "++" ? 1n : -1n };
  if (update?.type !== "AssignmentExpression" || !isIdentifier(update.left, name)) return undefined;
  const step = constant(f, update.right);
  if (step === undefined) return undefined;
  return update.operator === "+=" ? step : update.operator === "-=" ? { value: -step.value } : undefined;
}

const constantNodes = new Set(["Literal", "Identifier", "BinaryExpression", "UnaryExpression", "MemberExpression"]);

/** The value of an expression of literals and constants, without effect on the program. */
function constant(f: FunctionLowering, node: Expression) {
  let plain = true;
  walk(node as Node, ({ type }) => {
    plain &&= constantNodes.has(type);
  });
  if (!plain) return undefined;
  const operand = lowerExpression(f, node);
  if (operand.kind === "literal") return operand;
  return operand.kind === "scalar" && operand.value.op === "constant" && operand.type.kind === "integer"
    ? { kind: "literal" as const, value: operand.value.value, big: operand.type.bits === 64, live: false } : undefined;
}

const assigns = (body: Statement, name: string): boolean => assignedNames(body).has(name);
