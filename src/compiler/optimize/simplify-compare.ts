// Rules for comparisons. A constant is on the right after them, and a comparison of what was converted becomes one of
// what it was converted from: swapped bytes are compared with the swapped constant.

import type { Instruction, Predicate } from "../ir.js";
import { bitsOf, foldByteSwap, foldCompare, negated, swapped, wrap } from "../ir-arithmetic.js";
import { constantOf } from "../ir-builder.js";
import { trueUpperBound } from "../analysis/ranges.js";
import type { Maker } from "./simplify.js";

type Compare = Instruction & { op: "compare" };

export function simplifyCompare(compare: Compare, maker: Maker): Instruction | undefined {
  const { predicate, args: [left, right] } = compare;
  const [a, b] = [constantOf(left), constantOf(right)];
  if (a !== undefined && b !== undefined) return truth(foldCompare(predicate, left.type, a, b), maker);
  if (a !== undefined) return compareOf(swapped[predicate], right, left, maker);
  if (left === right) return truth(foldCompare(predicate, "i32", 0n, 0n), maker);
  if (b === undefined) return ofTwoConverted(predicate, left, right, maker);
  return outOfRange(predicate, left, b, maker) ?? canonical(predicate, left, b, maker) ?? ofConverted(predicate, left, b, maker);
}

const truth = (value: boolean, maker: Maker): Instruction => maker.constant("bool", value ? 1n : 0n);

function compareOf(predicate: Predicate, left: Instruction, right: Instruction, maker: Maker): Instruction {
  return maker.make("bool", { op: "compare", predicate, args: [left, right] });
}

const isEquality = (predicate: Predicate): predicate is "eq" | "ne" => predicate === "eq" || predicate === "ne";
const isSigned = (predicate: Predicate): boolean => predicate.startsWith("s");

/** The type's limits, or the value's own, decide. */
function outOfRange(predicate: Predicate, left: Instruction, constant: bigint, maker: Maker): Instruction | undefined {
  if (left.type === "pointer") return isNeverNull(left) && isEquality(predicate) ? truth(predicate === "ne", maker) : undefined;
  const most = trueUpperBound(left);
  // Without its sign bit a value is the same number in both readings.
  if (isSigned(predicate) && (most >> BigInt(bitsOf(left.type) - 1) !== 0n || constant > wrap(left.type, -1n) >> 1n)) return undefined;
  const [atLeast, atMost] = [foldCompare(predicate, left.type, 0n, constant), foldCompare(predicate, left.type, most, constant)];
  if (predicate === "eq" || predicate === "ne") return constant > most ? truth(predicate === "ne", maker) : undefined;
  return atLeast === atMost ? truth(atLeast, maker) : undefined;
}

/** Addresses of memory that exists; verifier: nothing is added to a pointer that may be null. */
function isNeverNull({ op }: Instruction): boolean {
  return op === "mapValue" || op === "stackAddress" || op === "pointerAdd" || op === "mapReference" || op === "functionReference";
}

/** One spelling for each meaning, so that equal comparisons are found equal: x < 1 is x = 0, x > 6 is x ≥ 7. */
function canonical(predicate: Predicate, left: Instruction, constant: bigint, maker: Maker): Instruction | undefined {
  const by = (other: Predicate, value: bigint) => compareOf(other, left, maker.constant(left.type, value), maker);
  const most = wrap(left.type, -1n);
  if (left.type === "bool") return ofBool(predicate, left, constant, maker);
  if (predicate === "ule" && constant < most) return by("ult", constant + 1n);
  if (predicate === "ugt" && constant < most) return by("uge", constant + 1n);
  if (predicate === "ult" && constant === 1n) return by("eq", 0n);
  if (predicate === "uge" && constant === 1n) return by("ne", 0n);
  return undefined;
}

function ofBool(predicate: Predicate, left: Instruction, constant: bigint, maker: Maker): Instruction | undefined {
  if (!isEquality(predicate)) return undefined;
  const isSame = (predicate === "eq") === (constant === 1n);
  if (isSame) return left;
  return left.op === "compare" ? compareOf(negated[left.predicate], ...left.args, maker) : undefined;
}

/** left predicate constant, where left is made from something simpler. */
function ofConverted(predicate: Predicate, left: Instruction, constant: bigint, maker: Maker): Instruction | undefined {
  const by = (value: Instruction, against: bigint, other = predicate) => compareOf(other, value, maker.constant(value.type, against), maker);
  switch (left.op) {
    // The constant fits: outOfRange() has answered the others. A zero-extended value has no sign.
    case "zeroExtend":
      if (isSigned(predicate)) return constant < 2n ** 31n ? by(left.args[0], constant, unsigned(predicate)) : undefined;
      return by(left.args[0], constant);
    case "boolToInt": return isEquality(predicate) ? by(left.args[0], constant) : undefined;
    case "byteSwap": {
      const value = left.args[0];
      const fits = trueUpperBound(value) < 1n << BigInt(left.bits);
      return isEquality(predicate) && fits ? by(value, foldByteSwap(left.bits, constant)) : undefined;
    }
    case "binary": return ofBinary(predicate, left, constant, maker);
    default: return undefined;
  }
}

function ofBinary(predicate: Predicate, left: Instruction & { op: "binary" }, constant: bigint, maker: Maker): Instruction | undefined {
  const [x, y] = left.args;
  const c = constantOf(y);
  if (isEquality(predicate)) {
    if ((left.operator === "xor" || left.operator === "sub") && constant === 0n) return compareOf(predicate, x, y, maker);
    if (c !== undefined && left.operator === "add") return compareOf(predicate, x, maker.constant(x.type, constant - c), maker);
    if (c !== undefined && left.operator === "xor") return compareOf(predicate, x, maker.constant(x.type, constant ^ c), maker);
  }
  // x >> c = 0  ⟺  x < 2^c
  if (left.operator === "lshr" && c !== undefined && constant === 0n && isEquality(predicate)) {
    return compareOf(predicate === "eq" ? "ult" : "uge", x, maker.constant(x.type, 1n << c), maker);
  }
  return undefined;
}

function ofTwoConverted(predicate: Predicate, left: Instruction, right: Instruction, maker: Maker): Instruction | undefined {
  if (left.op === "zeroExtend" && right.op === "zeroExtend") return compareOf(unsigned(predicate), left.args[0], right.args[0], maker);
  if (left.op === "byteSwap" && right.op === "byteSwap" && left.bits === right.bits && isEquality(predicate)) {
    const limit = 1n << BigInt(left.bits);
    const [a, b] = [left.args[0], right.args[0]];
    return trueUpperBound(a) < limit && trueUpperBound(b) < limit ? compareOf(predicate, a, b, maker) : undefined;
  }
  return undefined;
}

const unsigned = (predicate: Predicate): Predicate => (isSigned(predicate) ? (`u${predicate.slice(1)}` as Predicate) : predicate);
