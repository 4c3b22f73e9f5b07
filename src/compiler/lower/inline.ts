// Calls of the program's own functions. A function is inlined by lowering its body at the call: parameters are bound to
// the arguments' operands, and each return leaves an open end (or, in a condition, goes straight to one of its sides).

import { hasDirective } from "../syntax.js";
import type { CallExpression, Expression, FunctionNode, Node } from "../syntax.js";
import type { Block } from "../ir.js";
import type { ModuleFunction } from "../module.js";
import { typeWithWidth } from "../annotations.js";
import { refuse } from "../diagnostics.js";
import { spanOf } from "../syntax.js";
import type { Type } from "../types.js";
import { irTypeOf } from "../types.js";
import type { FunctionLowering, Returns } from "./context.js";
import { newFrame } from "./context.js";
import { lowerExpression } from "./expressions.js";
import { merge } from "./merge.js";
import type { OpenOperand } from "./merge.js";
import { calleeOf } from "./names.js";
import { isPresent } from "./nullness.js";
import type { Operand } from "./operand.js";
import { newVariable } from "./ssa.js";
import { lowerBody } from "./statements.js";
import { callSubprogram } from "./subprogram.js";
import { convertTo } from "./values.js";

export interface Signature {
  readonly parameters: readonly { readonly name: string; readonly type: Type; readonly node: Node }[];
  readonly result: Type;
}

export function lowerFunctionCall(f: FunctionLowering, fn: ModuleFunction, node: CallExpression): Operand {
  if (isSubprogram(fn)) return callSubprogram(f, fn, lowerArguments(f, fn, node), node);
  const sites: OpenOperand[] = [];
  const { result } = signatureOf(fn);
  inline(f, fn, node, { kind: "join", sites });
  const operand = merge(f, sites, node, result);
  // What is known of a result where it is joined is known of its name too: it may be non-null on every way.
  return operand.kind === "view" && isPresent(f, operand) ? { ...operand, nullTest: undefined } : operand;
}

/** A call that is a condition; false when it is none that could be inlined as one. */
export function inlineAsCondition(f: FunctionLowering, node: CallExpression, ifTrue: Block, ifFalse: Block): boolean {
  const callee = calleeOf(f, node);
  if (callee?.kind !== "function" || isSubprogram(callee.function)) return false;
  if (signatureOf(callee.function).result.kind !== "boolean") return false;
  inline(f, callee.function, node, { kind: "condition", ifTrue, ifFalse });
  return true;
}

const isSubprogram = (fn: ModuleFunction): boolean => hasDirective(fn.node, "use subprogram");

function inline(f: FunctionLowering, fn: ModuleFunction, node: CallExpression, returns: Returns): void {
  refuseRecursion(f, fn, node);
  const { parameters, result } = signatureOf(fn);
  const args = lowerArguments(f, fn, node);
  const frame = newFrame(fn, result, returns, f.frame);
  f.inFrame(frame, () => {
    parameters.forEach(({ name, node }, i) => bindParameter(f, name, args[i]!, node));
    lowerBody(f, fn.node);
  });
}

/** A parameter that is assigned to is a variable; any other is another name for the argument. */
export function bindParameter(f: FunctionLowering, name: string, operand: Operand, node: Node): void {
  if (!f.frame.assigned.has(name)) return f.bind(name, { kind: "operand", operand });
  if (operand.kind !== "scalar") {
    f.refuse(node, "constant-assigned", `the parameter "${name}" is a view and cannot be assigned to`,
      `give the new view a name of its own: const other = …`);
  }
  const variable = newVariable(name, irTypeOf(operand.type));
  f.flow.variables.write(variable, operand.value);
  f.bind(name, { kind: "scalar", type: operand.type, variable });
}

function lowerArguments(f: FunctionLowering, fn: ModuleFunction, node: CallExpression): Operand[] {
  const { parameters } = signatureOf(fn);
  const args = plainArguments(f, node, parameters.length, parameters.length, fn.name);
  return args.map((argument, i) => convertTo(f, lowerExpression(f, argument), parameters[i]!.type, argument));
}

/** The arguments of a call, counted; spread is refused. */
export function plainArguments(f: FunctionLowering, node: CallExpression, least: number, most: number, name: string): Expression[] {
  if (node.arguments.length < least || node.arguments.length > most) {
    f.refuse(node, "arguments",
      `${name}() takes ${least === most ? least : `${least} to ${most}`} arguments; here are ${node.arguments.length}`,
      `call it as ${name} is declared`);
  }
  return node.arguments.map((argument) =>
    argument.type === "SpreadElement" ? f.refuse(argument, "not-in-language", "spread is not in kernel TypeScript",
      "write the arguments out") : argument);
}

const signatures = new WeakMap<FunctionNode, Signature>();

export function signatureOf(fn: ModuleFunction): Signature {
  let signature = signatures.get(fn.node);
  if (signature === undefined) signatures.set(fn.node, (signature = readSignature(fn)));
  return signature;
}

function readSignature({ module, name, node }: ModuleFunction): Signature {
  const span = (at: Node) => spanOf(module.file, at);
  const odd = node.async ? "async functions" : node.generator ? "generators" : node.typeParameters ? "type parameters" : undefined;
  if (odd !== undefined) {
    refuse(span(node.id ?? node), "not-in-language", `${odd} are not in kernel TypeScript`,
      "declare a plain function: function name(parameter: type): type");
  }
  const parameters = node.params.map((parameter) => {
    if (parameter.type !== "Identifier") {
      return refuse(span(parameter), "not-in-language", "a parameter is a name with a type: no patterns, no defaults, no rest", "name: type");
    }
    const { name, typeAnnotation } = parameter;
    if (!typeAnnotation) return refuse(span(parameter), "annotation-missing", `the parameter "${name}" has no type`, `annotate it: ${name}: u32`);
    return { name, type: typeWithWidth(module, typeAnnotation.typeAnnotation), node: parameter as Node };
  });
  if (!node.returnType) {
    return refuse(span(node.id ?? node), "annotation-missing", `the function "${name}" has no result type`, `annotate it: function ${name}(…): u32, or void`);
  }
  return { parameters, result: typeWithWidth(module, node.returnType.typeAnnotation) };
}

/** eBPF has no stack to recurse on: 512 bytes in eight frames. */
export function refuseRecursion(f: FunctionLowering, fn: ModuleFunction, node: Node): void {
  const chain = f.callChain();
  const at = chain.findIndex((active) => active.node === fn.node);
  if (at < 0) return;
  const cycle = [...chain.slice(at), fn].map(({ name }) => name).join(" → ");
  f.refuse(node, "recursion", `recursion is not in kernel TypeScript: ${cycle}`, "use a loop, or bpf_loop() with a state");
}
