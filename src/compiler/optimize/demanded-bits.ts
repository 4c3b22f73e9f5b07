// Drops masks of bits that nobody looks at. A checksum folded twice and stored in 16 bits needs no mask the second time:
//
//   store16 ((sum & 0xffff) + (sum >> 16)) ^ 0xffff…   →   store16 (sum + (sum >> 16)) ^ 0xffff…
//
// Requires: nothing.

import type { Instruction, IrFunction } from "../ir.js";
import { constantOf } from "../ir-builder.js";
import { usesOf } from "../analysis/uses.js";

/** True when any mask was dropped. */
export function dropMasks(fn: IrFunction): boolean {
  const uses = usesOf(fn);
  let dropped = 0;
  /** A value with the same lowest bits. What nobody else uses is changed in place. */
  const lowBits = (value: Instruction, bits: number): Instruction => {
    if (value.op !== "binary" || !upwards.has(value.operator)) return value;
    const isOurs = uses.of(value).length === 1;
    const ones = (1n << BigInt(bits)) - 1n;
    const mask = value.operator === "and" ? constantOf(value.args[1]) : undefined;
    if (mask !== undefined && (mask & ones) === ones) {
      dropped++;
      return isOurs ? lowBits(value.args[0], bits) : value.args[0];
    }
    if (isOurs) value.args = [lowBits(value.args[0], bits), lowBits(value.args[1], bits)];
    return value;
  };
  for (const instruction of fn.blocks.flatMap(({ instructions }) => instructions)) {
    const cut = cutArgument(instruction);
    if (cut !== undefined) instruction.args[cut.index] = lowBits(instruction.args[cut.index]!, cut.bits);
  }
  return dropped > 0;
}

/** Lower bits of these depend on as low bits of their operands only. */
const upwards: ReadonlySet<string> = new Set(["add", "sub", "mul", "and", "or", "xor"]);

/** The argument of which the instruction sees the lowest bits only. */
function cutArgument(instruction: Instruction): { readonly index: number; readonly bits: number } | undefined {
  switch (instruction.op) {
    case "store": return instruction.bits < 32 ? { index: 1, bits: instruction.bits } : undefined;
    case "byteSwap": return instruction.bits === 16 ? { index: 0, bits: 16 } : undefined;
    case "binary": {
      const mask = instruction.operator === "and" ? constantOf(instruction.args[1]) : undefined;
      return mask === undefined || mask === 0n ? undefined : { index: 0, bits: mask.toString(2).length };
    }
    default: return undefined;
  }
}
