// How large a value can be, as far as its own expression says.
//
// What is dropped for being redundant (a mask, an extension) must not be missed by the verifier when it checks an offset,
// so there are two bounds: the one that every verifier finds too, and the true one. They differ in byte swaps, of whose
// result older kernels know nothing (Linux v6.1 kernel/bpf/verifier.c, check_alu_op(): BPF_END marks the register unknown).

import type { Instruction } from "../ir.js";
import { wrap } from "../ir-arithmetic.js";

type Bound = (value: Instruction) => bigint;

/** Expressions are looked into so deep. */
const DEPTH_MAX = 8;

/** An upper bound of the value, taken as unsigned, that the verifier finds. */
export const upperBound: Bound = (value) => boundOf(value, DEPTH_MAX, false);

/** An upper bound for facts that nobody else has to believe. */
export const trueUpperBound: Bound = (value) => boundOf(value, DEPTH_MAX, true);

const largest = ({ type }: Instruction): bigint => wrap(type, -1n);

function boundOf(value: Instruction, depth: number, knowsSwaps: boolean): bigint {
  if (depth === 0) return largest(value);
  const bound: Bound = (of) => boundOf(of, depth - 1, knowsSwaps);
  switch (value.op) {
    case "constant": return value.value;
    case "load": return value.type === "pointer" ? largest(value) : (1n << BigInt(value.bits)) - 1n;
    case "zeroExtend":
    case "boolToInt": return bound(value.args[0]);
    case "truncate": return smaller(bound(value.args[0]), largest(value));
    case "byteSwap": return knowsSwaps ? (1n << BigInt(value.bits)) - 1n : largest(value);
    case "binary": return smaller(binaryBound(value, bound), largest(value));
    default: return largest(value);
  }
}

function binaryBound(value: Instruction & { op: "binary" }, bound: Bound): bigint {
  const [left, right] = value.args;
  const count = right.op === "constant" && right.value < 64n ? right.value : undefined;
  switch (value.operator) {
    case "and": return smaller(bound(left), bound(right));
    case "or":
    case "xor": return (1n << BigInt(Math.max(bitLength(bound(left)), bitLength(bound(right))))) - 1n;
    // Larger than the type holds: the sum or product may have wrapped, and the caller takes the type's largest.
    case "add": return bound(left) + bound(right);
    case "mul": return bound(left) * bound(right);
    // By a variable count, or into the sign bit: the verifier gives up.
    case "shl": return count === undefined || bound(left) << count > largest(value) >> 1n ? largest(value) : bound(left) << count;
    case "lshr": return count === undefined ? largest(value) : bound(left) >> count;
    default: return largest(value);
  }
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
