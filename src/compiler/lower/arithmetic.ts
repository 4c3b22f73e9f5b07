// Operators. Both sides get one type first (types.ts says which), then the operator one instruction.

import { u32, u64 } from "#layout/numbers.js";
import type { BinaryOperator, Predicate } from "../ir.js";
import type { Expression, Node } from "../syntax.js";
import type { Integer } from "../types.js";
import { arithmeticType, boolean, irTypeOf, isBig, isPlain, sameInteger } from "../types.js";
import type { FunctionLowering } from "./context.js";
import type { LiteralOperand, Operand, ScalarOperand } from "./operand.js";
import { describeOperand } from "./operand.js";
import { literalAs, numberMeetsBigint, scalar, truth } from "./values.js";

const comparisons: { readonly [operator: string]: readonly [unsigned: Predicate, signed: Predicate] } = {
  "===": ["eq", "eq"], "!==": ["ne", "ne"],
  "<": ["ult", "slt"], "<=": ["ule", "sle"], ">": ["ugt", "sgt"], ">=": ["uge", "sge"],
};

const operators: { readonly [operator: string]: BinaryOperator } = {
  "+": "add", "-": "sub", "*": "mul", "/": "udiv", "%": "umod", "&": "and", "|": "or", "^": "xor", "<<": "shl", ">>": "lshr", ">>>": "lshr",
};

/** `left operator right`; the nodes are the operands' own, for messages. */
export function lowerBinary(
  f: FunctionLowering, operator: string, left: Operand, right: Operand, node: Node, leftNode: Node, rightNode: Node,
): Operand {
  if (operator === "==" || operator === "!=") {
    f.refuse(node, "not-in-language", `"${operator}" converts before it compares`,
      `use ${operator}=`);
  }
  if (comparisons[operator] === undefined && operators[operator] === undefined) {
    f.refuse(node, "not-in-language", `the operator "${operator}" is not in kernel TypeScript`,
      "use + - * / % & | ^ << >> >>>, comparisons, && and ||");
  }
  if (left.kind === "literal" && right.kind === "literal") return foldLiterals(f, operator, left, right, node);
  if (isBoolean(left) && isBoolean(right)) return compareBooleans(f, operator, left, right, node);
  const [a, b] = sameType(f, left, right, leftNode, rightNode);
  const predicates = comparisons[operator];
  if (predicates !== undefined) return compare(f, operator, a, b, node);
  return calculate(f, operator, a, b, node);
}

type IntegerOperand = ScalarOperand & { readonly type: Integer };

const isBoolean = (operand: Operand): operand is ScalarOperand => operand.kind === "scalar" && operand.type.kind === "boolean";

/** A literal takes the other side's type, or a wider one that it fits in. */
function sameType(f: FunctionLowering, left: Operand, right: Operand, leftNode: Node, rightNode: Node): [IntegerOperand, IntegerOperand] {
  if (left.kind === "literal") {
    const b = integerOperand(f, right, rightNode);
    return [literalBeside(f, left, b.type, leftNode), b];
  }
  const a = integerOperand(f, left, leftNode);
  return [a, right.kind === "literal" ? literalBeside(f, right, a.type, rightNode) : integerOperand(f, right, rightNode)];
}

function integerOperand(f: FunctionLowering, operand: Operand, node: Node): IntegerOperand {
  if (operand.kind === "scalar" && operand.type.kind === "integer") return operand as IntegerOperand;
  return f.refuse(node, "type-mismatch", `a number is needed here, but "${f.text(node)}" is ${describeOperand(operand)}`,
    operand.kind === "scalar" ? "convert it: u32(…)" : operand.kind === "view" || operand.kind === "null" ? "views only compare with null"
    : "use an integer");
}

function literalBeside(f: FunctionLowering, literal: LiteralOperand, other: Integer, node: Node): IntegerOperand {
  if (!isPlain(other) || isBig(other)) return literalAs(f, literal, other, node) as IntegerOperand;
  // A u8 beside 300 is compared and added as a 32-bit number.
  const wide = other.signed ? other : arithmeticType(other, other);
  return { ...literalAs(f, literal, wide, node), type: other };
}

function foldLiterals(f: FunctionLowering, operator: string, left: LiteralOperand, right: LiteralOperand, node: Node): Operand {
  if (left.big !== right.big) numberMeetsBigint(f, node, left.big ? "a bigint" : "a number", right.big ? "a bigint" : "a number");
  const [a, b] = [left.value, right.value];
  const predicate = comparisons[operator]?.[1];
  if (predicate !== undefined) {
    const order = a < b ? -1 : a > b ? 1 : 0;
    const holds = { eq: order === 0, ne: order !== 0, slt: order < 0, sle: order <= 0, sgt: order > 0, sge: order >= 0 };
    return truth(f, holds[predicate as keyof typeof holds]);
  }
  const bits = left.big ? 64 : 32;
  const unsigned = (value: bigint) => BigInt.asUintN(bits, value);
  const count = b & BigInt(bits - 1);
  const fold: { readonly [operator: string]: () => bigint } = {
    "+": () => a + b, "-": () => a - b, "*": () => a * b, "/": () => (b === 0n ? 0n : a / b), "%": () => (b === 0n ? a : a % b),
    "&": () => a & b, "|": () => a | b, "^": () => a ^ b,
    "<<": () => unsigned(a << count), ">>": () => a >> count, ">>>": () => unsigned(a) >> count,
  };
  return { kind: "literal", value: fold[operator]!(), big: left.big, live: left.live || right.live };
}

function compareBooleans(f: FunctionLowering, operator: string, left: ScalarOperand, right: ScalarOperand, node: Node): Operand {
  if (operator !== "===" && operator !== "!==") {
    f.refuse(node, "type-mismatch", `booleans do not take "${operator}"`, "use &&, || and !, or convert: u32(…)");
  }
  const { builder } = f;
  const [a, b] = [builder.convert("boolToInt", left.value), builder.convert("boolToInt", right.value)];
  return scalar(boolean, builder.compare(operator === "===" ? "eq" : "ne", a, b));
}

function compare(f: FunctionLowering, operator: string, a: IntegerOperand, b: IntegerOperand, node: Node): Operand {
  checkMeeting(f, a.type, b.type, node);
  const ordered = operator !== "===" && operator !== "!==";
  if (ordered && !isPlain(a.type)) return notOrdinary(f, operator, a.type, node);
  // An i32 beside a u16 is signed without a doubt; beside a u32 it is not.
  if (a.type.signed !== b.type.signed && a.type.bits === b.type.bits) {
    f.refuse(node, "signedness", `${a.type.typeName} and ${b.type.typeName} compare as signed or as unsigned?`,
      `say which: ${isBig(a.type) ? "i64(…) or u64(…)" : "i32(…) or u32(…)"} around one side`);
  }
  const [unsigned, signed] = comparisons[operator]!;
  return scalar(boolean, f.builder.compare(a.type.signed || b.type.signed ? signed : unsigned, a.value, b.value));
}

function calculate(f: FunctionLowering, operator: string, a: IntegerOperand, b: IntegerOperand, node: Node): Operand {
  const shift = operator === "<<" || operator === ">>" || operator === ">>>";
  const bitwise = operator === "&" || operator === "|" || operator === "^";
  checkMeeting(f, a.type, b.type, node);
  if (!isPlain(a.type)) {
    if (!bitwise) return notOrdinary(f, operator, a.type, node);
    return scalar(a.type, f.builder.binary(operators[operator]!, a.value, b.value));
  }
  const type = shift ? arithmeticType(a.type, a.type) : arithmeticType(a.type, b.type);
  if ((operator === "/" || operator === "%") && type.signed) {
    f.refuse(node, "signed-division", `${type.typeName} is signed; eBPF divides unsigned numbers only`,
      `divide as unsigned: ${isBig(type) ? "u64(…)" : "u32(…)"}`);
  }
  const name = operator === ">>" && type.signed ? "ashr" : operators[operator]!;
  return scalar(resultType(operator, a.type, b, type), f.builder.binary(name, a.value, b.value));
}

/** Narrow where it can be no wider: x & 0x0f of a u8 is a u8, x >> 4 too. */
function resultType(operator: string, left: Integer, right: IntegerOperand, wide: Integer): Integer {
  if (wide.signed) return operator === ">>>" ? unsignedOf(wide) : wide;
  if (operator === ">>" || operator === ">>>" || operator === "/") return left;
  if (operator === "&") return left.bits <= right.type.bits ? left : right.type;
  return wide;
}

const unsignedOf = (type: Integer): Integer => (isBig(type) ? u64 : u32);

/** Values of one type, or ordinary numbers that are all numbers or all bigints. */
function checkMeeting(f: FunctionLowering, a: Integer, b: Integer, node: Node): void {
  if (isBig(a) !== isBig(b)) numberMeetsBigint(f, node, a, b);
  if ((isPlain(a) && isPlain(b)) || sameInteger(a, b)) return;
  const odd = isPlain(a) ? b : a;
  f.refuse(node, "byte-order", `${a.typeName} meets ${b.typeName}`,
    odd.bigEndian ? `bring both to one side: host${odd.bits}(x) gives the number, be${odd.bits}(n) the bytes`
    : `use values of type ${odd.typeName} on both sides, or its number: u${odd.bits}(x)`);
}

function notOrdinary(f: FunctionLowering, operator: string, type: Integer, node: Node): never {
  return f.refuse(node, "byte-order", `${type.typeName} does not take "${operator}"`,
    type.bigEndian ? `convert it first: host${type.bits}(x) ${operator} …` : `convert it first: u${type.bits}(x) ${operator} …`);
}

/** -x, ~x. */
export function lowerNegation(f: FunctionLowering, operator: "-" | "~", operand: Operand, node: Expression): Operand {
  if (operand.kind === "literal") return { ...operand, value: operator === "-" ? -operand.value : ~operand.value };
  const { type, value } = integerOperand(f, operand, node);
  if (!isPlain(type)) return notOrdinary(f, operator, type, node);
  const { builder } = f;
  const ir = irTypeOf(type) as "i32" | "i64";
  const wide = arithmeticType(type, type);
  if (operator === "~") return scalar(wide, builder.binary("xor", value, builder.constant(ir, -1)));
  return scalar(wide, builder.binary("sub", builder.constant(ir, 0), value));
}
