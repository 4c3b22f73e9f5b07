// Rules for arithmetic. The constant, if there is one, is on the right after them.

import type { BinaryOperator, Instruction } from "../ir.js";
import { bitsOf, foldBinary, negated, wrap } from "../ir-arithmetic.js";
import { constantOf } from "../ir-builder.js";
import { upperBound } from "../analysis/ranges.js";
import type { Maker } from "./simplify.js";

type Binary = Instruction & { op: "binary" };

const commutative: ReadonlySet<BinaryOperator> = new Set(["add", "mul", "and", "or", "xor"] as const);

export function simplifyBinary(binary: Binary, maker: Maker): Instruction | undefined {
  const [left, right] = binary.args;
  const [a, b] = [constantOf(left), constantOf(right)];
  if (a !== undefined && b !== undefined) return maker.constant(binary.type, foldBinary(binary.operator, binary.type, a, b));
  if (a !== undefined && commutative.has(binary.operator)) return remake(binary, binary.operator, right, left, maker);
  if (b !== undefined) return withConstant(binary, left, b, maker) ?? reassociate(binary, left, b, maker);
  if (a === 0n && isZeroFromZero(binary.operator)) return left;
  return left === right ? withItself(binary, left, maker) : undefined;
}

function remake({ type }: Binary, operator: BinaryOperator, left: Instruction, right: Instruction, maker: Maker): Instruction {
  return maker.make(type, { op: "binary", operator, args: [left, right] });
}

/** 0 op x = 0 */
const isZeroFromZero = (operator: BinaryOperator): boolean =>
  operator === "shl" || operator === "lshr" || operator === "ashr" || operator === "udiv" || operator === "umod";

function withItself({ operator, type }: Binary, value: Instruction, maker: Maker): Instruction | undefined {
  if (operator === "sub" || operator === "xor") return maker.constant(type, 0n);
  return operator === "and" || operator === "or" ? value : undefined;
}

function withConstant(binary: Binary, left: Instruction, constant: bigint, maker: Maker): Instruction | undefined {
  const { type, operator } = binary;
  const by = (replacement: BinaryOperator, value: bigint) => remake(binary, replacement, left, maker.constant(type, value), maker);
  const ones = wrap(type, -1n);
  switch (operator) {
    case "add": return constant === 0n ? left : undefined;
    // One form for both lets them join: x - 5 + 7 = x + 2.
    case "sub": return constant === 0n ? left : by("add", wrap(type, -constant));
    case "mul":
      if (constant === 0n) return maker.constant(type, 0n);
      if (constant === 1n) return left;
      return isPowerOfTwo(constant) ? by("shl", logarithm(constant)) : undefined;
    case "udiv":
      if (constant === 0n) return maker.constant(type, 0n);
      if (constant === 1n) return left;
      return isPowerOfTwo(constant) ? by("lshr", logarithm(constant)) : undefined;
    case "umod":
      if (constant === 0n) return left;
      return isPowerOfTwo(constant) ? by("and", constant - 1n) : undefined;
    case "and":
      if (constant === 0n) return maker.constant(type, 0n);
      // The mask keeps all bits that the value can have.
      if (constant === ones || isPowerOfTwo(constant + 1n) && upperBound(left) <= constant) return left;
      return undefined;
    case "or":
      if (constant === 0n) return left;
      return constant === ones ? maker.constant(type, ones) : undefined;
    case "xor":
      if (constant === 0n) return left;
      if (type === "bool" && left.op === "compare") {
        return maker.make("bool", { op: "compare", predicate: negated[left.predicate], args: [...left.args] });
      }
      return undefined;
    case "shl":
    case "lshr":
    case "ashr": {
      const count = constant & BigInt(bitsOf(type) - 1);
      if (count === 0n) return left;
      if (operator === "lshr" && upperBound(left) >> count === 0n) return maker.constant(type, 0n);
      return count === constant ? undefined : by(operator, count);
    }
  }
}

/** (x op c1) op c2 = x op (c1 op c2); shifts add their counts. */
function reassociate(binary: Binary, left: Instruction, constant: bigint, maker: Maker): Instruction | undefined {
  const { type, operator } = binary;
  if (left.op !== "binary" || left.operator !== operator) return undefined;
  const inner = constantOf(left.args[1]);
  if (inner === undefined) return undefined;
  const joined = (value: bigint) => remake(binary, operator, left.args[0], maker.constant(type, value), maker);
  if (commutative.has(operator)) return joined(foldBinary(operator, type, inner, constant));
  if (operator !== "shl" && operator !== "lshr") return undefined;
  return inner + constant < BigInt(bitsOf(type)) ? joined(inner + constant) : maker.constant(type, 0n);
}

const isPowerOfTwo = (value: bigint): boolean => value > 0n && (value & (value - 1n)) === 0n;
const logarithm = (power: bigint): bigint => BigInt(power.toString(2).length - 1);
