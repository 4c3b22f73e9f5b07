// What an expression is while it is lowered: a value in the program, something that is known when compiling, or a place
// in memory.

import type { FieldType } from "#layout/struct.js";
import type { Instruction, Space } from "../ir.js";
import type { ModuleFunction } from "../module.js";
import type { AnyStruct, Scalar } from "../types.js";
import { describe } from "../types.js";
import type { LocalStruct } from "./local-struct.js";

export type Operand =
  | ScalarOperand
  | LiteralOperand
  | ViewOperand
  | ArrayOperand
  | { readonly kind: "null" }
  | { readonly kind: "packet"; readonly pointer: Instruction }
  /** A pointer to something of which only that is known: a callback's map, key or object. */
  | { readonly kind: "pointer"; readonly type: "map" | "object"; readonly pointer: Instruction }
  /** A value of the live module with a meaning of its own: a struct, a map, a helper, an intrinsic, an integer type. */
  | { readonly kind: "live"; readonly value: unknown }
  | { readonly kind: "function"; readonly function: ModuleFunction }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "nothing" };

export interface ScalarOperand {
  readonly kind: "scalar";
  readonly type: Scalar;
  readonly value: Instruction;
}

/** A number whose type is the other side's. */
export interface LiteralOperand {
  readonly kind: "literal";
  readonly value: bigint;
  /** Written as a bigint. */
  readonly big: boolean;
  /** From the live module: TypeScript has checked its type, which is not visible here. */
  readonly live: boolean;
}

export interface ViewOperand {
  readonly kind: "view";
  readonly place: Place<AnyStruct>;
  /** Undefined: it is certainly not null. */
  readonly nullTest: NullTest | undefined;
}

export interface ArrayOperand {
  readonly kind: "array";
  readonly place: Place<Extract<FieldType, { kind: "array" }>>;
}

/**
 * How a view is found to be null. Its identity is the key of the fact "not null" (see flow.ts).
 *
 * A packet's view is null when its end lies beyond data_end; the pointer itself is never compared with null. Where such a
 * view meets another one, or null, at a join, the outcome of the test becomes a flag beside the pointer. The verifier
 * accepts either shape without help from the optimiser: eBPF compares only by branching, so on every path that it walks
 * the flag is a known constant, and where the flag is 1 the pointer has passed its test.
 */
export type NullTest =
  | { readonly kind: "bounds"; readonly end: Instruction; readonly dataEnd: Instruction }
  | { readonly kind: "pointer"; readonly pointer: Instruction }
  | { readonly kind: "flag"; readonly present: Instruction };

/** `offset` bytes into a base. */
export interface Place<T extends FieldType = FieldType> {
  readonly type: T;
  readonly base: Memory | LocalStruct;
  readonly offset: number;
}

export interface Memory {
  readonly kind: "memory";
  readonly pointer: Instruction;
  readonly space: Space;
  /** Of a view of the packet: helpers that had moved it by then (see flow.ts), and its place in the order of all views. */
  readonly epoch: number | undefined;
  readonly born: number;
  /** The place is an element, at a variable index, of an array of this struct. */
  readonly elementOf?: LocalStruct;
  /** That array lives in variables otherwise: they are read again after a write. */
  readonly inVariables?: boolean;
}

export function describeOperand(operand: Operand): string {
  switch (operand.kind) {
    case "scalar": return describe(operand.type);
    case "literal": return operand.big ? `the bigint ${operand.value}n` : `the number ${operand.value}`;
    case "view": return describe({ kind: "view", struct: operand.place.type, nullable: operand.nullTest !== undefined });
    case "array": return describe(operand.place.type);
    case "packet": return "the packet";
    case "pointer": return operand.type === "map" ? "a map" : "an object";
    case "live": return "a value of the module";
    case "function": return `the function ${operand.function.name}`;
    case "string": return "a string";
    case "null": return "null";
    case "nothing": return "nothing";
  }
}
