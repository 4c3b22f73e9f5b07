// The live values of a module's private constants. A module's exports are there for the asking; what it keeps to itself
// is evaluated from its text, with exports, imports and private functions in reach.

import { refuse } from "./diagnostics.js";
import type { Span } from "./ir.js";
import type { Module, Resolved } from "./module.js";
import { stripTypes } from "./strip-types.js";
import type { Node } from "./syntax.js";
import { textOf, walk } from "./syntax.js";

type Private = Extract<Resolved, { kind: "private" }>;

/** Each constant is evaluated once for a compilation, so that a struct stays the same struct. */
const evaluated = new WeakMap<Module, Map<string, unknown>>();

export function evaluatePrivate(constant: Private, span: Span): unknown {
  const { module, name, node } = constant;
  let values = evaluated.get(module);
  if (values === undefined) evaluated.set(module, (values = new Map()));
  if (!values.has(name)) {
    values.set(name, undefined); // a constant that leads to itself stays undefined
    try {
      values.set(name, evaluate(module, node, span));
    } catch (error) {
      if (!(error instanceof Error) || error.name === "Refusal") throw error;
      refuse(span, "not-a-constant", `"${name}" cannot be evaluated when compiling: ${error.message}`,
        "let its initialiser use only constants, structs and functions that run as JavaScript");
    }
  }
  return values.get(name);
}

/** Runs the text of `node` as JavaScript, with the module's names in it as parameters. */
function evaluate(module: Module, node: Node, span: Span): unknown {
  const scope = new Map<string, unknown>();
  const functions = new Set<string>();
  const collect = (node: Node): void => walk(node, (child) => {
    if (child.type.startsWith("TS") && child.type.endsWith("Annotation")) return false;
    if (child.type !== "Identifier") return true;
    const { name } = child as unknown as { name: string };
    if (scope.has(name)) return true;
    const resolved = module.resolveName(name);
    if (resolved === undefined) return true;
    if (resolved.kind === "live") scope.set(name, resolved.value);
    else if (resolved.kind === "private") scope.set(name, evaluatePrivate(resolved, span));
    else if (resolved.function.name in resolved.function.module.live) scope.set(name, resolved.function.module.live[resolved.function.name]);
    else if (!functions.has(name)) {
      functions.add(name);
      collect(resolved.function.node as unknown as Node);
    }
    return true;
  });
  collect(node);
  const declarations = [...functions].map((name) => stripTypes(textOf(module.file, module.functions.get(name)!.node)));
  const expression = stripTypes(`(${textOf(module.file, node)})`);
  const run = new Function(...scope.keys(), `"use strict"; ${declarations.join("\n")}\nreturn ${expression};`);
  return run(...scope.values()) as unknown;
}
