// Who uses a value: the IR keeps references from uses to values only, so passes collect when they need to know.

import type { Instruction, IrFunction, Terminator } from "../ir.js";

export type User = Instruction | Terminator;

export class Uses {
  private readonly users = new Map<Instruction, User[]>();

  /** Each user once for every use. */
  of(value: Instruction): readonly User[] {
    return this.users.get(value) ?? [];
  }

  enter(value: Instruction, user: User): void {
    const known = this.users.get(value);
    if (known === undefined) this.users.set(value, [user]);
    else known.push(user);
  }
}

export function usesOf(fn: IrFunction): Uses {
  const uses = new Uses();
  for (const { instructions, terminator } of fn.blocks) {
    for (const instruction of instructions) for (const arg of instruction.args) uses.enter(arg, instruction);
    const value = valueOf(terminator);
    if (value !== undefined) uses.enter(value, terminator!);
  }
  return uses;
}

/** What a terminator uses: a branch's condition, a return's value. */
export function valueOf(terminator: Terminator | undefined): Instruction | undefined {
  if (terminator?.op === "branch") return terminator.condition;
  return terminator?.op === "return" ? terminator.value : undefined;
}
