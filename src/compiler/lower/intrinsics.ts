// What the compiler knows by name (prelude/intrinsics.ts).

import type { FieldType } from "#layout/struct.js";
import type { AtomicOperator, Instruction } from "../ir.js";
import { isStruct } from "../module.js";
import type { CallExpression, Expression } from "../syntax.js";
import type { AnyStruct, Integer } from "../types.js";
import { describe, fieldNames } from "../types.js";
import type { FunctionLowering } from "./context.js";
import { conditionAsValue } from "./conditions.js";
import { lowerExpression } from "./expressions.js";
import { plainArguments } from "./inline.js";
import { presentView } from "./nullness.js";
import type { Operand, Place } from "./operand.js";
import { describeOperand } from "./operand.js";
import { copy, fieldPlace, writeInteger } from "./places.js";
import { scalar, valueAs, valueToStore } from "./values.js";

type Intrinsic = (f: FunctionLowering, node: CallExpression) => Operand;

export const intrinsics: { readonly [name: string]: Intrinsic } = {
  make, sizeOf, likely: hint, unlikely: hint,
  atomicAdd: atomic("add"), atomicOr: atomic("or"), atomicAnd: atomic("and"),
  fetchAdd: atomic("fetchAdd"), fetchOr: atomic("fetchOr"), fetchAnd: atomic("fetchAnd"), fetchXor: atomic("fetchXor"),
  exchange: atomic("exchange"), compareExchange: atomic("compareExchange"),
};

function structArgument(f: FunctionLowering, node: Expression): AnyStruct {
  const operand = lowerExpression(f, node);
  if (operand.kind === "live" && isStruct(operand.value)) return operand.value;
  return f.refuse(node, "type-mismatch", `"${f.text(node)}" is not a struct`, "name a struct() of a module");
}

/** make(Struct, { field: value, … }): the values are computed first, then the struct is cleared and filled. */
function make(f: FunctionLowering, node: CallExpression): Operand {
  const [typeNode, fieldsNode] = plainArguments(f, node, 1, 2, "make");
  const struct = structArgument(f, typeNode!);
  refuseMisaligned(f, struct, struct, 0, typeNode!);
  const given = fieldsNode === undefined ? [] : givenFields(f, fieldsNode);
  const operands = given.map(({ value }) => lowerExpression(f, value));
  const local = f.newLocal(struct);
  local.clear();
  const view = { kind: "view", place: { type: struct, base: local, offset: 0 }, nullTest: undefined } as const;
  given.forEach(({ name, value, key }, i) => {
    const place = fieldPlace(view, name);
    if (place === undefined) {
      f.refuse(key, "field-unknown", `${struct.name} has no field "${name}"`,
        `its fields are ${fieldNames(struct)}`);
    }
    fill(f, place, operands[i]!, value);
  });
  return view;
}

function givenFields(f: FunctionLowering, node: Expression) {
  if (node.type !== "ObjectExpression") {
    f.refuse(node, "type-mismatch", "make() takes an object literal of fields",
      "make(Struct, { field: value })");
  }
  return node.properties.map((property) => {
    if (property.type === "SpreadElement" || property.computed || property.method || property.key.type !== "Identifier") {
      return f.refuse(property, "not-in-language", "make() takes plain fields only", "name: value");
    }
    return { name: property.key.name, key: property.key, value: property.value };
  });
}

function fill(f: FunctionLowering, place: Place, operand: Operand, node: Expression): void {
  if (place.type.kind === "integer") {
    return writeInteger(f, place as Place<typeof place.type>, valueToStore(f, operand, place.type, node), node);
  }
  const from = operand.kind === "array" ? operand.place : operand.kind === "view" ? presentView(f, operand, node).place : undefined;
  if (from === undefined) {
    f.refuse(node, "type-mismatch",
      `${describe(place.type)} is needed here, but "${f.text(node)}" is ${describeOperand(operand)}`,
      "give a field of the same type, or fill it element by element");
  }
  copy(f, place, from, node);
}

/** The verifier wants the stack's integers aligned; a packed struct's may not be. */
function refuseMisaligned(f: FunctionLowering, struct: AnyStruct, type: FieldType, offset: number, node: Expression): void {
  if (type.kind === "integer" && offset % (type.bits / 8) !== 0) {
    f.refuse(node, "address", `${struct.name} cannot stand on the stack: it is packed, with a ${type.typeName} at offset ${offset}`,
      "use a struct whose fields are aligned");
  }
  if (type.kind === "struct") for (const field of type.fields) refuseMisaligned(f, struct, field.type, offset + field.offset, node);
  if (type.kind === "array") refuseMisaligned(f, struct, type.element, offset, node);
}

function sizeOf(f: FunctionLowering, node: CallExpression): Operand {
  const [type] = plainArguments(f, node, 1, 1, "sizeOf") as [Expression];
  return { kind: "literal", value: BigInt(structArgument(f, type).size), big: false, live: true };
}

/** As a value the hint says nothing; conditions.ts reads it where it counts. */
function hint(f: FunctionLowering, node: CallExpression): Operand {
  const [condition] = plainArguments(f, node, 1, 1, f.text(node.callee)) as [Expression];
  return conditionAsValue(f, condition);
}

/** atomicAdd(view, "field", value) and its siblings; compareExchange has one value more. */
function atomic(operator: AtomicOperator): Intrinsic {
  const values = operator === "compareExchange" ? 2 : 1;
  return (f, node) => {
    const name = f.text(node.callee);
    const args = plainArguments(f, node, 2 + values, 2 + values, name);
    const [objectNode, fieldNode, ...valueNodes] = args as [Expression, Expression, ...Expression[]];
    const { type, pointer, offset } = atomicField(f, objectNode, fieldNode);
    const operands = valueNodes.map((value) => valueAs(f, lowerExpression(f, value), type, value));
    const result = f.builder.atomic(operator, type.bits as 32 | 64, pointer, offset, ...operands);
    return result.type === "void" ? { kind: "nothing" } : scalar(type, result);
  };
}

function atomicField(
  f: FunctionLowering, objectNode: Expression, fieldNode: Expression,
): { type: Integer; pointer: Instruction; offset: number } {
  const view = presentView(f, lowerExpression(f, objectNode), objectNode);
  const field = lowerExpression(f, fieldNode);
  if (field.kind !== "string") f.refuse(fieldNode, "atomic", "the field is named by a string", `"field"`);
  const place = fieldPlace(view, field.value);
  if (place === undefined) {
    f.refuse(fieldNode, "field-unknown", `${view.place.type.name} has no field "${field.value}"`,
      `its fields are ${fieldNames(view.place.type)}`);
  }
  const { type, base } = place;
  if (type.kind !== "integer" || type.bits < 32) {
    f.refuse(fieldNode, "atomic",
      `"${field.value}" is ${describe(type)}; atomic operations work on 32 and 64 bits`, "widen the field, or use the integer around it");
  }
  if (base.kind === "local" || base.space === "packet" || base.space === "stack") {
    f.refuse(objectNode, "atomic", `"${f.text(objectNode)}" is not in a map: nobody else can change it meanwhile`,
      `assign to it: ${f.text(objectNode)}.${field.value} += …`);
  }
  return { type, pointer: base.pointer, offset: place.offset };
}
