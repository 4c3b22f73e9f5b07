// Moves virtual registers to the stack. One is stored where it is written and loaded once for each stretch of code
// between calls that reads it: within a stretch registers are plenty, over a call there are four. What was one long-lived
// register becomes many short-lived ones, in the next round of colouring:
//
//   r20 = …            r30 = …; [slot] = r30
//   call          →    call
//   … r20 … r20        r31 = [slot]; … r31 … r31
//
// A stretch goes on into blocks that have one way in. When it is still too long, its register is spilled again, with
// stretches that end with their block, and at last with a load for every single use.

import type { CodeBlock, CodeFunction, FrameSlot, Operand, Operation, OperationKind, Register } from "./code.js";
import { exitReads, FRAME, reads, renameCondition, renameOperation, successors, writes } from "./code.js";
import { isCopy } from "./interference.js";
import { SPILLED } from "./slot-liveness.js";

/** Where a spilled value comes from: a slot, or an operation that makes it again from nothing. */
type Home = { readonly slot: FrameSlot } | { readonly again: OperationKind };

/** How far a register that stands for a spilled one reaches. */
type Grain = "path" | "block" | "use";
const finer: { readonly [G in Grain]: Grain } = { path: "block", block: "use", use: "use" };

interface Spilled {
  readonly home: Home;
  readonly grain: Grain;
}

export class Spiller {
  /** Registers that stand for a stretch of a spilled one. */
  private readonly standIns = new Map<Register, Spilled>();
  /** Registers that live for one operation only: spilling them gains nothing. */
  readonly shortest = new Set<Register>();

  constructor(private readonly code: CodeFunction) {}

  /** Each register with those coalesced with it: they hold the same value at other times, so that they share its home. */
  spill(registers: ReadonlyMap<Register, readonly Register[]>): void {
    this.unite(registers);
    const writers = this.writersOf(registers);
    const spilled = new Map<Register, Spilled>();
    for (const register of registers.keys()) {
      const known = this.standIns.get(register);
      spilled.set(register, known === undefined
        ? { home: this.newHome(writers.get(register)!), grain: "path" }
        : { home: known.home, grain: finer[known.grain] });
    }
    this.rewrite(spilled);
  }

  private rewrite(spilled: ReadonlyMap<Register, Spilled>): void {
    const entries = onlyEntries(this.code);
    const ends = new Map<CodeBlock, ReadonlyMap<Register, Register>>();
    // In reverse postorder, so that an only predecessor comes before its block.
    for (const block of this.code.blocks) {
      const stretch = new Stretch(this.code, spilled, ends.get(entries.get(block)!));
      stretch.rewrite(block);
      ends.set(block, stretch.current);
      for (const [register, standIn] of stretch.begun) {
        this.standIns.set(standIn, spilled.get(register)!);
        if (spilled.get(register)!.grain === "use") this.shortest.add(standIn);
      }
    }
  }

  /** Gives all that were coalesced the name of one; copies between them go. */
  private unite(registers: ReadonlyMap<Register, readonly Register[]>): void {
    const names = new Map<Register, Register>();
    for (const [register, coalesced] of registers) {
      for (const other of coalesced) names.set(other, register);
      // With others in it, it may no longer hold what its home does.
      if (coalesced.length > 0) this.standIns.delete(register);
    }
    if (names.size === 0) return;
    const rename = (register: Register) => names.get(register) ?? register;
    for (const block of this.code.blocks) {
      block.operations = block.operations
        .map((operation) => renameOperation(operation, rename))
        .filter((operation) => !(isCopy(operation) && operation.to === operation.from));
      if (block.exit.op === "branch") block.exit.condition = renameCondition(block.exit.condition, rename);
    }
  }

  private writersOf(registers: ReadonlyMap<Register, unknown>): ReadonlyMap<Register, Operation[]> {
    const writers = new Map<Register, Operation[]>([...registers.keys()].map((register) => [register, []]));
    for (const { operations } of this.code.blocks) {
      for (const operation of operations) for (const register of writes(operation)) writers.get(register)?.push(operation);
    }
    return writers;
  }

  private newHome(writers: readonly Operation[]): Home {
    const [only] = writers;
    if (writers.length === 1 && only !== undefined && canMakeAgain(only)) return { again: only };
    return { slot: { size: 8, name: SPILLED } };
  }
}

/** The predecessor of each block that has one only. */
function onlyEntries(code: CodeFunction): ReadonlyMap<CodeBlock, CodeBlock> {
  const entries = new Map<CodeBlock, CodeBlock>();
  const met = new Set<CodeBlock>([code.blocks[0]!]);
  for (const block of code.blocks) {
    for (const successor of successors(block)) {
      if (met.has(successor)) entries.delete(successor);
      else entries.set(successor, block);
      met.add(successor);
    }
  }
  return entries;
}

/** Rewrites one block. */
class Stretch {
  /** Which register stands for each spilled one, since the last call. */
  readonly current = new Map<Register, Register>();
  /** Stand-ins made here, with what they stand for. */
  readonly begun: [Register, Register][] = [];
  private readonly operations: Operation[] = [];

  constructor(
    private readonly code: CodeFunction,
    private readonly spilled: ReadonlyMap<Register, Spilled>,
    before: ReadonlyMap<Register, Register> = new Map(),
  ) {
    for (const [register, standIn] of before) {
      if (spilled.get(register)!.grain === "path") this.current.set(register, standIn);
    }
  }

  rewrite(block: CodeBlock): void {
    for (const operation of block.operations) {
      this.operation(operation);
      if (operation.op === "call") this.current.clear();
    }
    const read = new Set(exitReads(block.exit).filter((register) => this.spilled.has(register)));
    if (block.exit.op === "branch" && read.size > 0) {
      for (const register of read) this.fetch(register, block.exit.span);
      block.exit.condition = renameCondition(block.exit.condition, (register) => this.standIn(register));
    }
    block.operations = this.operations;
  }

  private operation(operation: Operation): void {
    const read = new Set(reads(operation).filter((register) => this.spilled.has(register)));
    const written = writes(operation).filter((register) => this.spilled.has(register));
    if (read.size + written.length === 0) {
      this.operations.push(operation);
      return;
    }
    if ([...read, ...written].some((register) => isTransfer(operation, register, this.spilled.get(register)!.home))) return;
    if (this.storesConstant(operation)) return;
    for (const register of read) this.fetch(register, operation.span);
    for (const register of written) if (!read.has(register)) this.begin(register);
    this.operations.push(renameOperation(operation, (register) => this.standIn(register)));
    for (const register of written) {
      const { home } = this.spilled.get(register)!;
      if ("slot" in home) this.operations.push(storeFrom(this.standIn(register), home.slot, operation.span));
    }
  }

  /** A constant goes to the slot as it is. */
  private storesConstant(operation: Operation): boolean {
    if (operation.op !== "move" || typeof operation.from !== "object" || operation.width === 32 && operation.from.immediate < 0) return false;
    const { home } = this.spilled.get(operation.to)!;
    if (!("slot" in home)) return false;
    this.operations.push(storeFrom(operation.from, home.slot, operation.span));
    this.current.delete(operation.to);
    return true;
  }

  private standIn(register: Register): Register {
    return this.spilled.has(register) ? this.current.get(register)! : register;
  }

  private fetch(register: Register, span: Operation["span"]): void {
    const { home, grain } = this.spilled.get(register)!;
    if (this.current.has(register) && grain !== "use") return;
    this.operations.push(fetchInto(this.begin(register), home, span));
  }

  private begin(register: Register): Register {
    const standIn = this.code.nextRegister++;
    this.current.set(register, standIn);
    this.begun.push([register, standIn]);
    return standIn;
  }
}

/** A load from its home or a store to it, made when the register's value was first spilled. */
function isTransfer(operation: Operation, register: Register, home: Home): boolean {
  if ("again" in home) return "to" in operation && operation.to === register && canMakeAgain(operation);
  return (operation.op === "load" && operation.to === register || operation.op === "store" && operation.from === register) &&
    operation.address.slot === home.slot;
}

function canMakeAgain(operation: Operation): boolean {
  return operation.op === "wide" || operation.op === "slotAddress" || operation.op === "move" && typeof operation.from === "object";
}

function fetchInto(to: Register, home: Home, span: Operation["span"]): Operation {
  if ("slot" in home) return { op: "load", bits: 64, to, address: { base: FRAME, offset: 0, slot: home.slot }, span };
  return renameOperation({ ...home.again, span }, () => to);
}

const storeFrom = (from: Operand, slot: FrameSlot, span: Operation["span"]): Operation =>
  ({ op: "store", bits: 64, address: { base: FRAME, offset: 0, slot }, from, span });
