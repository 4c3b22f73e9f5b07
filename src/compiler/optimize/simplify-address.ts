// Rules for pointers and memory. Constant parts of an address move outwards, past its variable part, until they are
// offsets of loads and stores. What is left of two addresses that differ by a constant is one value: the verifier knows
// the packet's bounds for a value and what is a constant away from it, and for nothing else.

import type { Instruction } from "../ir.js";
import { bitsOf, wrap } from "../ir-arithmetic.js";
import { constantOf } from "../ir-builder.js";
import { upperBound } from "../analysis/ranges.js";
import type { Maker } from "./simplify.js";

type Addressing = Instruction & { op: "pointerAdd" | "pointerDifference" | "load" | "store" | "atomic" };

export function simplifyAddress(instruction: Addressing, maker: Maker): Instruction | undefined {
  switch (instruction.op) {
    case "pointerAdd": return simplifyPointerAdd(instruction, maker);
    case "pointerDifference": return simplifyDifference(instruction, maker);
    case "load": return absorbOffset(instruction, maker);
    case "store": return absorbOffset(instruction, maker) ?? dropMask(instruction, maker);
    case "atomic": return absorbOffset(instruction, maker);
  }
}

function simplifyPointerAdd(add: Instruction & { op: "pointerAdd" }, maker: Maker): Instruction | undefined {
  const [pointer, index] = add.args;
  const plus = (base: Instruction, offset: number) => maker.make("pointer", { op: "pointerAdd", offset, args: [base] });
  const plusIndex = (base: Instruction, by: Instruction) => maker.make("pointer", { op: "pointerAdd", offset: 0, args: [base, by] });
  if (index === undefined) {
    if (add.offset === 0) return pointer;
    const inner = constantDistance(pointer);
    return inner === undefined ? undefined : plus(inner.base, inner.offset + add.offset);
  }
  const constant = constantOf(index);
  if (constant !== undefined) return plus(pointer, add.offset + Number(BigInt.asIntN(64, constant)));
  if (add.offset !== 0) return plus(plusIndex(pointer, index), add.offset);
  const inner = constantDistance(pointer);
  if (inner !== undefined) return plus(plusIndex(inner.base, index), inner.offset);
  const split = splitIndex(index, maker);
  return split === undefined ? undefined : plus(plusIndex(pointer, split.rest), split.offset);
}

/** base + offset, when the pointer is just that. */
function constantDistance(pointer: Instruction): { base: Instruction; offset: number } | undefined {
  return pointer.op === "pointerAdd" && pointer.args.length === 1 ? { base: pointer.args[0], offset: pointer.offset } : undefined;
}

/** Larger constants stay in the index: they may be negative numbers. */
const OFFSET_MAX = 2n ** 29n;

/** index = rest + offset, without a carry over the index's width. */
function splitIndex(index: Instruction, maker: Maker): { rest: Instruction; offset: number } | undefined {
  const sum = index.op === "zeroExtend" ? index.args[0] : index;
  if (sum.op !== "binary" || sum.operator !== "add") return undefined;
  const offset = constantOf(sum.args[1]);
  if (offset === undefined || offset >= OFFSET_MAX || upperBound(sum.args[0]) + offset >= 1n << BigInt(bitsOf(sum.type))) return undefined;
  const [low] = sum.args;
  const rest = index.op === "zeroExtend" ? maker.make("i64", { op: "zeroExtend", args: [low] }) : low;
  return { rest, offset: Number(offset) };
}

function simplifyDifference({ args: [left, right] }: Instruction & { op: "pointerDifference" }, maker: Maker): Instruction | undefined {
  const [a, b] = [constantDistance(left) ?? { base: left, offset: 0 }, constantDistance(right) ?? { base: right, offset: 0 }];
  return a.base === b.base ? maker.constant("i64", wrap("i64", BigInt(a.offset - b.offset))) : undefined;
}

/** An instruction's offset has 16 bits. */
const fits = (offset: number): boolean => offset >= -0x8000 && offset <= 0x7fff;

/** [(base + c) + d] = [base + (c + d)] */
function absorbOffset(access: Instruction & { op: "load" | "store" | "atomic" }, maker: Maker): Instruction | undefined {
  const inner = constantDistance(access.args[0]!);
  if (inner === undefined || !fits(inner.offset + access.offset)) return undefined;
  const { id: _id, block: _block, span: _span, type, ...kind } = access;
  const args = [inner.base, ...access.args.slice(1)];
  return maker.make(type, { ...kind, offset: inner.offset + access.offset, args } as typeof kind);
}

/** A store of 16 bits cuts to 16 bits by itself. */
function dropMask(store: Instruction & { op: "store" }, maker: Maker): Instruction | undefined {
  const [pointer, value] = store.args;
  if (value.op !== "binary" || value.operator !== "and" || store.bits === 64) return undefined;
  const ones = (1n << BigInt(store.bits)) - 1n;
  if (((constantOf(value.args[1]) ?? 0n) & ones) !== ones) return undefined;
  const { bits, offset, space } = store;
  return maker.make("void", { op: "store", bits, offset, space, args: [pointer, value.args[0]] });
}
