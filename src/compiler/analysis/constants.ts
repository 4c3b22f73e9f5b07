// Values that need nothing but an instruction to make them.

import type { Instruction } from "../ir.js";

/** Cheaper to make again wherever it is used than to keep in a register. */
export function isMadeAtUse({ op }: Instruction): boolean {
  return op === "constant" || op === "mapReference" || op === "mapValue" || op === "functionReference" || op === "stackAddress";
}
