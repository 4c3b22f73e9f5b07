// Which accesses may touch the same memory. A location is a number of bytes at a constant distance from some pointer.

import type { Instruction, Space, StackSlot } from "../ir.js";

export interface Location {
  readonly base: Instruction;
  readonly offset: number;
  readonly bytes: number;
  readonly space: Space;
}

type Access = Instruction & { op: "load" | "store" };

export function locationOf(access: Access): Location {
  let [base, offset]: [Instruction, number] = [access.args[0], access.offset];
  while (base.op === "pointerAdd" && base.args.length === 1) [base, offset] = [base.args[0], offset + base.offset];
  return { base, offset, bytes: access.bits / 8, space: access.space };
}

export function mayOverlap(a: Location, b: Location): boolean {
  if (a.space !== b.space && a.space !== "unknown" && b.space !== "unknown") return false;
  if (areApart(a.base, b.base)) return false;
  if (a.base !== b.base && !isSameAddress(a.base, b.base)) return true;
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

/** Two slots, two maps' values. */
function areApart(a: Instruction, b: Instruction): boolean {
  const [rootA, rootB] = [rootOf(a), rootOf(b)];
  if (rootA.op === "stackAddress" && rootB.op === "stackAddress") return rootA.slot !== rootB.slot;
  return isInTable(rootA) && isInTable(rootB) && rootA.map !== rootB.map;
}

const isInTable = (root: Instruction): root is Instruction & { op: "mapValue" | "mapBank" } => root.op === "mapValue" || root.op === "mapBank";

/** Address constants that were not merged into one value. */
function isSameAddress(a: Instruction, b: Instruction): boolean {
  if (a.op === "stackAddress" && b.op === "stackAddress") return a.slot === b.slot;
  return a.op === "mapValue" && b.op === "mapValue" && a.map === b.map && a.offset === b.offset;
}

/** The pointer that additions started from. */
export function rootOf(pointer: Instruction): Instruction {
  let root = pointer;
  while (root.op === "pointerAdd") root = root.args[0];
  return root;
}

/** What a call, an atomic operation or a store may change. */
export interface Effect {
  /** Undefined: everything in these spaces. */
  changes(location: Location): boolean;
}

/** Undefined when the instruction changes no memory. */
export function effectOf(instruction: Instruction): Effect | undefined {
  switch (instruction.op) {
    case "store": {
      const written = locationOf(instruction);
      return { changes: (location) => mayOverlap(location, written) };
    }
    // Other CPUs' writes become visible around it.
    case "atomic": return { changes: ({ space }) => space === "map" || space === "unknown" };
    case "callFunction": return { changes: () => true };
    case "callHelper": return instruction.pure === true ? undefined : effectOfHelper(instruction);
    default: return undefined;
  }
}

function effectOfHelper({ helper, args, writes }: Instruction & { op: "callHelper" }): Effect {
  const slots = new Set<StackSlot>(writes);
  const changesPacket = helper.movesPacket || args.some(mayPointIntoPacket);
  return {
    changes: ({ space, base }) => {
      if (space === "context") return helper.movesPacket;
      if (space === "packet") return changesPacket;
      if (space !== "stack") return true;
      const root = rootOf(base);
      return root.op !== "stackAddress" || slots.has(root.slot);
    },
  };
}

/** The context itself is no way to the packet's bytes but for helpers that say so. */
function mayPointIntoPacket(value: Instruction): boolean {
  if (value.type !== "pointer") return false;
  const root = rootOf(value);
  return root.op === "load" || root.op === "phi";
}
