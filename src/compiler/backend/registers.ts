// Gives every virtual register a real one; those for which there is none left go to the stack, and it is tried again.

import type { CodeFunction, Register } from "./code.js";
import { isVirtual, renameCondition, renameOperation } from "./code.js";
import { colour } from "./colour.js";
import { interferenceOf, isCopy } from "./interference.js";
import { Spiller } from "./spill.js";

/** Each round shortens what the round before could not place; real programs need three or four. */
const ROUNDS_MAX = 40;

export function allocateRegisters(code: CodeFunction): void {
  const spiller = new Spiller(code);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { colours, spilled } = colour(interferenceOf(code), spiller.shortest);
    if (spilled.size === 0) return assign(code, colours);
    spiller.spill(spilled);
  }
  throw new Error(`Registers for function ${code.source.name} were not found in ${ROUNDS_MAX} rounds of spilling`);
}

function assign(code: CodeFunction, colours: ReadonlyMap<Register, Register>): void {
  const rename = (register: Register): Register => (isVirtual(register) ? colours.get(register)! : register);
  for (const block of code.blocks) {
    block.operations = block.operations
      .map((operation) => renameOperation(operation, rename))
      .filter((operation) => !(isCopy(operation) && operation.to === operation.from));
    if (block.exit.op === "branch") block.exit.condition = renameCondition(block.exit.condition, rename);
  }
}
