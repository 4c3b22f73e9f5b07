// Rules for conversions between widths and for byte swaps.

import type { Instruction } from "../ir.js";
import { foldByteSwap } from "../ir-arithmetic.js";
import { constantOf } from "../ir-builder.js";
import { trueUpperBound, upperBound } from "../analysis/ranges.js";
import type { Maker } from "./simplify.js";

type Conversion = Instruction & { op: "zeroExtend" | "signExtend" | "truncate" | "boolToInt" | "byteSwap" };

export function simplifyConversion(conversion: Conversion, maker: Maker): Instruction | undefined {
  const { type } = conversion;
  const [value] = conversion.args;
  const constant = constantOf(value);
  switch (conversion.op) {
    case "zeroExtend":
    case "boolToInt": return constant === undefined ? undefined : maker.constant(type, constant);
    case "signExtend":
      if (constant !== undefined) return maker.constant(type, BigInt.asIntN(32, constant));
      return upperBound(value) < 2n ** 31n ? maker.make(type, { op: "zeroExtend", args: [value] }) : undefined;
    case "truncate":
      if (constant !== undefined) return maker.constant(type, constant);
      return value.op === "zeroExtend" || value.op === "signExtend" ? value.args[0] : narrow(value, maker);
    case "byteSwap": return swap(conversion, value, constant, maker);
  }
}

/** The low half of a sum, product or bit operation depends on the low halves of its operands only. */
function narrow(value: Instruction, maker: Maker): Instruction | undefined {
  if (value.op !== "binary" || !["add", "sub", "mul", "and", "or", "xor"].includes(value.operator)) return undefined;
  const [left, right] = value.args.map((arg) => (isNarrow(arg) ? arg : undefined));
  if (left === undefined || right === undefined) return undefined;
  const low = (arg: Instruction) => maker.make("i32", { op: "truncate", args: [arg] });
  return maker.make("i32", { op: "binary", operator: value.operator, args: [low(left), low(right)] });
}

const isNarrow = ({ op }: Instruction): boolean => op === "zeroExtend" || op === "signExtend" || op === "constant";

function swap(conversion: Conversion & { op: "byteSwap" }, value: Instruction, constant: bigint | undefined, maker: Maker): Instruction | undefined {
  const { bits, type } = conversion;
  if (constant !== undefined) return maker.constant(type, foldByteSwap(bits, constant));
  const ones = (1n << BigInt(bits)) - 1n;
  if (value.op === "byteSwap" && value.bits === bits) {
    const original = value.args[0];
    if (trueUpperBound(original) <= ones) return original;
    return maker.make(type, { op: "binary", operator: "and", args: [original, maker.constant(type, ones)] });
  }
  // The swap drops what lies above anyway.
  const isMasked = value.op === "binary" && value.operator === "and" && ((constantOf(value.args[1]) ?? 0n) & ones) === ones;
  return isMasked ? maker.make(type, { op: "byteSwap", bits, args: [value.args[0]] }) : undefined;
}
