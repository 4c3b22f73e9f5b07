// Replaces instructions by cheaper ones that compute the same, from what their operands are: constants fold, identities
// go, constants move to the right and together, conversions meet their opposites. One file of rules a kind of
// instruction; each rule looks at one instruction and gives its replacement, or undefined. Requires: nothing.

import type { Instruction, InstructionKind, IrFunction, IrType, Span } from "../ir.js";
import { wrap } from "../ir-arithmetic.js";
import { newInstruction } from "../ir-builder.js";
import { reversePostorder } from "../analysis/order.js";
import { Replacements } from "./replacements.js";
import { simplifyAddress } from "./simplify-address.js";
import { simplifyBinary } from "./simplify-binary.js";
import { simplifyCompare } from "./simplify-compare.js";
import { simplifyConversion } from "./simplify-conversion.js";
import { simplifyPhi } from "./simplify-phi.js";

/** Puts new instructions before the one that is being simplified. */
export interface Maker {
  make(type: IrType, kind: InstructionKind): Instruction;
  constant(type: IrType, value: bigint): Instruction;
}

/** True when anything changed. */
export function simplify(fn: IrFunction): boolean {
  const replacements = new Replacements();
  for (const block of reversePostorder(fn)) {
    const simplified: Instruction[] = [];
    let span: Span | undefined;
    const make = (type: IrType, kind: InstructionKind): Instruction => {
      const made = newInstruction(fn, block, type, kind, span);
      const better = rewrite(made, maker);
      if (better !== undefined) return better;
      simplified.push(made);
      return made;
    };
    const maker: Maker = { make, constant: (type, value) => make(type, { op: "constant", value: wrap(type, value), args: [] }) };
    for (const instruction of block.instructions) {
      replacements.resolveArgs(instruction);
      span = instruction.span;
      const better = rewrite(instruction, maker);
      if (better === undefined) simplified.push(instruction);
      else replacements.set(instruction, better);
    }
    block.instructions = phisFirst(simplified);
  }
  return replacements.apply(fn);
}

/** What replaces the instruction, or undefined when it stays. */
function rewrite(instruction: Instruction, maker: Maker): Instruction | undefined {
  switch (instruction.op) {
    case "binary": return simplifyBinary(instruction, maker);
    case "compare": return simplifyCompare(instruction, maker);
    case "zeroExtend":
    case "signExtend":
    case "truncate":
    case "boolToInt":
    case "byteSwap": return simplifyConversion(instruction, maker);
    case "pointerAdd":
    case "pointerDifference":
    case "load":
    case "store":
    case "atomic": return simplifyAddress(instruction, maker);
    case "phi": return simplifyPhi(instruction, maker);
    default: return undefined;
  }
}

/** A constant made for a phi stands before the phis after it. */
function phisFirst(instructions: Instruction[]): Instruction[] {
  return [...instructions.filter(({ op }) => op === "phi"), ...instructions.filter(({ op }) => op !== "phi")];
}
