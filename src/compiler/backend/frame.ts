// Places a function's slots in its stack frame, below R10. Spilled registers share places when their values are never
// needed at the same time; slots whose address is taken have places of their own.

import type { CodeFunction, FrameSlot, Operation } from "./code.js";
import { SPILLED, slotLiveness, spilledSlotOf, stepBack } from "./slot-liveness.js";
import { MAX_BPF_STACK } from "#ebpf/opcode.js";

export interface Frame {
  /** The slot's first byte, counted from R10: negative, a multiple of eight. */
  offsetOf(slot: FrameSlot): number;
}

export function layOutFrame(code: CodeFunction): Frame {
  const used = slotsIn(code);
  const offsets = new Map<FrameSlot, number>();
  let size = 0;
  for (const slot of used) {
    if (slot.name === SPILLED) continue;
    size += Math.ceil(slot.size / 8) * 8;
    offsets.set(slot, -size);
  }
  const places = sharedPlaces(code);
  for (const [slot, place] of places) offsets.set(slot, -(size + 8 * (place + 1)));
  size += 8 * (Math.max(-1, ...places.values()) + 1);
  if (size > MAX_BPF_STACK) throw new RangeError(describeOverflow(code, size, used));
  return { offsetOf: (slot) => offsets.get(slot)! };
}

function slotsIn({ blocks }: CodeFunction): Set<FrameSlot> {
  const slotOf = (operation: Operation) => {
    if (operation.op === "slotAddress") return operation.slot;
    return "address" in operation ? operation.address.slot : undefined;
  };
  return new Set(blocks.flatMap(({ operations }) => operations.map(slotOf).filter((slot) => slot !== undefined)));
}

/** For each spilled slot a place, counted from 0, that no slot in use at the same time has. */
function sharedPlaces(code: CodeFunction): ReadonlyMap<FrameSlot, number> {
  const places = new Map<FrameSlot, number>();
  for (const [slot, others] of slotConflicts(code)) {
    const taken = new Set([...others].map((other) => places.get(other)));
    let place = 0;
    while (taken.has(place)) place++;
    places.set(slot, place);
  }
  return places;
}

/** Two slots conflict when one is stored to while the other is live. */
function slotConflicts(code: CodeFunction): ReadonlyMap<FrameSlot, ReadonlySet<FrameSlot>> {
  const conflicts = new Map<FrameSlot, Set<FrameSlot>>();
  const conflictsOf = (slot: FrameSlot) => {
    if (!conflicts.has(slot)) conflicts.set(slot, new Set());
    return conflicts.get(slot)!;
  };
  const liveOut = slotLiveness(code);
  for (const block of code.blocks) {
    const live = new Set(liveOut.get(block));
    for (const operation of block.operations.toReversed()) {
      const slot = spilledSlotOf(operation);
      stepBack(operation, live);
      if (slot === undefined || operation.op !== "store") continue;
      for (const other of live) {
        conflictsOf(slot).add(other);
        conflictsOf(other).add(slot);
      }
      conflictsOf(slot);
    }
  }
  return conflicts;
}

function describeOverflow({ source }: CodeFunction, size: number, slots: ReadonlySet<FrameSlot>): string {
  const largest = [...slots].sort((a, b) => b.size - a.size).slice(0, 3).map(({ name, size }) => `${name} (${size} bytes)`);
  return `Function ${source.name} needs ${size} bytes of stack, and eBPF has ${MAX_BPF_STACK}; the largest are ${largest.join(", ")}. ` +
    `Make a part of it a function of its own with "use subprogram", or keep large structs in a map`;
}
