// Places a function's slots in its stack frame, below R10. Slots share places when what they hold is never needed at the
// same time: eBPF has 512 bytes for all frames on the way to the deepest one.

import type { CodeFunction, FrameSlot, Operation } from "./code.js";
import { LentSlots } from "./lent-slots.js";
import { slotLiveness, spilledSlotOf, stepBack } from "./slot-liveness.js";
import { MAX_BPF_STACK } from "#ebpf/opcode.js";

export interface Frame {
  /** The slot's first byte, counted from R10: negative, a multiple of eight. */
  offsetOf(slot: FrameSlot): number;
}

const WORD_BYTES = 8;
const wordsOf = ({ size }: FrameSlot): number => Math.ceil(size / WORD_BYTES);

export function layOutFrame(code: CodeFunction): Frame {
  const conflicts = slotConflicts(code);
  /** The first word behind each slot, counted from R10 downwards. */
  const ends = new Map<FrameSlot, number>();
  for (const slot of [...conflicts.keys()].sort((a, b) => wordsOf(b) - wordsOf(a))) ends.set(slot, placeFor(slot, conflicts.get(slot)!, ends));
  const bytes = Math.max(0, ...ends.values()) * WORD_BYTES;
  if (bytes > MAX_BPF_STACK) throw new RangeError(describeOverflow(code, bytes, new Set(ends.keys())));
  return { offsetOf: (slot) => -ends.get(slot)! * WORD_BYTES };
}

/** Where it ends when it stands as near to R10 as the others let it. */
function placeFor(slot: FrameSlot, others: ReadonlySet<FrameSlot>, ends: ReadonlyMap<FrameSlot, number>): number {
  const words = wordsOf(slot);
  const taken = [...others].filter((other) => ends.has(other)).map((other) => ({ first: ends.get(other)! - wordsOf(other), end: ends.get(other)! }));
  let first = 0;
  for (const other of taken.sort((a, b) => a.first - b.first)) {
    if (other.first >= first + words) break;
    first = Math.max(first, other.end);
  }
  return first + words;
}

/** With each slot those that are in use when it is written to, or are lent to the same call. */
function slotConflicts(code: CodeFunction): ReadonlyMap<FrameSlot, ReadonlySet<FrameSlot>> {
  const conflicts = new Map<FrameSlot, Set<FrameSlot>>([...slotsIn(code)].map((slot) => [slot, new Set()]));
  const keepApart = (slots: Iterable<FrameSlot>, others: Iterable<FrameSlot>) => {
    for (const slot of slots) {
      for (const other of others) {
        if (slot === other) continue;
        conflicts.get(slot)!.add(other);
        conflicts.get(other)!.add(slot);
      }
    }
  };
  const lent = new LentSlots(code);
  const liveOut = slotLiveness(code);
  for (const block of code.blocks) {
    const inUse = lent.inUse(block);
    const live = new Set(liveOut.get(block));
    for (let at = block.operations.length - 1; at >= 0; at--) {
      const operation = block.operations[at]!;
      const spilled = operation.op === "store" ? spilledSlotOf(operation) : undefined;
      const written = spilled === undefined ? lent.writtenBy(operation) : [spilled];
      keepApart(written, [...live, ...inUse[at]!, ...written]);
      stepBack(operation, live);
    }
  }
  keepApart(lent.escaped, conflicts.keys());
  return conflicts;
}

function slotsIn({ blocks }: CodeFunction): Set<FrameSlot> {
  const slotOf = (operation: Operation) => {
    if (operation.op === "slotAddress") return operation.slot;
    return "address" in operation ? operation.address.slot : undefined;
  };
  return new Set(blocks.flatMap(({ operations }) => operations.map(slotOf).filter((slot) => slot !== undefined)));
}

function describeOverflow({ source }: CodeFunction, size: number, slots: ReadonlySet<FrameSlot>): string {
  const largest = [...slots].sort((a, b) => b.size - a.size).slice(0, 3).map(({ name, size }) => `${name} (${size} bytes)`);
  return `Function ${source.name} needs ${size} bytes of stack, and eBPF has ${MAX_BPF_STACK}; the largest are ${largest.join(", ")}. ` +
    `Make a part of it a function of its own with "use subprogram", or keep large structs in a map`;
}
