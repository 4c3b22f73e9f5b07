// A phi whose arguments are all one value, but for itself, is that value.

import type { Instruction } from "../ir.js";
import { constantOf } from "../ir-builder.js";
import type { Maker } from "./simplify.js";

export function simplifyPhi(phi: Instruction & { op: "phi" }, maker: Maker): Instruction | undefined {
  const [only, ...others] = new Set(phi.args.filter((arg) => arg !== phi));
  if (only === undefined) return undefined;
  if (others.length === 0) return only;
  const constant = constantOf(only);
  const isSame = constant !== undefined && others.every((other) => constantOf(other) === constant);
  return isSame ? maker.constant(phi.type, constant) : undefined;
}
