// Who uses a value: the IR keeps references from uses to values only, so passes count when they need to know.

import type { Instruction, IrFunction, Terminator } from "../ir.js";

export type User = Instruction | Terminator;

export interface Uses {
  /** Each user once for every use. */
  of(value: Instruction): readonly User[];
}

export function usesOf(fn: IrFunction): Uses {
  const users = new Map<Instruction, User[]>();
  const enter = (value: Instruction, user: User) => {
    const known = users.get(value);
    if (known === undefined) users.set(value, [user]);
    else known.push(user);
  };
  for (const { instructions, terminator } of fn.blocks) {
    for (const instruction of instructions) for (const arg of instruction.args) enter(arg, instruction);
    const value = valueOf(terminator);
    if (value !== undefined) enter(value, terminator!);
  }
  return { of: (value) => users.get(value) ?? [] };
}

/** What a terminator uses: a branch's condition, a return's value. */
export function valueOf(terminator: Terminator | undefined): Instruction | undefined {
  if (terminator?.op === "branch") return terminator.condition;
  return terminator?.op === "return" ? terminator.value : undefined;
}
