// How large a value can be, as far as its own expression says. The verifier comes to the same bounds, so that what is
// dropped for being redundant (a mask, an extension) is not missed when it checks an offset. It knows nothing of a byte
// swap's result (Linux kernel/bpf/verifier.c, adjust_scalar_min_max_vals(): BPF_END makes the register unknown).

import type { Instruction } from "../ir.js";
import { wrap } from "../ir-arithmetic.js";

/** Expressions are looked into so deep. */
const DEPTH_MAX = 6;

const largest = (value: Instruction): bigint => wrap(value.type, -1n);

/** An upper bound of the value, taken as unsigned. */
export function upperBound(value: Instruction, depth = DEPTH_MAX): bigint {
  if (depth === 0) return largest(value);
  const bound = (of: Instruction) => upperBound(of, depth - 1);
  switch (value.op) {
    case "constant": return value.value;
    case "load": return value.type === "pointer" ? largest(value) : (1n << BigInt(value.bits)) - 1n;
    case "zeroExtend":
    case "boolToInt": return bound(value.args[0]);
    case "truncate": return smaller(bound(value.args[0]), largest(value));
    case "binary": return smaller(binaryBound(value, bound), largest(value));
    default: return largest(value);
  }
}

function binaryBound(value: Instruction & { op: "binary" }, bound: (of: Instruction) => bigint): bigint {
  const [left, right] = value.args;
  const count = right.op === "constant" && right.value < 64n ? right.value : undefined;
  switch (value.operator) {
    case "and": return smaller(bound(left), bound(right));
    case "or":
    case "xor": return (1n << BigInt(Math.max(bitLength(bound(left)), bitLength(bound(right))))) - 1n;
    // Larger than the type holds: the sum or product may have wrapped, and upperBound() gives the type's largest.
    case "add": return bound(left) + bound(right);
    case "mul": return bound(left) * bound(right);
    // By a variable count, or into the sign bit: the verifier gives up.
    case "shl": return count === undefined || bound(left) << count > largest(value) >> 1n ? largest(value) : bound(left) << count;
    case "lshr": return count === undefined ? largest(value) : bound(left) >> count;
    default: return largest(value);
  }
}

/** An upper bound that counts what byte swaps give, too: for facts that nobody else has to believe. */
export function trueUpperBound(value: Instruction): bigint {
  const bound = upperBound(value);
  return value.op === "byteSwap" ? smaller(bound, (1n << BigInt(value.bits)) - 1n) : bound;
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
