// The current place in the graph, and what is known there. A fact is something proven about SSA values ("this pointer is
// not null", "this slot holds that value"); it is established on an edge or in a block and holds in what that dominates.
// The epoch counts the helpers that moved the packet: a view of an older epoch is stale.

import type { Block, Instruction, IrFunction, Span } from "../ir.js";
import { Builder, newBlock, removePredecessor, successorsOf } from "../ir-builder.js";
import { Variables, sameValue } from "./ssa.js";

/** Keys are compared by identity; values by sameValue() if they are instructions. */
export type Facts = Map<object, Instruction | true>;

interface Knowledge {
  facts: Facts;
  epoch: number;
}

/** A block that ends without a terminator yet, and what is known there. */
export interface OpenEnd {
  readonly block: Block;
  readonly knowledge: Knowledge;
}

export class Flow {
  readonly builder: Builder;
  readonly variables: Variables;
  /** False after a return, break or continue: what follows is not compiled. */
  reachable = true;
  #now: Knowledge = { facts: new Map(), epoch: 0 };
  #epochLast = 0;
  readonly #atEnd = new Map<Block, Knowledge>();
  readonly #onEdge = new Map<Block, Map<Block, object[]>>();

  constructor(fn: IrFunction) {
    this.builder = new Builder(fn);
    this.variables = new Variables(this.builder);
    this.variables.seal(this.builder.block);
  }

  get epoch(): number {
    return this.#now.epoch;
  }

  /** All views of the packet that exist are stale from here on. */
  packetMoved(): void {
    this.#now.epoch = ++this.#epochLast;
  }

  newBlock(): Block {
    return newBlock(this.builder.fn);
  }

  know(key: object, value: Instruction | true = true): void {
    this.#now.facts.set(key, value);
  }

  forget(key: object): void {
    this.#now.facts.delete(key);
  }

  known(key: object): Instruction | true | undefined {
    return this.#now.facts.get(key);
  }

  /** What is known when control goes from `predecessor`, which is complete, to `block`. */
  knownOnEdge(key: object, predecessor: Block, block: Block): boolean {
    return (this.#atEnd.get(predecessor)?.facts.has(key) ?? false) || (this.#onEdge.get(predecessor)?.get(block)?.includes(key) ?? false);
  }

  jump(target: Block): void {
    if (!this.reachable) return;
    this.builder.jump(target);
    this.#leave();
  }

  /** `whenTrue` and `whenFalse` become known on the respective edge. A constant condition is a jump. */
  branch(condition: Instruction, ifTrue: Block, ifFalse: Block,
    options: { likely?: boolean | undefined; whenTrue?: object | undefined; whenFalse?: object | undefined } = {}): void {
    if (!this.reachable) return;
    const { likely, whenTrue, whenFalse } = options;
    const block = this.builder.block;
    const value = this.variables.resolve(condition);
    if (value.op === "constant") return this.jump(value.value !== 0n ? ifTrue : ifFalse);
    const edges = new Map<Block, object[]>();
    if (whenTrue !== undefined) edges.set(ifTrue, [whenTrue]);
    if (whenFalse !== undefined) edges.set(ifFalse, [whenFalse]);
    this.#onEdge.set(block, edges);
    this.builder.branch(value, ifTrue, ifFalse, likely);
    this.#leave();
  }

  return(value?: Instruction): void {
    this.builder.return(value);
    this.#leave();
  }

  /** Goes on in `block`, to which all jumps have been made. A block that nothing leads to is not reachable. */
  enter(block: Block): void {
    this.variables.seal(block);
    this.#enter(block);
    this.reachable = block.predecessors.length > 0;
  }

  /** Goes on in the header of a loop: the jumps back are still to come. */
  enterLoop(block: Block): void {
    this.#enter(block);
    // A slot's contents may change in the loop's body; that a value is not null stays so for ever.
    for (const [key, value] of this.#now.facts) if (value !== true) this.#now.facts.delete(key);
    this.reachable = true;
  }

  /** All jumps back to the loop's header are there. Tells whether the packet was moved on the way. */
  closeLoop(header: Block, epochAtHeader: number): boolean {
    this.variables.seal(header);
    return header.predecessors.some((predecessor) => this.#atEnd.get(predecessor)?.epoch !== epochAtHeader);
  }

  /** Leaves the current block open, to be resumed (see merge.ts). */
  suspend(): OpenEnd {
    this.reachable = false;
    return { block: this.builder.block, knowledge: this.#now };
  }

  resume({ block, knowledge }: OpenEnd): void {
    this.builder.block = block;
    this.#now = knowledge;
    this.reachable = true;
  }

  /** An expression whose evaluation never ends goes on in a block of its own, which is never reached. */
  enterUnreachable(): void {
    this.enter(this.newBlock());
  }

  withSpan<T>(span: Span, work: () => T): T {
    const outer = this.builder.span;
    this.builder.span = span;
    try {
      return work();
    } finally {
      this.builder.span = outer;
    }
  }

  /** Final values in all uses; blocks in reverse postorder, unreachable ones gone. */
  finish(): void {
    this.variables.finish();
    const { fn } = this.builder;
    const order = reversePostorder(fn.blocks[0]!);
    const kept = new Set(order);
    for (const block of fn.blocks) {
      if (kept.has(block)) continue;
      for (const target of successorsOf(block)) removePredecessor(target, block);
    }
    fn.blocks = order;
  }

  #leave(): void {
    this.#atEnd.set(this.builder.block, this.#now);
    this.reachable = false;
  }

  #enter(block: Block): void {
    this.builder.block = block;
    const [first, ...others] = block.predecessors.map((predecessor) => this.#acrossEdge(predecessor, block));
    this.#now = { facts: new Map(first?.facts), epoch: first?.epoch ?? this.#epochLast };
    for (const other of others) {
      for (const [key, value] of this.#now.facts) {
        const there = other.facts.get(key);
        if (there === undefined || (value !== true && (there === true || !sameValue(value, there)))) this.#now.facts.delete(key);
      }
      if (other.epoch !== this.#now.epoch) this.#now.epoch = ++this.#epochLast;
    }
  }

  #acrossEdge(predecessor: Block, block: Block): Knowledge {
    const { facts, epoch } = this.#atEnd.get(predecessor)!;
    const added = this.#onEdge.get(predecessor)?.get(block) ?? [];
    return { facts: new Map([...facts, ...added.map((key) => [key, true] as const)]), epoch };
  }
}

function reversePostorder(entry: Block): Block[] {
  const seen = new Set<Block>();
  const order: Block[] = [];
  const visit = (block: Block): void => {
    if (seen.has(block)) return;
    seen.add(block);
    // The false side first, so that the true side stands first in the result.
    for (const next of successorsOf(block).reverse()) visit(next);
    order.push(block);
  };
  visit(entry);
  return order.reverse();
}
