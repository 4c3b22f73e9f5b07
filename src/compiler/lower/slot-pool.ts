// The stack slots of one function. An inlined function's structs give their slots back when it is done, so that the next
// one's can stand there: eBPF has 512 bytes for all frames together.

import type { IrFunction, StackSlot } from "../ir.js";
import { newSlot } from "../ir-builder.js";

export class SlotPool {
  readonly #free: StackSlot[] = [];

  constructor(readonly fn: IrFunction) {}

  /** A slot of at least `size` bytes; what it holds is anything. */
  take(size: number, name: string): StackSlot {
    const fitting = this.#free.filter((slot) => slot.size >= size).sort((a, b) => a.size - b.size);
    const [slot] = fitting;
    if (slot === undefined) return newSlot(this.fn, size, name);
    this.#free.splice(this.#free.indexOf(slot), 1);
    return slot;
  }

  give(slot: StackSlot): void {
    this.#free.push(slot);
  }
}
