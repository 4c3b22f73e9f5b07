// The types of kernel TypeScript, and the rules by which integers meet.

import type { IntegerType } from "#layout/numbers.js";
import { i32, i64, u16, u32, u64, u8 } from "#layout/numbers.js";
import type { FieldType, StructType } from "#layout/struct.js";
import type { IrType, KernelTypeName } from "./ir.js";

export type AnyStruct = StructType<any, any>;
export type Integer = Pick<IntegerType, "kind" | "typeName" | "bits" | "signed" | "bigEndian">;
export type Scalar = Integer | { readonly kind: "boolean" };
export type Type =
  | Scalar
  | { readonly kind: "view"; readonly struct: AnyStruct; readonly nullable: boolean }
  | { readonly kind: "array"; readonly element: FieldType }
  | { readonly kind: "packet" }
  /** A map as a callback's parameter. */
  | { readonly kind: "map" }
  /** Something in memory of which nothing else is known. */
  | { readonly kind: "object" }
  | { readonly kind: "nothing" }
  /** `number` and `bigint` themselves: no width of their own; only casts may name them. */
  | { readonly kind: "number"; readonly big: boolean };

export const boolean = { kind: "boolean" } as const;
export const nothing = { kind: "nothing" } as const;

export const isInteger = (type: Type | FieldType): type is Integer => type.kind === "integer";
export const isScalar = (type: Type): type is Scalar => type.kind === "integer" || type.kind === "boolean";
export const isBig = (type: Integer): boolean => type.bits === 64;

const plainTypes: readonly Integer[] = [u8, u16, u32, u64, i32, i64];
const plainNames = new Set(plainTypes.map(({ typeName }) => typeName));
/** An ordinary number, with which one may calculate: not in network byte order, not distinct(). */
export const isPlain = (type: Integer): boolean => plainNames.has(type.typeName);

/** The ordinary integer with the same bits. */
export function plainOf(type: Integer): Integer {
  return plainTypes.find(({ bits, signed }) => bits === type.bits && signed === type.signed)!;
}

export const sameInteger = (a: Integer, b: Integer): boolean => a.typeName === b.typeName && a.bits === b.bits;

export function sameLayout(a: FieldType, b: FieldType): boolean {
  if (a.kind === "integer") return b.kind === "integer" && sameInteger(a, b);
  if (a.kind === "array") return b.kind === "array" && a.length === b.length && sameLayout(a.element as FieldType, b.element as FieldType);
  return b.kind === "struct" && (a === b || (a.name === b.name && a.size === b.size));
}

/** A u8 or a u16 is a 32-bit value in the IR, a boolean 0 or 1. */
export function irTypeOf(type: Type): IrType {
  if (type.kind === "integer") return type.bits === 64 ? "i64" : "i32";
  if (type.kind === "boolean") return "bool";
  if (type.kind === "nothing") return "void";
  return "pointer";
}

/** The type of `let n = 5`, `5n`, `-5`. */
export const literalType = (value: bigint, big: boolean): Integer => (big ? (value < 0n ? i64 : u64) : value < 0n ? i32 : u32);

/** The type of left + right and the like: wide enough to be cut only where it is stored. */
export function arithmeticType(left: Integer, right: Integer): Integer {
  if (isBig(left)) return left.signed || right.signed ? i64 : u64;
  return left.signed || right.signed ? i32 : u32;
}

export function kernelTypeOf(type: Type, contextName: string): KernelTypeName {
  switch (type.kind) {
    case "integer": return { integer: type.typeName };
    case "boolean": return { integer: "u32" };
    case "view": return { pointerTo: type.struct.name };
    case "packet": return { pointerTo: contextName };
    case "nothing": return { nothing: true };
    default: return { pointerTo: undefined };
  }
}

/** For messages about a field that is not there. */
export const fieldNames = (struct: AnyStruct): string => struct.fields.map(({ name }) => name).join(", ");

export function describe(type: Type | FieldType): string {
  switch (type.kind) {
    case "integer": return type.typeName;
    case "view": return type.nullable ? `View<${type.struct.name}> | null` : `View<${type.struct.name}>`;
    case "struct": return `View<${type.name}>`;
    case "array": return `array of ${"length" in type ? `${type.length} ` : ""}${describe(type.element as FieldType)}`;
    case "packet": return "Packet";
    case "map": return "MapSpec";
    case "number": return type.big ? "bigint" : "number";
    default: return type.kind;
  }
}
