// Expressions: one case for each kind of node, in the order of the language's own list. Each gives an operand.

import type { FieldType } from "#layout/struct.js";
import { typeOfAnnotation } from "../annotations.js";
import type { Instruction } from "../ir.js";
import { isKind } from "../module.js";
import type { AssignmentExpression, Expression, MemberExpression, Node, UpdateExpression } from "../syntax.js";
import { isNullLiteral, propertyName } from "../syntax.js";
import { fieldNames, irTypeOf } from "../types.js";
import { u32 } from "#layout/numbers.js";
import { lowerBinary, lowerNegation } from "./arithmetic.js";
import { lowerCall } from "./calls.js";
import { conditionAsValue, lowerConditional } from "./conditions.js";
import type { Binding, FunctionLowering } from "./context.js";
import { lowerModuleName, liveOperand } from "./names.js";
import { presentView } from "./nullness.js";
import type { Operand, Place } from "./operand.js";
import { describeOperand } from "./operand.js";
import { readPacketField, writePacketField } from "./packets.js";
import { copy, elementPlace, fieldPlace, readPlace, writeInteger } from "./places.js";
import { assignVariable, readVariable } from "./variables.js";
import { castTo, scalar, valueAs, valueToStore } from "./values.js";

export function lowerExpression(f: FunctionLowering, node: Expression): Operand {
  return f.flow.withSpan(f.span(node), () => lower(f, node));
}

function lower(f: FunctionLowering, node: Expression): Operand {
  switch (node.type) {
    case "Literal": return lowerLiteral(f, node);
    case "Identifier": return lowerIdentifier(f, node.name, node);
    case "MemberExpression": return lowerMember(f, node);
    case "CallExpression": return lowerCall(f, node);
    case "UnaryExpression": return lowerUnary(f, node);
    case "BinaryExpression": return lowerBinaryExpression(f, node);
    case "LogicalExpression": return conditionAsValue(f, node);
    case "ConditionalExpression": return lowerConditional(f, node);
    case "AssignmentExpression": return lowerAssignment(f, node);
    case "UpdateExpression": return lowerUpdate(f, node);
    case "SequenceExpression": return node.expressions.map((expression) => lowerExpression(f, expression)).at(-1)!;
    case "TSAsExpression": return lowerCast(f, node);
    case "TSSatisfiesExpression": return lowerExpression(f, node.expression);
    case "TSNonNullExpression": return f.refuse(node, "may-be-null", `"!" does not make a view present`,
      "compare it: if (view === null) return …");
    default: return f.refuse(node, "not-in-language", `${constructName(node.type)} not in kernel TypeScript`, remedyFor(node.type));
  }
}

function lowerLiteral(f: FunctionLowering, node: Expression & { type: "Literal" }): Operand {
  const { value } = node;
  if (typeof value === "string") return { kind: "string", value };
  if ("regex" in node || value instanceof RegExp) {
    return f.refuse(node, "not-in-language", "regular expressions are not in kernel TypeScript", "compare bytes");
  }
  const operand = liveOperand(f, value, node);
  return operand.kind === "literal" ? { ...operand, live: false } : operand;
}

function lowerIdentifier(f: FunctionLowering, name: string, node: Node): Operand {
  const binding = f.lookup(name);
  if (binding !== undefined) return readVariable(f, binding, name, node);
  if (name === "undefined") {
    return f.refuse(node, "not-in-language", "there is no undefined in kernel TypeScript",
      "use null for views, 0 for numbers");
  }
  return lowerModuleName(f, name, node);
}

function lowerMember(f: FunctionLowering, node: MemberExpression): Operand {
  if (node.optional) f.refuse(node, "not-in-language", "optional chaining is not in kernel TypeScript", "compare with null first");
  const object = lowerExpression(f, node.object as Expression);
  if (object.kind === "packet") return readPacketField(f, object.pointer, propertyName(node) ?? f.text(node.property), node);
  if (object.kind === "live") return liveProperty(f, object.value, node);
  const place = memberPlace(f, object, node);
  return readPlace(f, place, node);
}

/** A constant of an object or an array of the module: Verdict.dropped, Struct.size. */
function liveProperty(f: FunctionLowering, value: unknown, node: MemberExpression): Operand {
  let name = propertyName(node);
  if (name === undefined) {
    const index = lowerExpression(f, node.property as Expression);
    if (index.kind !== "literal") {
      f.refuse(node.property, "not-a-constant",
        `an array of the module has no address: its index must be known when compiling`, "use a switch, or a table() map");
    }
    name = String(index.value);
  }
  const known = value as { readonly [name: string]: unknown };
  if (!Object.hasOwn(known, name) || typeof known[name] === "function" && isKind(value, "map")) {
    f.refuse(node, "field-unknown", `"${f.text(node.object)}" has no constant "${name}"`, "use a property that its declaration has");
  }
  return liveOperand(f, known[name], node);
}

/** The place of view.field or array[index]. */
function memberPlace(f: FunctionLowering, object: Operand, node: MemberExpression): Place {
  const name = propertyName(node);
  if (name !== undefined) {
    if (object.kind !== "view") {
      f.refuse(node, "field-unknown", `"${f.text(node.object)}" is ${describeOperand(object)} and has no fields`,
        "fields belong to views of structs");
    }
    const view = presentView(f, object, node.object);
    const place = fieldPlace(view, name);
    if (place !== undefined) return place;
    const struct = view.place.type;
    return f.refuse(node.property, "field-unknown", `${struct.name} has no field "${name}"`,
      `its fields are ${fieldNames(struct)}`);
  }
  if (object.kind !== "array") {
    f.refuse(node, "index", `"${f.text(node.object)}" is ${describeOperand(object)}, not an array`,
      "indices belong to array fields");
  }
  const property = node.property as Expression;
  const index = valueAs(f, lowerExpression(f, property), u32, property);
  return elementPlace(f, object, index, property);
}

function lowerUnary(f: FunctionLowering, node: Expression & { type: "UnaryExpression" }): Operand {
  if (node.operator === "!") return conditionAsValue(f, node);
  if (node.operator === "-" || node.operator === "~") {
    return lowerNegation(f, node.operator, lowerExpression(f, node.argument), node.argument);
  }
  return f.refuse(node, "not-in-language", `the operator "${node.operator}" is not in kernel TypeScript`,
    node.operator === "+" ? "convert with u32(…)" : "leave it out");
}

function lowerBinaryExpression(f: FunctionLowering, node: Expression & { type: "BinaryExpression" }): Operand {
  const equality = node.operator === "===" || node.operator === "!==";
  if (equality && (isNullLiteral(node.left) || isNullLiteral(node.right))) return conditionAsValue(f, node);
  const left = lowerExpression(f, node.left as Expression);
  const right = lowerExpression(f, node.right);
  return lowerBinary(f, node.operator, left, right, node, node.left, node.right);
}

function lowerCast(f: FunctionLowering, node: Expression & { type: "TSAsExpression" }): Operand {
  const operand = lowerExpression(f, node.expression);
  const { typeAnnotation } = node;
  const isConst = typeAnnotation.type === "TSTypeReference" && f.text(typeAnnotation) === "const";
  if (isConst || typeAnnotation.type === "TSUnknownKeyword") return operand;
  return castTo(f, operand, typeOfAnnotation(f.frame.function.module, typeAnnotation), node.expression);
}

// --- Assignment ---

/** What can be assigned to. */
type Target =
  | { readonly kind: "variable"; readonly binding: Binding; readonly name: string }
  | { readonly kind: "place"; readonly place: Place }
  | { readonly kind: "packet"; readonly pointer: Instruction; readonly name: string };

function lowerAssignment(f: FunctionLowering, node: AssignmentExpression): Operand {
  const target = targetOf(f, node.left as Expression);
  if (node.operator === "=") return assign(f, target, lowerExpression(f, node.right), node.right, node.left);
  const operator = node.operator.slice(0, -1);
  const before = readTarget(f, target, node.left);
  const after = lowerBinary(f, operator, before, lowerExpression(f, node.right), node, node.left, node.right);
  return assign(f, target, after, node, node.left);
}

function lowerUpdate(f: FunctionLowering, node: UpdateExpression): Operand {
  const target = targetOf(f, node.argument as Expression);
  const before = readTarget(f, target, node.argument);
  const big = before.kind === "scalar" && irTypeOf(before.type) === "i64";
  const one = { kind: "literal", value: 1n, big, live: false } as const;
  const after = lowerBinary(f, node.operator === "++" ? "+" : "-", before, one, node, node.argument, node);
  const assigned = assign(f, target, after, node, node.argument);
  return node.prefix ? assigned : before;
}

function targetOf(f: FunctionLowering, node: Expression): Target {
  if (node.type === "Identifier") {
    const binding = f.lookup(node.name);
    if (binding === undefined) {
      f.refuse(node, "constant-assigned", `"${node.name}" is not a variable of this function`,
        "state between packets lives in maps; within a packet, in a let of the function");
    }
    return { kind: "variable", binding, name: node.name };
  }
  if (node.type === "MemberExpression") {
    const object = lowerExpression(f, node.object as Expression);
    if (object.kind === "packet") return { kind: "packet", pointer: object.pointer, name: propertyName(node) ?? f.text(node.property) };
    if (object.kind === "live") {
      f.refuse(node, "constant-assigned", `"${f.text(node)}" is a constant of the module`,
        "state between packets lives in maps");
    }
    return { kind: "place", place: memberPlace(f, object, node) };
  }
  return f.refuse(node, "not-in-language", "only variables, fields and elements are assigned to",
    "assign one after the other: no destructuring");
}

function readTarget(f: FunctionLowering, target: Target, node: Node): Operand {
  if (target.kind === "variable") return readVariable(f, target.binding, target.name, node);
  if (target.kind === "packet") return readPacketField(f, target.pointer, target.name, node);
  return readPlace(f, target.place, node);
}

function assign(f: FunctionLowering, target: Target, operand: Operand, node: Node, targetNode: Node): Operand {
  if (target.kind === "variable") return assignVariable(f, target.binding, target.name, operand, node, targetNode);
  if (target.kind === "packet") return writePacketField(f, target.pointer, target.name, operand, node, targetNode);
  const { place } = target;
  if (place.type.kind === "integer") {
    const value = valueToStore(f, operand, place.type, node);
    writeInteger(f, place as Place<typeof place.type>, value, targetNode);
    return scalar(place.type, value);
  }
  copy(f, place, sourcePlace(f, operand, place.type, node), node);
  return operand;
}

function sourcePlace(f: FunctionLowering, operand: Operand, type: FieldType, node: Node): Place {
  if (operand.kind === "view") return presentView(f, operand, node).place;
  if (operand.kind === "array") return operand.place;
  return f.refuse(node, "type-mismatch",
    `"${f.text(node)}" is ${describeOperand(operand)}, but ${type.kind === "array" ? "an array" : "a struct"} is assigned to`,
    "assign a field of the same struct or array type");
}

// --- Not in the language ---

const constructs: { readonly [type: string]: readonly [name: string, remedy: string] } = {
  ArrowFunctionExpression: ["closures are", "declare a function at the module's top and name it"],
  FunctionExpression: ["closures are", "declare a function at the module's top and name it"],
  ObjectExpression: ["object literals are", "make(Struct, { … }) gives a struct on the stack"],
  ArrayExpression: ["array literals are", "use an array field of a struct, or a table() map"],
  TemplateLiteral: ["template strings are", "count in maps, or write to a ringBuffer()"],
  TaggedTemplateExpression: ["template strings are", "count in maps, or write to a ringBuffer()"],
  NewExpression: ["new is", "make(Struct, { … }) gives a struct on the stack"],
  ThisExpression: ["this is", "pass what is needed as a parameter"],
  AwaitExpression: ["await is", "a program runs to its end for each packet"],
  YieldExpression: ["yield is", "a program runs to its end for each packet"],
  ChainExpression: ["optional chaining is", "compare with null first"],
  ClassExpression: ["classes are", "use a struct() and functions"],
  ImportExpression: ["import() is", "import at the module's top"],
};

const constructName = (type: string): string => constructs[type]?.[0] ?? `${type} is`;
const remedyFor = (type: string): string => constructs[type]?.[1] ?? "see docs/dataplane-language.md for what the language has";
