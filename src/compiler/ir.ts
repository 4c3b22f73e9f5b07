// The compiler's intermediate form: functions of basic blocks in SSA. Lowering builds it, the passes in optimize/ change
// it in place, backend/ turns it into instructions. Every instruction is a value; its uses refer to it directly.
//
// Integers are 32 or 64 bits wide (a u8 or u16 is a 32-bit value that a load zero-extended or a mask cut to size).
// A 32-bit value always has a zero upper half, as the kernel's 32-bit instructions leave it.

import type { MapSpec } from "#ebpf/spec.js";
import type { Helper } from "#prelude/helpers.js";

/** Where in which source file; offsets are UTF-16 units, as the parser counts. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}
export interface SourceFile {
  /** As messages show it, relative to the project. */
  readonly path: string;
  readonly text: string;
}

/** "bool" is the outcome of a comparison: a condition, or 0/1 in a register. */
export type IrType = "i32" | "i64" | "bool" | "pointer" | "void";

/** What a pointer points to, for alias analysis: writes to one space never change another. */
export type Space = "context" | "packet" | "map" | "stack" | "unknown";

export type BinaryOperator = "add" | "sub" | "mul" | "udiv" | "umod" | "and" | "or" | "xor" | "shl" | "lshr" | "ashr";
export type Predicate = "eq" | "ne" | "ult" | "ule" | "ugt" | "uge" | "slt" | "sle" | "sgt" | "sge";
export type AtomicOperator = "add" | "or" | "and" | "xor" | "fetchAdd" | "fetchOr" | "fetchAnd" | "fetchXor" | "exchange" | "compareExchange";
export type AccessBits = 8 | 16 | 32 | 64;

interface Base {
  /** Unique in its function; for printing. */
  readonly id: number;
  readonly type: IrType;
  block: Block;
  readonly span: Span | undefined;
}

export type Instruction = Base & InstructionKind;

/** `args` are the values used, in the order that each operation names. */
export type InstructionKind =
  /** type i32: 0 ≤ value < 2^32; i64: 0 ≤ value < 2^64; bool: 0 or 1; pointer: 0 only (null). */
  | { readonly op: "constant"; readonly value: bigint; args: [] }
  | { readonly op: "parameter"; readonly index: number; args: [] }
  /** The map itself, as helpers want it. */
  | { readonly op: "mapReference"; readonly map: MapSpec; args: [] }
  /** The address of the map's first value plus a constant; a pointer into space "map". */
  | { readonly op: "mapValue"; readonly map: MapSpec; readonly offset: number; args: [] }
  /** The address of the map's value number args[0] (an i32, less than maxEntries); a pointer into space "map". */
  | { readonly op: "mapBank"; readonly map: MapSpec; args: [Instruction] }
  | { readonly op: "functionReference"; readonly callee: IrFunction; args: [] }
  /** The address of a stack slot. */
  | { readonly op: "stackAddress"; readonly slot: StackSlot; args: [] }
  /** Both of the result's type. Shift counts too. */
  | { readonly op: "binary"; readonly operator: BinaryOperator; args: [Instruction, Instruction] }
  /** i32 → i64 with a zero or a signed upper half; i64 → i32; bool → i32. */
  | { readonly op: "zeroExtend" | "signExtend" | "truncate" | "boolToInt"; args: [Instruction] }
  /** Reverses the lowest `bits`/8 bytes; what lies above becomes zero. */
  | { readonly op: "byteSwap"; readonly bits: 16 | 32 | 64; args: [Instruction] }
  /** pointer + i64 (+ a constant); the second argument may be missing. Never pointer + negative variable. */
  | { readonly op: "pointerAdd"; readonly offset: number; args: [Instruction] | [Instruction, Instruction] }
  /** pointer - pointer of the same object, as i64. */
  | { readonly op: "pointerDifference"; args: [Instruction, Instruction] }
  /** type i32 (bits ≤ 32), i64 (64), or pointer (context's data and data_end: bits 32, the verifier makes them pointers). */
  | { readonly op: "load"; readonly bits: AccessBits; readonly offset: number; readonly space: Space; args: [Instruction] }
  /** args: pointer, value. */
  | { readonly op: "store"; readonly bits: AccessBits; readonly offset: number; readonly space: Space; args: [Instruction, Instruction] }
  /** args: pointer, value — compareExchange: pointer, expected, desired. Type void for add, or, and, xor. */
  | { readonly op: "atomic"; readonly operator: AtomicOperator; readonly bits: 32 | 64; readonly offset: number; args: Instruction[] }
  /** At most five arguments, in R1…R5; the result is R0. */
  | { readonly op: "callHelper"; readonly helper: Helper | { readonly helper: string; readonly id: number; readonly movesPacket: boolean }; args: Instruction[];
      /** Which stack slots it may read and write through its arguments. */
      readonly reads: readonly StackSlot[]; readonly writes: readonly StackSlot[];
      /** Neither changes memory nor depends on more than its arguments (and the time). */
      readonly pure?: boolean }
  | { readonly op: "callFunction"; readonly callee: IrFunction; args: Instruction[] }
  | { readonly op: "compare"; readonly predicate: Predicate; args: [Instruction, Instruction] }
  /** args[i] comes from block.predecessors[i]. Only at the head of a block. */
  | { readonly op: "phi"; args: Instruction[] };

export type Terminator =
  | { readonly op: "jump"; target: Block; readonly span: Span | undefined }
  | { readonly op: "branch"; condition: Instruction; ifTrue: Block; ifFalse: Block; readonly likely?: boolean; readonly span: Span | undefined }
  | { readonly op: "return"; value: Instruction | undefined; readonly span: Span | undefined };

export interface Block {
  readonly id: number;
  instructions: Instruction[];
  /** Undefined only while the block is being built. */
  terminator: Terminator | undefined;
  predecessors: Block[];
  /** Laid out after all others. */
  unlikely: boolean;
}

export interface StackSlot {
  readonly id: number;
  /** In bytes; the slot's address is a multiple of eight. */
  readonly size: number;
  readonly name: string;
}

export interface IrFunction {
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly type: IrType; /** BTF type. */ readonly kernelType: KernelTypeName }[];
  readonly returnType: IrType;
  readonly returnKernelType: KernelTypeName;
  /** blocks[0] is the entry and has no predecessors. */
  blocks: Block[];
  slots: StackSlot[];
  readonly span: Span | undefined;
}

/** How BTF names a parameter: an integer type of layout/numbers, a pointer to a struct, or a pointer to anything. */
export type KernelTypeName = { readonly integer: string } | { readonly pointerTo: string | undefined } | { readonly nothing: true };

export interface IrProgram {
  readonly name: string;
  readonly type: "xdp" | "tc" | "socket" | "syscall";
  /** functions[0] is the entry; the others are called by it or handed to helpers as callbacks. */
  readonly functions: IrFunction[];
}
