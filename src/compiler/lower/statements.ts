// Statements: one case for each kind of node. A refusal ends its statement only, so that a program's other mistakes are
// found in the same run.

import type { BlockStatement, FunctionNode, IfStatement, Node, Statement } from "../syntax.js";
import type { FunctionLowering } from "./context.js";
import { hintOf, lowerCondition } from "./conditions.js";
import { lowerExpression } from "./expressions.js";
import { lowerDoWhile, lowerFor, lowerWhile } from "./loops.js";
import type { Operand, Place } from "./operand.js";
import { addressOf } from "./places.js";
import { lowerSwitch } from "./switch.js";
import { convertTo, valueAs } from "./values.js";
import { lowerVariables } from "./variables.js";

/** A function's body, with its parameters bound. Reaching the end returns nothing. */
export function lowerBody(f: FunctionLowering, node: FunctionNode): void {
  for (const statement of node.body?.body ?? []) lowerStatement(f, statement as Statement);
  if (!f.flow.reachable) return;
  const { result, function: fn } = f.frame;
  f.program.diagnostics.attempt(() => {
    if (result.kind !== "nothing") {
      f.refuse(fn.node.id ?? node, "missing-return", `"${fn.name}" may reach its end without returning a value`,
        "return a value on every way");
    }
    leave(f, { kind: "nothing" }, node);
  });
}

export function lowerStatement(f: FunctionLowering, node: Statement): void {
  if (!f.flow.reachable) return;
  const done = f.program.diagnostics.attempt(() => {
    f.flow.withSpan(f.span(node), () => lower(f, node));
    return true;
  });
  // A refused return is a return all the same: what follows it is not reached, and the function's end is not either.
  if (done === undefined && node.type === "ReturnStatement") f.flow.suspend();
}

function lower(f: FunctionLowering, node: Statement): void {
  switch (node.type) {
    case "VariableDeclaration": return lowerVariables(f, node);
    case "ExpressionStatement": lowerExpression(f, node.expression); return;
    case "BlockStatement": return lowerBlock(f, node);
    case "IfStatement": return lowerIf(f, node);
    case "SwitchStatement": return lowerSwitch(f, node);
    case "ForStatement": return lowerFor(f, node);
    case "WhileStatement": return lowerWhile(f, node);
    case "DoWhileStatement": return lowerDoWhile(f, node);
    case "ReturnStatement": return lowerReturn(f, node);
    case "BreakStatement": return lowerJump(f, node, "break");
    case "ContinueStatement": return lowerJump(f, node, "continue");
    case "EmptyStatement": return;
    case "TSTypeAliasDeclaration": return;
    default: return f.refuse(node, "not-in-language", `${statementNames[node.type]?.[0] ?? `${node.type} is`} not in kernel TypeScript`,
      statementNames[node.type]?.[1] ?? "see docs/dataplane-language.md for what the language has");
  }
}

const statementNames: { readonly [type: string]: readonly [name: string, remedy: string] } = {
  FunctionDeclaration: ["functions in functions are", "declare it at the module's top"],
  ClassDeclaration: ["classes are", "use a struct() and functions"],
  ThrowStatement: ["throw is", "return a verdict"],
  TryStatement: ["try is", "nothing throws here; test what a helper returns"],
  ForInStatement: ["for … in is", "count: for (let i = 0; i < n; i++)"],
  ForOfStatement: ["for … of is", "count: for (let i = 0; i < n; i++)"],
  LabeledStatement: ["labels are", "put the inner loop into a function and return from it"],
  DebuggerStatement: ["debugger is", "leave it out"],
};

function lowerBlock(f: FunctionLowering, node: BlockStatement): void {
  f.inScope(() => node.body.forEach((statement) => lowerStatement(f, statement)));
}

function lowerIf(f: FunctionLowering, node: IfStatement): void {
  const { flow } = f;
  const [then, otherwise, after] = [flow.newBlock(), flow.newBlock(), flow.newBlock()];
  const likely = hintOf(f, node.test);
  then.unlikely = likely === false;
  otherwise.unlikely = likely === true && node.alternate !== null;
  lowerCondition(f, node.test, then, node.alternate ? otherwise : after);
  flow.enter(then);
  lowerStatement(f, node.consequent);
  flow.jump(after);
  if (node.alternate) {
    flow.enter(otherwise);
    lowerStatement(f, node.alternate);
    flow.jump(after);
  }
  flow.enter(after);
}

function lowerReturn(f: FunctionLowering, node: Statement & { type: "ReturnStatement" }): void {
  const { returns, result, function: fn } = f.frame;
  if (node.argument === null) {
    if (result.kind !== "nothing") f.refuse(node, "missing-return", `"${fn.name}" returns a value, but not here`, "return a value");
    return leave(f, { kind: "nothing" }, node);
  }
  if (result.kind === "nothing") {
    f.refuse(node, "type-mismatch", `"${fn.name}" returns nothing, but here a value`,
      "declare its result type");
  }
  if (returns.kind === "condition") return lowerCondition(f, node.argument, returns.ifTrue, returns.ifFalse);
  const operand = convertTo(f, lowerExpression(f, node.argument), result, node.argument);
  leave(f, operand, node.argument);
}

/** Control leaves the function with a value of its result type. */
function leave(f: FunctionLowering, operand: Operand, node: Node): void {
  const { flow, frame: { returns, result } } = f;
  if (!flow.reachable) return;
  if (operand.kind === "view" || operand.kind === "array") outlive(f, operand.place.base);
  if (returns.kind === "join") {
    returns.sites.push({ operand, end: flow.suspend() });
  } else if (returns.kind === "function") {
    if (operand.kind === "view") flow.return(addressOf(f, operand.place, node));
    else if (result.kind === "integer") flow.return(valueAs(f, operand, result, node));
    else if (result.kind === "boolean") flow.return(f.builder.convert("boolToInt", valueAs(f, operand, result, node)));
    else flow.return();
  }
}

/** What is returned by reference keeps its slot. */
function outlive(f: FunctionLowering, base: Place["base"]): void {
  if (base.kind === "local") f.handToCaller(base);
  else if (base.elementOf !== undefined) base.elementOf.pinned = true;
}

function lowerJump(f: FunctionLowering, node: Node & { readonly label?: unknown }, kind: "break" | "continue"): void {
  if (node.label) {
    f.refuse(node, "not-in-language", "labels are not in kernel TypeScript",
      "put the inner loop into a function and return from it");
  }
  const { jumps } = f.frame;
  const target = kind === "break" ? jumps.at(-1)?.onBreak : jumps.findLast(({ onContinue }) => onContinue !== undefined)?.onContinue;
  if (target === undefined) f.refuse(node, "not-in-language", `${kind} stands outside a loop`, "leave the function with return");
  f.flow.jump(target);
}
