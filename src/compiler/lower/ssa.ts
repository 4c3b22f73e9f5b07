// Variables to SSA values, while the graph grows: M. Braun et al., "Simple and Efficient Construction of Static Single
// Assignment Form" (CC 2013). A block is sealed when no more predecessors will come; until then a read in it makes a phi
// without arguments, which sealing fills in.

import type { Block, Instruction, IrType } from "../ir.js";
import type { Builder } from "../ir-builder.js";
import { constantOf } from "../ir-builder.js";

/** One scalar: a local variable, a field of a local struct, a view's pointer. */
export interface Variable {
  readonly name: string;
  readonly type: Exclude<IrType, "void">;
  /** Set when a read found a path on which nothing was assigned. */
  readUnassigned: boolean;
}

export const newVariable = (name: string, type: IrType): Variable => ({ name, type: type as Variable["type"], readUnassigned: false });

type Phi = Instruction & { op: "phi" };

export class Variables {
  readonly #values = new Map<Block, Map<Variable, Instruction>>();
  readonly #sealed = new Set<Block>();
  readonly #incomplete = new Map<Block, Map<Variable, Phi>>();
  /** Phis that turned out to be one value, to that value. */
  readonly #replaced = new Map<Instruction, Instruction>();
  readonly #usersOf = new Map<Instruction, Set<Phi>>();

  constructor(readonly builder: Builder) {}

  write(variable: Variable, value: Instruction, block = this.builder.block): void {
    let values = this.#values.get(block);
    if (values === undefined) this.#values.set(block, (values = new Map()));
    values.set(variable, value);
  }

  read(variable: Variable, block = this.builder.block): Instruction {
    const value = this.#values.get(block)?.get(variable);
    if (value !== undefined) return this.resolve(value);
    const found = this.#readFromPredecessors(variable, block);
    this.write(variable, found, block);
    return found;
  }

  seal(block: Block): void {
    if (this.#sealed.has(block)) return;
    this.#sealed.add(block);
    const waiting = this.#incomplete.get(block);
    this.#incomplete.delete(block);
    for (const [variable, phi] of waiting ?? []) this.#addArguments(variable, phi);
  }

  /** The value that stands for this one now. */
  resolve(value: Instruction): Instruction {
    let found = value;
    for (let next = this.#replaced.get(found); next !== undefined; next = this.#replaced.get(found)) found = next;
    return found;
  }

  /** Puts the final values into all uses; to be called once, when the function is complete. */
  finish(): void {
    for (const block of this.builder.fn.blocks) {
      for (const instruction of block.instructions) {
        const args: Instruction[] = instruction.args;
        args.forEach((arg, i) => (args[i] = this.resolve(arg)));
      }
      const { terminator } = block;
      if (terminator?.op === "branch") terminator.condition = this.resolve(terminator.condition);
      if (terminator?.op === "return" && terminator.value) terminator.value = this.resolve(terminator.value);
    }
  }

  #readFromPredecessors(variable: Variable, block: Block): Instruction {
    if (!this.#sealed.has(block)) {
      const phi = this.builder.phi(variable.type, [], block);
      let waiting = this.#incomplete.get(block);
      if (waiting === undefined) this.#incomplete.set(block, (waiting = new Map()));
      waiting.set(variable, phi);
      return phi;
    }
    const [first] = block.predecessors;
    if (first === undefined) return this.#unassigned(variable, block);
    if (block.predecessors.length === 1) return this.read(variable, first);
    const phi = this.builder.phi(variable.type, [], block);
    this.write(variable, phi, block); // ends the recursion of a loop
    return this.#addArguments(variable, phi);
  }

  #addArguments(variable: Variable, phi: Phi): Instruction {
    for (const predecessor of phi.block.predecessors) {
      const value = this.read(variable, predecessor);
      phi.args.push(value);
      if (value.op === "phi") this.#addUser(value, phi);
    }
    return this.#simplify(phi);
  }

  #addUser(value: Instruction, user: Phi): void {
    const users = this.#usersOf.get(value);
    if (users === undefined) this.#usersOf.set(value, new Set([user]));
    else users.add(user);
  }

  /** A phi of itself and one other value is that value. */
  #simplify(phi: Phi): Instruction {
    let only: Instruction | undefined;
    for (const arg of phi.args.map((arg) => this.resolve(arg))) {
      if (arg === phi || (only !== undefined && sameValue(arg, only))) continue;
      if (only !== undefined) return phi;
      only = arg;
    }
    const value = only === undefined ? this.#unassigned(undefined, phi.block) : this.#dominating(only, phi);
    this.#replaced.set(phi, value);
    phi.block.instructions.splice(phi.block.instructions.indexOf(phi), 1);
    for (const user of this.#usersOf.get(phi) ?? []) {
      if (user === phi || this.#replaced.has(user)) continue;
      if (value.op === "phi") this.#addUser(value, user);
      if (user.args.length === user.block.predecessors.length) this.#simplify(user);
    }
    return this.resolve(value);
  }

  /** Equal constants may stand in different predecessors; the phi's block gets one of its own. */
  #dominating(value: Instruction, phi: Phi): Instruction {
    const constant = constantOf(value);
    return constant === undefined || phi.args.every((arg) => this.resolve(arg) === value || arg === phi)
      ? value : this.#constantAt(phi.block, value.type, constant);
  }

  #unassigned(variable: Variable | undefined, block: Block): Instruction {
    if (variable !== undefined) variable.readUnassigned = true;
    return this.#constantAt(block, variable?.type ?? "i32", 0n);
  }

  #constantAt(block: Block, type: IrType, value: bigint): Instruction {
    const current = this.builder.block;
    this.builder.block = block;
    const constant = this.builder.constant(type as "i32", value);
    this.builder.block = current;
    const { instructions } = block;
    instructions.splice(instructions.indexOf(constant), 1);
    const at = instructions.findIndex(({ op }) => op !== "phi");
    instructions.splice(at < 0 ? instructions.length : at, 0, constant);
    return constant;
  }
}

/** The same instruction, or equal constants. */
export function sameValue(a: Instruction, b: Instruction): boolean {
  return a === b || (a.op === "constant" && b.op === "constant" && a.type === b.type && a.value === b.value);
}
