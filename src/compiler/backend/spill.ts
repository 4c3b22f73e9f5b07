// Moves a virtual register to the stack. It is stored where it is written and loaded once for each stretch of code
// between calls that reads it: within a stretch registers are plenty, over a call there are four. What was one long-lived
// register becomes many short-lived ones, in the next round of colouring:
//
//   r20 = …            r30 = …; [slot] = r30
//   call          →    call
//   … r20 … r20        r31 = [slot]; … r31 … r31
//
// When a stretch is still too long, its register is spilled again, now with a load for every single use.

import type { CodeBlock, CodeFunction, FrameSlot, Operation, OperationKind, Register } from "./code.js";
import { exitReads, FRAME, reads, renameCondition, renameOperation, writes } from "./code.js";
import { SPILLED } from "./frame.js";
import { isCopy } from "./interference.js";

/** Where a spilled value comes from: a slot, or an operation that makes it again from nothing. */
type Home = { readonly slot: FrameSlot } | { readonly again: OperationKind };

export class Spiller {
  /** Registers that stand for a stretch of a spilled one. */
  private readonly homes = new Map<Register, Home>();
  /** Registers that live for one operation only: spilling them gains nothing. */
  readonly shortest = new Set<Register>();

  constructor(private readonly code: CodeFunction) {}

  /** `coalesced`: registers that hold the same value at other times, so that they share its home. */
  spill(register: Register, coalesced: readonly Register[]): void {
    this.unite(register, coalesced);
    const known = this.homes.get(register);
    const home = known ?? this.newHome(register);
    for (const block of this.code.blocks) this.spillIn(block, register, home, known !== undefined);
  }

  /** Gives all the name of one; copies between them go. */
  private unite(register: Register, coalesced: readonly Register[]): void {
    if (coalesced.length === 0) return;
    const others = new Set(coalesced);
    const rename = (candidate: Register) => (others.has(candidate) ? register : candidate);
    // A register with a home that is united with others may no longer hold what its home does.
    this.homes.delete(register);
    for (const block of this.code.blocks) {
      block.operations = block.operations
        .map((operation) => renameOperation(operation, rename))
        .filter((operation) => !(isCopy(operation) && operation.to === operation.from));
      if (block.exit.op === "branch") block.exit.condition = renameCondition(block.exit.condition, rename);
    }
  }

  private newHome(register: Register): Home {
    const writers = this.code.blocks.flatMap(({ operations }) => operations.filter((operation) => writes(operation).includes(register)));
    const [only] = writers;
    if (writers.length === 1 && only !== undefined && canMakeAgain(only)) return { again: only };
    const slot: FrameSlot = { size: 8, name: SPILLED };
    this.code.slots.push(slot);
    return { slot };
  }

  /** `finely`: a register for every use, not for every stretch. */
  private spillIn(block: CodeBlock, register: Register, home: Home, finely: boolean): void {
    const operations: Operation[] = [];
    let current: Register | undefined;
    const begin = (): Register => {
      current = this.code.nextRegister++;
      this.homes.set(current, home);
      if (finely) this.shortest.add(current);
      return current;
    };
    const fetch = (span: Operation["span"]): Register => {
      if (current !== undefined && !finely) return current;
      const fetched = begin();
      operations.push(fetchInto(fetched, home, span));
      return fetched;
    };
    for (const operation of block.operations) {
      const isRead = reads(operation).includes(register);
      const isWritten = writes(operation).includes(register);
      if (!isRead && !isWritten) operations.push(operation);
      else if (isTransfer(operation, register, home)) continue;
      else {
        const stretch = isRead ? fetch(operation.span) : begin();
        operations.push(renameOperation(operation, (candidate) => (candidate === register ? stretch : candidate)));
        if (isWritten && "slot" in home) operations.push(storeFrom(stretch, home.slot, operation.span));
      }
      if (operation.op === "call") current = undefined;
    }
    if (block.exit.op === "branch" && exitReads(block.exit).includes(register)) {
      const stretch = fetch(block.exit.span);
      block.exit.condition = renameCondition(block.exit.condition, (candidate) => (candidate === register ? stretch : candidate));
    }
    block.operations = operations;
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
  return { ...renameOperation({ ...home.again, span }, () => to), span };
}

const storeFrom = (from: Register, slot: FrameSlot, span: Operation["span"]): Operation =>
  ({ op: "store", bits: 64, address: { base: FRAME, offset: 0, slot }, from, span });
