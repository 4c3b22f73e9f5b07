// Restores SSA after a change of the graph gave a value a second definition: each use gets the definition that reaches
// it, through new phis where two meet. As Braun et al., "Simple and Efficient Construction of Static Single Assignment
// Form" (2013), section 2, on a finished graph.

import type { Block, Instruction, IrFunction } from "../ir.js";
import { newInstruction } from "../ir-builder.js";
import type { Uses } from "../analysis/uses.js";

/** `definitions`: the value at the end of the blocks that define it. `original` is one of them. Keeps `uses` right. */
export function repairUses(fn: IrFunction, original: Instruction, definitions: ReadonlyMap<Block, Instruction>, uses: Uses): void {
  const users = uses.of(original);
  if (users.length === 0) return;
  const reaching = new Reaching(fn, original, definitions, uses);
  for (const user of new Set(users)) {
    if (!("args" in user)) continue;
    user.args.forEach((arg, i) => {
      if (arg !== original) return;
      const value = reaching.atEnd(user.op === "phi" ? user.block.predecessors[i]! : user.block);
      user.args[i] = value;
      uses.enter(value, user);
    });
  }
  if (users.some((user) => !("args" in user))) repairTerminators(fn, original, reaching, uses);
}

function repairTerminators(fn: IrFunction, original: Instruction, reaching: Reaching, uses: Uses): void {
  for (const block of fn.blocks) {
    const terminator = block.terminator;
    if (terminator?.op === "branch" && terminator.condition === original) {
      terminator.condition = reaching.atEnd(block);
      uses.enter(terminator.condition, terminator);
    }
    if (terminator?.op === "return" && terminator.value === original) {
      block.terminator = { ...terminator, value: reaching.atEnd(block) };
      uses.enter(block.terminator.value!, block.terminator);
    }
  }
}

/** Which definition is seen where. */
class Reaching {
  private readonly atStart = new Map<Block, Instruction>();

  constructor(
    private readonly fn: IrFunction,
    private readonly original: Instruction,
    private readonly definitions: ReadonlyMap<Block, Instruction>,
    private readonly uses: Uses,
  ) {}

  /** Also what an ordinary use in the block sees: one that defines the value does so with a phi, before all else. */
  atEnd(block: Block): Instruction {
    return this.definitions.get(block) ?? this.start(block);
  }

  private start(block: Block): Instruction {
    const known = this.atStart.get(block);
    if (known !== undefined) return known;
    const [only, ...others] = block.predecessors;
    if (only !== undefined && others.length === 0) {
      const value = this.atEnd(only);
      this.atStart.set(block, value);
      return value;
    }
    const phi = newInstruction(this.fn, block, this.original.type, { op: "phi", args: [] as Instruction[] }, this.original.span);
    // Known before its arguments are looked for: a loop leads back here.
    this.atStart.set(block, phi);
    block.instructions.unshift(phi);
    for (const predecessor of block.predecessors) {
      const value = this.atEnd(predecessor);
      phi.args.push(value);
      this.uses.enter(value, phi);
    }
    return phi;
  }
}
