// Global value numbering: a computation that an earlier one on every path has made already is replaced by it. Goes down
// the dominator tree with a table of what has been computed so far; loads are in it until something may have changed
// their memory. Requires: unreachable blocks removed.
//
// A look at a map's memory may be merged with an earlier one although another CPU may have written in between: the
// program could as well have run faster. Not across calls and atomic operations, which order memory.

import type { Block, Instruction, IrFunction } from "../ir.js";
import { isMadeAtUse } from "../analysis/constants.js";
import type { Dominators } from "../analysis/dominators.js";
import { dominatorsOf } from "../analysis/dominators.js";
import type { Effect, Location } from "./aliases.js";
import { effectOf, locationOf } from "./aliases.js";
import { trueUpperBound } from "../analysis/ranges.js";
import { Replacements } from "./replacements.js";

/** True when anything was replaced. */
export function numberValues(fn: IrFunction): boolean {
  return new Numbering(fn).run();
}

/** What a load would find without asking memory. */
interface KnownLoad {
  readonly location: Location;
  readonly value: Instruction;
}
type Memory = Map<string, KnownLoad>;

class Numbering {
  private readonly dominators: Dominators;
  private readonly replacements = new Replacements();
  private readonly computed = new Map<string, Instruction>();
  /** Known at each block's end. */
  private readonly memories = new Map<Block, Memory>();
  private readonly effects = new Map<Block, Effect[]>();
  /** The first of each constant. */
  private readonly pooled: Instruction[] = [];
  private readonly names = new Map<object, number>();

  constructor(private readonly fn: IrFunction) {
    this.dominators = dominatorsOf(fn);
  }

  run(): boolean {
    const enter = (block: Block): string[] => this.block(block);
    const stack = [{ block: this.fn.blocks[0]!, next: 0, added: enter(this.fn.blocks[0]!) }];
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const child = this.dominators.children(top.block)[top.next++];
      if (child !== undefined) stack.push({ block: child, next: 0, added: enter(child) });
      else {
        for (const key of top.added) this.computed.delete(key);
        stack.pop();
      }
    }
    const pooled = poolConstants(this.fn, this.pooled);
    return this.replacements.apply(this.fn) || pooled;
  }

  /** Gives the keys that it added to the table. */
  private block(block: Block): string[] {
    const added: string[] = [];
    const memory = this.memoryAtStart(block);
    for (const instruction of block.instructions) {
      if (instruction.op !== "phi") this.replacements.resolveArgs(instruction);
      if (instruction.op === "load") this.load(instruction, memory);
      else {
        const key = this.keyOf(instruction);
        const known = key === undefined ? undefined : this.computed.get(key);
        if (known !== undefined) this.replacements.set(instruction, known);
        else if (key !== undefined) {
          this.computed.set(key, instruction);
          if (isMadeAtUse(instruction)) this.pooled.push(instruction);
          else added.push(key);
        }
      }
      forget(memory, effectOf(instruction));
      if (instruction.op === "store") this.remember(instruction, memory);
    }
    this.memories.set(block, memory);
    return added;
  }

  /** What the dominator knew at its end, less what may have changed on the ways from there to here. */
  private memoryAtStart(block: Block): Memory {
    const parent = this.dominators.parent(block);
    if (parent === undefined) return new Map();
    const memory: Memory = new Map(this.memories.get(parent));
    const between = new Set<Block>();
    const pending = [...block.predecessors];
    while (pending.length > 0 && memory.size > 0) {
      const at = pending.pop()!;
      if (at === parent || between.has(at)) continue;
      between.add(at);
      for (const effect of this.effectsOf(at)) forget(memory, effect);
      pending.push(...at.predecessors);
    }
    return memory;
  }

  private effectsOf(block: Block): readonly Effect[] {
    let effects = this.effects.get(block);
    if (effects === undefined) {
      effects = block.instructions.map(effectOf).filter((effect) => effect !== undefined);
      this.effects.set(block, effects);
    }
    return effects;
  }

  private load(load: Instruction & { op: "load" }, memory: Memory): void {
    const key = this.memoryKey(load, load.type);
    const known = memory.get(key);
    if (known !== undefined) this.replacements.set(load, this.replacements.resolve(known.value));
    else memory.set(key, { location: locationOf(load), value: load });
  }

  /** A load of what was stored gives the value, if the store cut nothing off. */
  private remember(store: Instruction & { op: "store" }, memory: Memory): void {
    const [, value] = store.args;
    if (store.bits < 32 && trueUpperBound(value) >> BigInt(store.bits) !== 0n) return;
    if (value.type === "pointer" || value.type === "bool" || store.bits === 64 !== (value.type === "i64")) return;
    memory.set(this.memoryKey(store, value.type), { location: locationOf(store), value });
  }

  private memoryKey(access: Instruction & { op: "load" | "store" }, type: string): string {
    const { base, offset, space } = locationOf(access);
    return `${space} ${this.addressKey(base)} ${offset} ${access.bits} ${type}`;
  }

  private addressKey(base: Instruction): string {
    return (base.op === "stackAddress" || base.op === "mapValue" ? this.keyOf(base) : undefined) ?? `v${base.id}`;
  }

  /** The same for instructions that compute the same; undefined when it must be computed anew each time. */
  private keyOf(instruction: Instruction): string | undefined {
    const ids = instruction.args.map(({ id }) => id);
    switch (instruction.op) {
      case "constant": return `${instruction.type} ${instruction.value}`;
      case "mapReference": return `map ${this.name(instruction.map)}`;
      case "mapValue": return `mapValue ${this.name(instruction.map)} ${instruction.offset}`;
      case "mapBank": return `mapBank ${this.name(instruction.map)} ${ids}`;
      case "functionReference": return `function ${this.name(instruction.callee)}`;
      case "stackAddress": return `slot ${this.name(instruction.slot)}`;
      case "parameter": return `parameter ${instruction.index}`;
      case "binary": return `${instruction.operator} ${instruction.type} ${isCommutative(instruction.operator) ? ids.sort((a, b) => a - b) : ids}`;
      case "compare": return `${instruction.predicate} ${ids}`;
      case "byteSwap": return `swap ${instruction.bits} ${ids}`;
      case "pointerAdd": return `pointer ${ids} ${instruction.offset}`;
      case "zeroExtend":
      case "signExtend":
      case "truncate":
      case "boolToInt":
      case "pointerDifference": return `${instruction.op} ${ids}`;
      case "callHelper": return instruction.pure === true ? `${instruction.helper.helper} ${ids}` : undefined;
      case "phi": return `phi ${instruction.block.id} ${ids}`;
      default: return undefined;
    }
  }

  private name(object: object): number {
    const known = this.names.get(object);
    if (known !== undefined) return known;
    this.names.set(object, this.names.size);
    return this.names.size - 1;
  }
}

/** The entry is where every use can see them. It does not matter to the program where a constant stands. */
function poolConstants(fn: IrFunction, pooled: readonly Instruction[]): boolean {
  const entry = fn.blocks[0]!;
  const moved = pooled.filter(({ block }) => block !== entry);
  for (const constant of moved) {
    constant.block.instructions = constant.block.instructions.filter((instruction) => instruction !== constant);
    constant.block = entry;
  }
  entry.instructions.unshift(...moved);
  return moved.length > 0;
}

const isCommutative = (operator: string): boolean => ["add", "mul", "and", "or", "xor"].includes(operator);

function forget(memory: Memory, effect: Effect | undefined): void {
  if (effect === undefined) return;
  for (const [key, { location }] of memory) if (effect.changes(location)) memory.delete(key);
}
