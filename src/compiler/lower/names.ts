// Names that are not local variables: functions of the program's modules, and live values.

import { evaluatePrivate } from "../evaluate.js";
import { isKind } from "../module.js";
import type { MapSpec } from "#ebpf/spec.js";
import type { CallExpression, Expression, Node } from "../syntax.js";
import { boolean } from "../types.js";
import type { FunctionLowering } from "./context.js";
import type { Operand } from "./operand.js";
import { scalar } from "./values.js";

export function lowerModuleName(f: FunctionLowering, name: string, node: Node): Operand {
  const resolved = f.frame.function.module.resolveName(name);
  if (resolved === undefined) {
    return f.refuse(node, "name-unknown", `"${name}" is not known here`,
      "declare it, or import it; a module's own names are visible when they are const or function");
  }
  if (resolved.kind === "function") return resolved;
  const value = resolved.kind === "live" ? resolved.value : evaluatePrivate(resolved, f.span(node));
  return liveOperand(f, value, node);
}

/** A value of the live module as an operand. */
export function liveOperand(f: FunctionLowering, value: unknown, node: Node): Operand {
  switch (typeof value) {
    case "bigint": return { kind: "literal", value, big: true, live: true };
    case "boolean": return scalar(boolean, f.builder.constant("bool", value));
    case "number":
      if (Number.isSafeInteger(value)) return { kind: "literal", value: BigInt(value), big: false, live: true };
      return f.refuse(node, "type-mismatch", `"${f.text(node)}" is ${value}, which is no integer`,
        "kernel TypeScript has integers only; scale the number");
    case "object":
      if (value === null) return { kind: "null" };
      return { kind: "live", value: isKind(value, "map") ? f.program.maps.sized(value as MapSpec) : value };
    case "function": return { kind: "live", value };
    default: return f.refuse(node, "name-unknown", `"${f.text(node)}" is a ${typeof value}, which has no meaning in the kernel`,
      "use integers, structs, maps and functions");
  }
}

/** What is called, if it is a plain name of a module: a function, a helper, an intrinsic. */
export function calleeOf(f: FunctionLowering, node: CallExpression): Operand | undefined {
  const callee = node.callee as Expression;
  if (callee.type !== "Identifier" || f.lookup(callee.name) !== undefined) return undefined;
  const resolved = f.frame.function.module.resolveName(callee.name);
  if (resolved?.kind === "function") return resolved;
  return resolved?.kind === "live" && typeof resolved.value === "function" ? { kind: "live", value: resolved.value } : undefined;
}
