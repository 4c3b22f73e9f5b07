// What selection makes of a function and the later steps of the back end work on: eBPF operations in two-address form,
// on virtual registers until registers.ts gives each a real one. A number below VIRTUAL is the machine's register.
//
//   R0 results; R1…R5 arguments, lost over a call; R6…R9 kept over calls; R10 the frame, never written.

import type { AtomicOperator, IrFunction, Predicate, Span } from "../ir.js";
import type { MapSpec } from "#ebpf/spec.js";

export type Register = number;
export const R0: Register = 0;
export const R1: Register = 1;
export const FRAME: Register = 10;
/** R0…R9 are given to values. */
export const REGISTERS = 10;
/** R0…R5 do not survive a call. */
export const CALLER_SAVED = 6;
export const ARGUMENTS_MAX = 5;
export const VIRTUAL: Register = 16;

/** A signed 32-bit number in the instruction itself. 64-bit operations extend its sign. */
export interface Immediate {
  readonly immediate: number;
}
export type Operand = Register | Immediate;
export type Width = 32 | 64;

export type AluOperator = "add" | "sub" | "mul" | "div" | "mod" | "and" | "or" | "xor" | "lsh" | "rsh" | "arsh";

/** A piece of the 512-byte stack; frame.ts decides where. */
export interface FrameSlot {
  readonly size: number;
  readonly name: string;
}

/** Memory at `base + offset`; with a slot, base is FRAME and the offset counts from the slot's start. */
export interface Address {
  readonly base: Register;
  readonly offset: number;
  readonly slot?: FrameSlot;
}

/** What a 64-bit load (two instructions long) puts into a register. */
export type Wide =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "map"; readonly map: MapSpec }
  | { readonly kind: "mapValue"; readonly map: MapSpec; readonly offset: number }
  | { readonly kind: "function"; readonly callee: IrFunction };

export interface Condition {
  /** "bits": left & right is not zero. It has no opposite. */
  readonly predicate: Predicate | "bits";
  readonly width: Width;
  readonly left: Register;
  readonly right: Operand;
}

export type Operation = OperationKind & { readonly span: Span | undefined };

export type OperationKind =
  | { readonly op: "move"; readonly width: Width; readonly to: Register; readonly from: Operand }
  | { readonly op: "wide"; readonly to: Register; readonly value: Wide }
  /** The address of a slot plus `offset`: two instructions, a move from R10 and an addition. */
  | { readonly op: "slotAddress"; readonly to: Register; readonly slot: FrameSlot; readonly offset: number }
  /** to = to operator from */
  | { readonly op: "alu"; readonly operator: AluOperator; readonly width: Width; readonly to: Register; readonly from: Operand }
  /** to = -to */
  | { readonly op: "negate"; readonly width: Width; readonly to: Register }
  | { readonly op: "swap"; readonly bits: 16 | 32 | 64; readonly to: Register }
  | { readonly op: "load"; readonly bits: 8 | 16 | 32 | 64; readonly to: Register; readonly address: Address }
  | { readonly op: "store"; readonly bits: 8 | 16 | 32 | 64; readonly address: Address; readonly from: Operand }
  /** The fetching operators write the old value to `from`; compareExchange reads and writes R0. */
  | { readonly op: "atomic"; readonly operator: AtomicOperator; readonly bits: 32 | 64; readonly address: Address; readonly from: Register }
  /** to = condition ? 1 : 0, in three instructions; `to` is none of the condition's registers. */
  | { readonly op: "set"; readonly to: Register; readonly condition: Condition }
  /** Reads R1…Rn, writes R0, loses R1…R5. */
  | { readonly op: "call"; readonly callee: { readonly helper: number; readonly name: string } | IrFunction; readonly argumentCount: number };

export type Exit = { readonly span: Span | undefined } & (
  | { readonly op: "jump"; target: CodeBlock }
  | { readonly op: "branch"; condition: Condition; ifTrue: CodeBlock; ifFalse: CodeBlock; readonly likely: boolean | undefined }
  /** Reads R0 when the function has a result. */
  | { readonly op: "exit"; readonly hasValue: boolean }
);

export interface CodeBlock {
  readonly id: number;
  operations: Operation[];
  exit: Exit;
  /** How often it runs, compared with the function's entry; a guess. */
  frequency: number;
  unlikely: boolean;
}

export interface CodeFunction {
  readonly source: IrFunction;
  /** blocks[0] is the entry. */
  blocks: CodeBlock[];
  /** The next free virtual register. */
  nextRegister: Register;
}

export const isRegister = (operand: Operand): operand is Register => typeof operand === "number";
export const isVirtual = (register: Register): boolean => register >= VIRTUAL;

export function successors(block: CodeBlock): readonly CodeBlock[] {
  const exit = block.exit;
  if (exit.op === "jump") return [exit.target];
  if (exit.op === "branch") return [exit.ifTrue, exit.ifFalse];
  return [];
}

const fetches = (operator: AtomicOperator): boolean => operator.startsWith("fetch") || operator === "exchange";

/** Registers that the operation reads (R10 too). */
export function reads(operation: Operation): Register[] {
  switch (operation.op) {
    case "move": return isRegister(operation.from) ? [operation.from] : [];
    case "wide": return [];
    case "slotAddress": return [FRAME];
    case "alu": return isRegister(operation.from) ? [operation.to, operation.from] : [operation.to];
    case "negate":
    case "swap": return [operation.to];
    case "load": return [operation.address.base];
    case "store": return isRegister(operation.from) ? [operation.address.base, operation.from] : [operation.address.base];
    case "atomic":
      return operation.operator === "compareExchange" ? [operation.address.base, operation.from, R0] : [operation.address.base, operation.from];
    case "set": return conditionReads(operation.condition);
    case "call": return argumentRegisters.slice(0, operation.argumentCount);
  }
}

/** Registers that the operation writes or loses. */
export function writes(operation: Operation): Register[] {
  switch (operation.op) {
    case "store": return [];
    case "atomic":
      if (operation.operator === "compareExchange") return [R0];
      return fetches(operation.operator) ? [operation.from] : [];
    case "call": return callerSaved;
    default: return [operation.to];
  }
}

const argumentRegisters = Array.from({ length: ARGUMENTS_MAX }, (_, i) => R1 + i);
const callerSaved = Array.from({ length: CALLER_SAVED }, (_, i) => R0 + i);

export function conditionReads(condition: Condition): Register[] {
  return isRegister(condition.right) ? [condition.left, condition.right] : [condition.left];
}

export function exitReads(exit: Exit): Register[] {
  if (exit.op === "branch") return conditionReads(exit.condition);
  return exit.op === "exit" && exit.hasValue ? [R0] : [];
}

/** The same operation with every register replaced by what `rename` gives. */
export function renameOperation(operation: Operation, rename: (register: Register) => Register): Operation {
  const operand = (o: Operand): Operand => (isRegister(o) ? rename(o) : o);
  const address = (a: Address): Address => ({ ...a, base: rename(a.base) });
  switch (operation.op) {
    case "move":
    case "alu": return { ...operation, to: rename(operation.to), from: operand(operation.from) };
    case "wide":
    case "slotAddress":
    case "negate":
    case "swap": return { ...operation, to: rename(operation.to) };
    case "load": return { ...operation, to: rename(operation.to), address: address(operation.address) };
    case "store": return { ...operation, address: address(operation.address), from: operand(operation.from) };
    case "atomic": return { ...operation, address: address(operation.address), from: rename(operation.from) };
    case "set": return { ...operation, to: rename(operation.to), condition: renameCondition(operation.condition, rename) };
    case "call": return operation;
  }
}

export function renameCondition(condition: Condition, rename: (register: Register) => Register): Condition {
  return { ...condition, left: rename(condition.left), right: isRegister(condition.right) ? rename(condition.right) : condition.right };
}
