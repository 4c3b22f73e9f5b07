// Operands to values of a type: literals take theirs here, widths change here, and here a value is refused where another
// type is needed.

import type { Instruction } from "../ir.js";
import type { Node } from "../syntax.js";
import type { Integer, Scalar, Type } from "../types.js";
import { boolean, describe, irTypeOf, isBig, isPlain, literalType, plainOf, sameInteger, sameLayout } from "../types.js";
import type { FunctionLowering } from "./context.js";
import { isPresent } from "./nullness.js";
import { cutTo } from "./places.js";
import type { LiteralOperand, Operand, ScalarOperand } from "./operand.js";
import { describeOperand } from "./operand.js";

export const scalar = (type: Scalar, value: Instruction): ScalarOperand => ({ kind: "scalar", type, value });

/** A literal with nothing beside it to take its type from. */
export const settle = (f: FunctionLowering, operand: Operand, node: Node): Operand =>
  operand.kind === "literal" ? literalAs(f, operand, literalType(operand.value, operand.big), node) : operand;

/** The value as it is bound to a variable, passed or returned as `type`: cut to its width. */
export function convertTo(f: FunctionLowering, operand: Operand, type: Type, node: Node): Operand {
  if (type.kind === "integer" || type.kind === "boolean") return scalar(type, valueAs(f, operand, type, node));
  if (type.kind === "view") {
    if (operand.kind === "null" && type.nullable) return operand;
    if (operand.kind === "view" && sameLayout(operand.place.type, type.struct)) {
      if (type.nullable) return operand;
      if (isPresent(f, operand)) return { ...operand, nullTest: undefined };
      f.refuse(node, "may-be-null", `"${f.text(node)}" may be null here`, "compare it with null before it is passed on");
    }
  }
  if (type.kind === "packet" && operand.kind === "packet") return operand;
  if (type.kind === "array" && operand.kind === "array" && sameLayout(operand.place.type.element, type.element)) return operand;
  if (type.kind === "map" && (operand.kind === "live" || (operand.kind === "pointer" && operand.type === "map"))) return operand;
  if (type.kind === "object" && (operand.kind === "view" || operand.kind === "pointer")) return operand;
  return mismatch(f, operand, type, node);
}

/** The scalar as one of `type`, cut to its width. */
export function valueAs(f: FunctionLowering, operand: Operand, type: Scalar, node: Node): Instruction {
  const value = valueToStore(f, operand, type, node);
  const narrower = type.kind === "integer" && operand.kind === "scalar" && operand.type.kind === "integer" && operand.type.bits > type.bits;
  return narrower ? cutTo(f, type, value) : value;
}

/** The same where a store to a field cuts it anyway. */
export function valueToStore(f: FunctionLowering, operand: Operand, type: Scalar, node: Node): Instruction {
  if (operand.kind === "literal" && type.kind === "integer") return literalAs(f, operand, type, node).value;
  if (operand.kind !== "scalar") return mismatch(f, operand, type, node);
  const from = operand.type;
  if (from.kind === "boolean" || type.kind === "boolean") return from.kind === type.kind ? operand.value : mismatch(f, operand, type, node);
  if (isPlain(from) !== isPlain(type) || (!isPlain(type) && !sameInteger(from, type))) {
    f.refuse(node, "byte-order", `${from.typeName} is not ${type.typeName}`, remedyForDistinct(from, type));
  }
  if (isBig(from) !== isBig(type)) return numberMeetsBigint(f, node, from, type);
  return operand.value;
}

export function literalAs(f: FunctionLowering, operand: LiteralOperand, type: Integer, node: Node): ScalarOperand {
  const { value, big, live } = operand;
  if (big !== isBig(type)) return numberMeetsBigint(f, node, big ? "a bigint" : "a number", type);
  if (!isPlain(type) && !live && value !== 0n) {
    const text = `${value}${big ? "n" : ""}`;
    f.refuse(node, "byte-order", `the literal ${text} is not ${type.typeName}`,
      type.bigEndian ? `write be${type.bits}(${text}), or name a constant` : `write ${text} as ${type.typeName}, or name a constant`);
  }
  // In either reading: -1 is all bits set of an unsigned type, 0xffffffff is -1 as an i32.
  if (BigInt.asUintN(type.bits, value) !== value && BigInt.asIntN(type.bits, value) !== value) {
    f.refuse(node, "literal-range", `${value} does not fit in ${type.typeName}`, `use a value of ${type.bits} bits or a wider type`);
  }
  const bits = BigInt.asUintN(type.bits, value);
  return scalar(type, f.builder.constant(irTypeOf(type) as "i32", bits));
}

/** u32(x) and its siblings: any width, also of a value in network order (as it stands) and of a boolean. */
export function convertInteger(f: FunctionLowering, operand: Operand, type: Integer, node: Node): ScalarOperand {
  if (operand.kind === "literal") {
    const bits = BigInt.asUintN(type.bits, operand.value);
    return scalar(type, f.builder.constant(irTypeOf(type) as "i32", bits));
  }
  if (operand.kind !== "scalar") return mismatch(f, operand, type, node);
  const { builder } = f;
  let value = operand.value;
  if (operand.type.kind === "boolean") value = builder.convert("boolToInt", value);
  const fromBits = operand.type.kind === "boolean" ? 32 : operand.type.bits;
  const signed = operand.type.kind === "integer" && operand.type.signed;
  if (type.bits === 64 && fromBits < 64) value = builder.convert(signed ? "signExtend" : "zeroExtend", value);
  if (type.bits < 64 && fromBits === 64) value = builder.convert("truncate", value);
  return scalar(type, fromBits > type.bits ? cutTo(f, type, value) : value);
}

/** `x as T`: another name for the same bits, cut to the type's width. `as number` drops a type's distinctness. */
export function castTo(f: FunctionLowering, operand: Operand, type: Type, node: Node): Operand {
  if (type.kind === "number") {
    return operand.kind === "scalar" && operand.type.kind === "integer" ? scalar(plainOf(operand.type), operand.value) : operand;
  }
  if (operand.kind === "literal" && type.kind === "integer") return literalAs(f, { ...operand, live: true }, type, node);
  if (operand.kind === "scalar" && operand.type.kind === "integer" && type.kind === "integer") {
    const from = operand.type;
    if (isBig(from) !== isBig(type)) return numberMeetsBigint(f, node, from, type);
    return scalar(type, from.bits > type.bits ? cutTo(f, type, operand.value) : operand.value);
  }
  if (operand.kind === "pointer" && type.kind === "view") {
    return { kind: "view", place: { type: type.struct, base: f.memory(operand.pointer, "unknown"), offset: 0 }, nullTest: undefined };
  }
  if (operand.kind === "view" && type.kind === "view" && operand.place.base.kind === "memory" && type.struct.size <= operand.place.type.size) {
    return { ...operand, place: { ...operand.place, type: type.struct } };
  }
  return convertTo(f, operand, type, node);
}

/** A condition's operand. */
export function booleanValue(f: FunctionLowering, operand: Operand, node: Node): Instruction {
  if (operand.kind === "scalar" && operand.type.kind === "boolean") return operand.value;
  const big = operand.kind === "scalar" && operand.type.kind === "integer" && isBig(operand.type);
  const remedy = operand.kind === "view" || operand.kind === "null" ? "compare it with null: … === null" : `compare it: … !== ${big ? "0n" : "0"}`;
  return f.refuse(node, "not-boolean", `a condition must be a boolean; "${f.text(node)}" is ${describeOperand(operand)}`, remedy);
}

export const truth = (f: FunctionLowering, value: boolean): ScalarOperand => scalar(boolean, f.builder.constant("bool", value));

function mismatch(f: FunctionLowering, operand: Operand, type: Type, node: Node): never {
  const remedy = operand.kind === "scalar" && operand.type.kind === "boolean" && type.kind === "integer" ? `convert it: ${type.typeName}(…)`
    : operand.kind === "nothing" ? "give the function a result type and a return value"
    : `use a value of type ${describe(type)}`;
  return f.refuse(node, "type-mismatch", `${describe(type)} is needed here, but "${f.text(node)}" is ${describeOperand(operand)}`, remedy);
}

export function numberMeetsBigint(f: FunctionLowering, node: Node, from: Integer | string, to: Integer | string): never {
  const name = (type: Integer | string) => (typeof type === "string" ? type : type.typeName);
  return f.refuse(node, "number-and-bigint", `${name(from)} does not mix with ${name(to)}: one is a bigint, the other a number`,
    "convert one side: u64(x) widens, u32(x) cuts; literals of 64-bit values end in n");
}

function remedyForDistinct(from: Integer, to: Integer): string {
  if (from.bigEndian && !to.bigEndian) return `host${from.bits}(x) gives the number, u${Math.max(32, from.bits)}(x) the bytes as they stand`;
  if (to.bigEndian && isPlain(from)) return `be${to.bits}(x) converts a number; x as ${to.typeName} renames bytes that are in network order already`;
  if (isPlain(to)) return `${to.typeName}(x) gives the number`;
  return `if they are the same thing, rename one: x as number as ${to.typeName}`;
}
