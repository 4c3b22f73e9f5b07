// Where slots whose address is taken are in use: from where something may have been written there to where something
// may still be read. What is taken for one call only, a key or a helper's parameters, is so for a few instructions.

import type { CodeBlock, CodeFunction, FrameSlot, Operation, Register } from "./code.js";
import { ARGUMENTS_MAX, R1, reads, successors, writes } from "./code.js";
import { SPILLED } from "./slot-liveness.js";

export class LentSlots {
  /** Whose address went elsewhere than to a call: they are in use everywhere. */
  readonly escaped = new Set<FrameSlot>();
  /** What each call is given. */
  readonly #givenTo = new Map<Operation, ReadonlySet<FrameSlot>>();
  /** Into each block: slots that something was written to. */
  readonly #written: ReadonlyMap<CodeBlock, ReadonlySet<FrameSlot>>;
  /** Out of each block: slots that are still to be read. */
  readonly #wanted: ReadonlyMap<CodeBlock, ReadonlySet<FrameSlot>>;

  constructor(code: CodeFunction) {
    for (const { operations } of code.blocks) this.#follow(operations);
    const inBlocks = (slotsOf: (operation: Operation) => FrameSlot[]) => new Map(code.blocks.map((block) => [block, new Set(block.operations.flatMap(slotsOf))]));
    this.#written = gathered(inBlocks((operation) => this.writtenBy(operation)), predecessorsOf(code));
    this.#wanted = gathered(inBlocks((operation) => this.readBy(operation)), successors);
  }

  /** A call may write to all that it is given. */
  writtenBy(operation: Operation): FrameSlot[] {
    return operation.op === "load" ? [] : this.#touchedBy(operation);
  }

  /** Never by a store; an atomic operation reads and writes. */
  readBy(operation: Operation): FrameSlot[] {
    return operation.op === "store" ? [] : this.#touchedBy(operation);
  }

  #touchedBy(operation: Operation): FrameSlot[] {
    if (operation.op === "call") return [...this.#givenTo.get(operation) ?? []];
    const slot = "address" in operation ? operation.address.slot : undefined;
    return slot === undefined || slot.name === SPILLED ? [] : [slot];
  }

  /** After each operation of a block, in their order. */
  inUse(block: CodeBlock): ReadonlySet<FrameSlot>[] {
    const wanted = new Set(this.#wanted.get(block));
    const wantedAfter = block.operations.toReversed().map((operation) => {
      const after = new Set(wanted);
      for (const slot of this.readBy(operation)) wanted.add(slot);
      return after;
    }).toReversed();
    const written = new Set(this.#written.get(block));
    return block.operations.map((operation, i) => {
      for (const slot of this.writtenBy(operation)) written.add(slot);
      return new Set([...wantedAfter[i]!].filter((slot) => written.has(slot)));
    });
  }

  /** An address made in an argument's register and read by the call alone is lent to it. */
  #follow(operations: readonly Operation[]): void {
    const held = new Map<Register, FrameSlot>();
    for (const operation of operations) {
      const read = reads(operation).flatMap((register) => held.get(register) ?? []);
      if (operation.op === "call") this.#givenTo.set(operation, new Set(read));
      else for (const slot of read) this.escaped.add(slot);
      for (const register of writes(operation)) held.delete(register);
      if (operation.op !== "slotAddress") continue;
      if (operation.to >= R1 && operation.to < R1 + ARGUMENTS_MAX) held.set(operation.to, operation.slot);
      else this.escaped.add(operation.slot);
    }
    for (const slot of held.values()) this.escaped.add(slot);
  }
}

type Neighbours = (block: CodeBlock) => readonly CodeBlock[];

/** For each block what there is in any block from which `neighbours` leads to it, at whatever distance. */
function gathered(own: ReadonlyMap<CodeBlock, ReadonlySet<FrameSlot>>, neighbours: Neighbours): ReadonlyMap<CodeBlock, ReadonlySet<FrameSlot>> {
  const found = new Map(Array.from(own.keys(), (block) => [block, new Set<FrameSlot>()]));
  for (let changed = true; changed;) {
    changed = false;
    for (const [block, slots] of found) {
      const before = slots.size;
      for (const next of neighbours(block)) for (const slot of [...own.get(next)!, ...found.get(next)!]) slots.add(slot);
      changed ||= slots.size > before;
    }
  }
  return found;
}

function predecessorsOf({ blocks }: CodeFunction): Neighbours {
  const predecessors = new Map<CodeBlock, CodeBlock[]>(blocks.map((block) => [block, []]));
  for (const block of blocks) for (const successor of successors(block)) predecessors.get(successor)!.push(block);
  return (block) => predecessors.get(block)!;
}
