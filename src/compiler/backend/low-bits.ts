// A truncation costs an instruction only when somebody looks at the upper half of the register. 32-bit arithmetic,
// 32-bit jumps and stores do not.

import type { Instruction } from "../ir.js";
import type { User, Uses } from "../analysis/uses.js";

/** True when every user of this i32 ignores the register's upper 32 bits. */
export function onlyLowBitsUsed(value: Instruction, uses: Uses): boolean {
  return uses.of(value).every((user) => ignoresUpperHalf(value, user));
}

function ignoresUpperHalf(value: Instruction, user: User): boolean {
  switch (user.op) {
    case "binary":
    case "compare":
    case "signExtend": return true;
    case "byteSwap": return user.bits !== 64;
    case "store": return user.bits !== 64 && user.args[0] !== value;
    default: return false;
  }
}
