// Removes stores that nobody reads: to stack slots that are only written, and to stack or packet bytes that the same
// block overwrites before anything can look. Requires: nothing. Map memory is left alone: other CPUs read it.

import type { Block, Instruction, IrFunction, StackSlot } from "../ir.js";
import type { Location } from "./aliases.js";
import { locationOf, mayOverlap, rootOf } from "./aliases.js";

type Store = Instruction & { op: "store" };

/** True when any was removed. */
export function removeDeadStores(fn: IrFunction): boolean {
  const read = readSlots(fn);
  let changed = false;
  for (const block of fn.blocks) {
    const dead = new Set<Instruction>([...overwritten(block), ...block.instructions.filter((instruction) => isToUnread(instruction, read))]);
    if (dead.size === 0) continue;
    block.instructions = block.instructions.filter((instruction) => !dead.has(instruction));
    changed = true;
  }
  return changed;
}

/** Slots that something other than a store to them uses the address of. */
function readSlots(fn: IrFunction): ReadonlySet<StackSlot> {
  const read = new Set<StackSlot>();
  for (const instruction of fn.blocks.flatMap(({ instructions }) => instructions)) {
    if (instruction.op === "pointerAdd") continue;
    instruction.args.forEach((arg, i) => {
      const root = arg.type === "pointer" ? rootOf(arg) : arg;
      if (root.op === "stackAddress" && !(instruction.op === "store" && i === 0)) read.add(root.slot);
    });
  }
  return read;
}

function isToUnread(instruction: Instruction, read: ReadonlySet<StackSlot>): boolean {
  if (instruction.op !== "store") return false;
  const root = rootOf(instruction.args[0]);
  return root.op === "stackAddress" && !read.has(root.slot);
}

/** Goes backwards, remembering what is about to be written. */
function overwritten(block: Block): Store[] {
  const dead: Store[] = [];
  let written: Location[] = [];
  for (const instruction of block.instructions.toReversed()) {
    if (instruction.op === "store") {
      const location = locationOf(instruction);
      if (location.space !== "stack" && location.space !== "packet") continue;
      if (written.some((later) => covers(later, location))) dead.push(instruction);
      else written.push(location);
    } else if (instruction.op === "load") {
      const location = locationOf(instruction);
      written = written.filter((later) => !mayOverlap(later, location));
    } else if (instruction.op === "callHelper" || instruction.op === "callFunction" || instruction.op === "atomic") written = [];
  }
  return dead;
}

function covers(later: Location, earlier: Location): boolean {
  const isSameBase = later.base === earlier.base ||
    later.base.op === "stackAddress" && earlier.base.op === "stackAddress" && later.base.slot === earlier.base.slot;
  return isSameBase && later.offset <= earlier.offset && earlier.offset + earlier.bytes <= later.offset + later.bytes;
}
