// What is added to a pointer must have a bound that the verifier sees. Where only the compiler knows one, because bytes
// were swapped on the way, a mask says it:
//
//   p + (swap16(x) >> 12 << 2)   →   p + ((swap16(x) >> 12 << 2) & 63)

import type { IrFunction } from "../ir.js";
import { newInstruction } from "../ir-builder.js";
import { bitLength, trueUpperBound, upperBound } from "../analysis/ranges.js";

export function limitIndexes(fn: IrFunction): void {
  for (const block of fn.blocks) {
    block.instructions = block.instructions.flatMap((instruction) => {
      const index = instruction.op === "pointerAdd" ? instruction.args[1] : undefined;
      if (index === undefined) return [instruction];
      const most = trueUpperBound(index);
      if (most === upperBound(index)) return [instruction];
      const { span } = instruction;
      const ones = (1n << BigInt(bitLength(most))) - 1n;
      const mask = newInstruction(fn, block, "i64", { op: "constant", value: ones, args: [] }, span);
      const limited = newInstruction(fn, block, "i64", { op: "binary", operator: "and", args: [index, mask] }, span);
      instruction.args[1] = limited;
      return [mask, limited, instruction];
    });
  }
}
