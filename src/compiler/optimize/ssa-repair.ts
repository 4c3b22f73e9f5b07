// Restores SSA after a change of the graph gave a value a second definition: each use gets the definition that reaches
// it, through new phis where two meet. As Braun et al., "Simple and Efficient Construction of Static Single Assignment
// Form" (2013), section 2, on a finished graph.

import type { Block, Instruction, IrFunction } from "../ir.js";
import { newInstruction } from "../ir-builder.js";

/** `definitions`: the value at the end of the blocks that define it. `original` is one of them. */
export function repairUses(fn: IrFunction, original: Instruction, definitions: ReadonlyMap<Block, Instruction>): void {
  const atStart = new Map<Block, Instruction>();
  const made = new Set<Instruction>();
  const valueAtEnd = (block: Block): Instruction => definitions.get(block) ?? valueAtStart(block);
  const valueAtStart = (block: Block): Instruction => {
    const known = atStart.get(block);
    if (known !== undefined) return known;
    const [only, ...others] = block.predecessors;
    if (only !== undefined && others.length === 0) {
      const value = valueAtEnd(only);
      atStart.set(block, value);
      return value;
    }
    const phi = newInstruction(fn, block, original.type, { op: "phi", args: [] as Instruction[] }, original.span);
    // Known before its arguments are looked for: a loop leads back here.
    atStart.set(block, phi);
    made.add(phi);
    block.instructions.unshift(phi);
    phi.args.push(...block.predecessors.map(valueAtEnd));
    return phi;
  };
  for (const block of [...fn.blocks]) {
    for (const instruction of [...block.instructions]) {
      if (made.has(instruction)) continue;
      instruction.args.forEach((arg, i) => {
        if (arg !== original) return;
        if (instruction.op === "phi") instruction.args[i] = valueAtEnd(block.predecessors[i]!);
        else if (!definitions.has(block)) instruction.args[i] = valueAtStart(block);
      });
    }
    const terminator = block.terminator;
    if (definitions.has(block)) continue;
    if (terminator?.op === "branch" && terminator.condition === original) terminator.condition = valueAtStart(block);
    if (terminator?.op === "return" && terminator.value === original) block.terminator = { ...terminator, value: valueAtStart(block) };
  }
}
