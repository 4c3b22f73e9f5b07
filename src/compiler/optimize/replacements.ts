// Values that a pass found to be the same as others. Uses are rewritten once, when the pass is done; until then ask
// resolve().

import type { Instruction, IrFunction } from "../ir.js";

export class Replacements {
  private readonly by = new Map<Instruction, Instruction>();

  get size(): number {
    return this.by.size;
  }

  set(value: Instruction, replacement: Instruction): void {
    if (value !== replacement) this.by.set(value, replacement);
  }

  has(value: Instruction): boolean {
    return this.by.has(value);
  }

  resolve(value: Instruction): Instruction {
    let resolved = value;
    for (let next = this.by.get(resolved); next !== undefined; next = this.by.get(resolved)) resolved = next;
    return resolved;
  }

  resolveArgs({ args }: Instruction): void {
    args.forEach((arg, i) => {
      args[i] = this.resolve(arg);
    });
  }

  /** Rewrites all uses and removes what was replaced. True when there was anything. */
  apply(fn: IrFunction): boolean {
    if (this.by.size === 0) return false;
    for (const block of fn.blocks) {
      block.instructions = block.instructions.filter((instruction) => !this.by.has(instruction));
      for (const instruction of block.instructions) this.resolveArgs(instruction);
      const terminator = block.terminator;
      if (terminator?.op === "branch") terminator.condition = this.resolve(terminator.condition);
      if (terminator?.op === "return" && terminator.value !== undefined) {
        block.terminator = { ...terminator, value: this.resolve(terminator.value) };
      }
    }
    return true;
  }
}
