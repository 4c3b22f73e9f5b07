// Places a function's slots in its stack frame, below R10. Spilled registers share places when their values are never
// needed at the same time; slots whose address is taken have places of their own.

import type { CodeBlock, CodeFunction, FrameSlot, Operation } from "./code.js";
import { successors } from "./code.js";
import { MAX_BPF_STACK } from "#ebpf/opcode.js";

export interface Frame {
  /** The slot's first byte, counted from R10: negative, a multiple of eight. */
  offsetOf(slot: FrameSlot): number;
  readonly size: number;
}

export function layOutFrame(code: CodeFunction): Frame {
  const used = slotsIn(code);
  const spilled = new Set([...used].filter(({ name }) => name === SPILLED));
  const places = sharedPlaces(code, spilled);
  const offsets = new Map<FrameSlot, number>();
  let size = 0;
  for (const slot of used) {
    if (spilled.has(slot)) continue;
    size += Math.ceil(slot.size / 8) * 8;
    offsets.set(slot, -size);
  }
  for (const [slot, place] of places) offsets.set(slot, -(size + 8 * (place + 1)));
  size += 8 * (Math.max(-1, ...places.values()) + 1);
  if (size > MAX_BPF_STACK) throw new RangeError(describeOverflow(code, size, used));
  return { offsetOf: (slot) => offsets.get(slot)!, size };
}

/** The name of slots that spill.ts makes. */
export const SPILLED = "spilled";

const slotOf = (operation: Operation): FrameSlot | undefined => {
  if (operation.op === "slotAddress") return operation.slot;
  return "address" in operation ? operation.address.slot : undefined;
};

function slotsIn({ blocks }: CodeFunction): Set<FrameSlot> {
  return new Set(blocks.flatMap(({ operations }) => operations.map(slotOf).filter((slot) => slot !== undefined)));
}

/** For each spilled slot a place, counted from 0, that no slot in use at the same time has. */
function sharedPlaces(code: CodeFunction, spilled: ReadonlySet<FrameSlot>): Map<FrameSlot, number> {
  const conflicts = new Map<FrameSlot, Set<FrameSlot>>([...spilled].map((slot) => [slot, new Set()]));
  const liveIn = new Map<CodeBlock, Set<FrameSlot>>(code.blocks.map((block) => [block, new Set()]));
  for (let changed = true; changed;) {
    changed = false;
    for (const block of code.blocks.toReversed()) {
      const live = new Set(successors(block).flatMap((successor) => [...liveIn.get(successor)!]));
      for (const operation of block.operations.toReversed()) {
        const slot = slotOf(operation);
        if (slot === undefined || !spilled.has(slot)) continue;
        if (operation.op === "load") {
          live.add(slot);
          continue;
        }
        live.delete(slot);
        for (const other of live) {
          conflicts.get(slot)!.add(other);
          conflicts.get(other)!.add(slot);
        }
      }
      changed ||= live.size !== liveIn.get(block)!.size;
      liveIn.set(block, live);
    }
  }
  const places = new Map<FrameSlot, number>();
  for (const [slot, others] of conflicts) {
    const taken = new Set([...others].map((other) => places.get(other)));
    let place = 0;
    while (taken.has(place)) place++;
    places.set(slot, place);
  }
  return places;
}

function describeOverflow({ source }: CodeFunction, size: number, slots: ReadonlySet<FrameSlot>): string {
  const largest = [...slots].sort((a, b) => b.size - a.size).slice(0, 3).map(({ name, size }) => `${name} (${size} bytes)`);
  return `Function ${source.name} needs ${size} bytes of stack, and eBPF has ${MAX_BPF_STACK}; the largest are ${largest.join(", ")}. ` +
    `Make a part of it a function of its own with "use subprogram", or keep large structs in a map`;
}
