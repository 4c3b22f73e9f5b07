// What the IR's operators compute, on constants: the one place that says so. Lowering and the optimiser fold with it, and
// it must agree with the kernel (Linux kernel/bpf/core.c, ___bpf_prog_run()) and with ebpf/machine.

import type { BinaryOperator, IrType, Predicate } from "./ir.js";

/** The width of an integer of this type in bits. A pointer is 64 bits wide; only null is ever a constant. */
export const bitsOf = (type: IrType): 1 | 32 | 64 => (type === "i32" ? 32 : type === "bool" ? 1 : 64);

/** `value` cut to the type's range, as constants of the IR stand: i32 0 … 2^32 - 1, i64 0 … 2^64 - 1, bool 0 or 1. */
export const wrap = (type: IrType, value: bigint): bigint => BigInt.asUintN(bitsOf(type), value);

/** Division by zero gives 0, modulo by zero the dividend, and a shift takes its count modulo the width (kernel's rules). */
export function foldBinary(operator: BinaryOperator, type: IrType, left: bigint, right: bigint): bigint {
  const bits = bitsOf(type);
  const count = right & BigInt(bits - 1);
  switch (operator) {
    case "add": return wrap(type, left + right);
    case "sub": return wrap(type, left - right);
    case "mul": return wrap(type, left * right);
    case "udiv": return right === 0n ? 0n : left / right;
    case "umod": return right === 0n ? left : left % right;
    case "and": return left & right;
    case "or": return left | right;
    case "xor": return left ^ right;
    case "shl": return wrap(type, left << count);
    case "lshr": return left >> count;
    case "ashr": return wrap(type, BigInt.asIntN(bits, left) >> count);
  }
}

/** `type` is that of the operands. */
export function foldCompare(predicate: Predicate, type: IrType, left: bigint, right: bigint): boolean {
  const bits = bitsOf(type);
  const signedLeft = BigInt.asIntN(bits, left);
  const signedRight = BigInt.asIntN(bits, right);
  switch (predicate) {
    case "eq": return left === right;
    case "ne": return left !== right;
    case "ult": return left < right;
    case "ule": return left <= right;
    case "ugt": return left > right;
    case "uge": return left >= right;
    case "slt": return signedLeft < signedRight;
    case "sle": return signedLeft <= signedRight;
    case "sgt": return signedLeft > signedRight;
    case "sge": return signedLeft >= signedRight;
  }
}

/** The lowest `bits`/8 bytes of `value` in reverse; what lies above is dropped. */
export function foldByteSwap(bits: 16 | 32 | 64, value: bigint): bigint {
  let swapped = 0n;
  for (let at = 0; at < bits; at += 8) swapped = (swapped << 8n) | ((value >> BigInt(at)) & 0xffn);
  return swapped;
}

export const negated: { readonly [P in Predicate]: Predicate } = {
  eq: "ne", ne: "eq", ult: "uge", ule: "ugt", ugt: "ule", uge: "ult", slt: "sge", sle: "sgt", sgt: "sle", sge: "slt",
};

/** The predicate that holds for (b, a) when this one holds for (a, b). */
export const swapped: { readonly [P in Predicate]: Predicate } = {
  eq: "eq", ne: "ne", ult: "ugt", ule: "uge", ugt: "ult", uge: "ule", slt: "sgt", sle: "sge", sgt: "slt", sge: "sle",
};
