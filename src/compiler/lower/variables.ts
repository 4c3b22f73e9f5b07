// const and let. A name that is never assigned to again is another name for its initialiser's operand: a literal stays a
// literal, a struct from make() stays in registers. Others are SSA variables; a view is one for its pointer, and one for
// whether it is there.

import { typeWithWidth } from "../annotations.js";
import type { Expression, Node, VariableDeclaration } from "../syntax.js";
import type { Scalar, Type } from "../types.js";
import { irTypeOf, isScalar } from "../types.js";
import type { Binding, FunctionLowering } from "./context.js";
import { lowerExpression } from "./expressions.js";
import { pointerAndPresence, viewBehind } from "./merge.js";
import type { Operand } from "./operand.js";
import { describeOperand } from "./operand.js";
import { newVariable } from "./ssa.js";
import { convertTo, scalar, settle, valueAs } from "./values.js";

export function lowerVariables(f: FunctionLowering, node: VariableDeclaration): void {
  if (node.kind !== "const" && node.kind !== "let") {
    f.refuse(node, "not-in-language", `"${node.kind}" is not in kernel TypeScript`, "use const or let");
  }
  for (const { id, init } of node.declarations) {
    if (id.type !== "Identifier") {
      f.refuse(id, "not-in-language", "destructuring is not in kernel TypeScript",
        "declare one name after the other");
    }
    // Bound before the initialiser is lowered: if that is refused, later uses of the name need no message of their own.
    f.bind(id.name, { kind: "refused" });
    const type = id.typeAnnotation ? typeWithWidth(f.frame.function.module, id.typeAnnotation.typeAnnotation) : undefined;
    const changes = node.kind === "let" && f.frame.assigned.has(id.name);
    f.bind(id.name, changes ? newVariableBinding(f, id.name, type, init, id) : constantBinding(f, type, init, id));
  }
}

function constantBinding(f: FunctionLowering, type: Type | undefined, init: Expression | null, node: Node): Binding {
  if (init === null) f.refuse(node, "unassigned", "this variable is never assigned", "give it an initialiser");
  const operand = lowerExpression(f, init);
  if (operand.kind === "nothing" || operand.kind === "string") {
    f.refuse(init, "type-mismatch",
      `"${f.text(init)}" is ${describeOperand(operand)}`, "a variable holds an integer, a boolean or a view");
  }
  return { kind: "operand", operand: type === undefined ? operand : convertTo(f, operand, type, init) };
}

function newVariableBinding(f: FunctionLowering, name: string, type: Type | undefined, init: Expression | null, node: Node): Binding {
  const operand = init === null ? undefined : settle(f, lowerExpression(f, init), init);
  const known = type ?? (operand === undefined ? undefined : typeOfOperand(operand));
  if (known === undefined || !(isScalar(known) || known.kind === "view")) {
    const found = operand === undefined ? "has neither a type nor an initialiser" : `is ${describeOperand(operand)}`;
    f.refuse(node, "annotation-missing", `"${name}" ${found}, so its type is not known`,
      "annotate it: let name: u32, or let name: View<typeof S> | null = null");
  }
  const binding = bindingOf(name, known);
  if (operand !== undefined && init !== null) assignVariable(f, binding, name, operand, init, node);
  return binding;
}

function typeOfOperand(operand: Operand): Type | undefined {
  if (operand.kind === "scalar") return operand.type;
  return operand.kind === "view" ? { kind: "view", struct: operand.place.type, nullable: operand.nullTest !== undefined } : undefined;
}

function bindingOf(name: string, type: Scalar | Extract<Type, { kind: "view" }>): Binding {
  if (isScalar(type)) return { kind: "scalar", type, variable: newVariable(name, irTypeOf(type)) };
  const present = type.nullable ? newVariable(`${name} is present`, "bool") : undefined;
  return { kind: "view", struct: type.struct, pointer: newVariable(name, "pointer"), present };
}

export function readVariable(f: FunctionLowering, binding: Binding, name: string, node: Node): Operand {
  const { variables } = f.flow;
  switch (binding.kind) {
    case "operand": return binding.operand;
    case "refused": return f.refuseAgain();
    case "scalar": {
      const value = variables.read(binding.variable);
      if (binding.variable.readUnassigned) unassigned(f, name, node);
      return scalar(binding.type, value);
    }
    case "view": {
      const pointer = variables.read(binding.pointer);
      const present = binding.present && variables.read(binding.present);
      if (binding.pointer.readUnassigned) unassigned(f, name, node);
      return viewBehind(f, binding.struct, pointer, present);
    }
  }
}

export function assignVariable(f: FunctionLowering, binding: Binding, name: string, operand: Operand, node: Node, nameNode: Node): Operand {
  const { variables } = f.flow;
  switch (binding.kind) {
    case "refused": return f.refuseAgain();
    case "operand": return f.refuse(nameNode, "constant-assigned", `"${name}" cannot be assigned to`, "declare it with let");
    case "scalar": {
      const value = valueAs(f, operand, binding.type, node);
      variables.write(binding.variable, value);
      return scalar(binding.type, value);
    }
    case "view": {
      const type: Type = { kind: "view", struct: binding.struct, nullable: binding.present !== undefined };
      const parts = pointerAndPresence(f, convertTo(f, operand, type, node), node);
      variables.write(binding.pointer, parts.pointer);
      if (binding.present) variables.write(binding.present, parts.present);
      return operand;
    }
  }
}

function unassigned(f: FunctionLowering, name: string, node: Node): never {
  return f.refuse(node, "unassigned", `"${name}" may be read before it is assigned`, "give it an initialiser");
}
