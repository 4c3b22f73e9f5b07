// A schema is written once: struct({...}) gives the TypeScript type of a view, the kernel's offsets, the host's codec
// (codec.ts) and the BTF (ebpf/btf.ts).
//
//   export const UdpHeader = struct("UdpHeader", { source: Be16, destination: Be16, length: Be16, checksum: Be16 });
//   export type UdpHeader = View<typeof UdpHeader>;
//
// Layout is C's: every field at a multiple of its alignment, the size a multiple of the largest. Packet headers whose
// fields C would pad are declared { packed: true }.

import type { IntegerType } from "./numbers.js";

export declare const structName: unique symbol;

export interface ArrayType<Element extends FieldType = FieldType, Length extends number = number> {
  readonly kind: "array";
  readonly element: Element;
  readonly length: Length;
}

export interface StructType<Name extends string = string, Fields extends FieldTypes = FieldTypes> {
  readonly kind: "struct";
  readonly name: Name;
  /** As declared: name to type. */
  readonly types: Fields;
  /** In order of declaration, with offsets and sizes in bytes. */
  readonly fields: readonly Field[];
  /** In bytes, padding included. */
  readonly size: number;
  readonly alignment: number;
}

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly offset: number;
  readonly size: number;
}

export type FieldType = IntegerType<any, any> | ArrayType<any, any> | StructType<any, any>;
export type FieldTypes = { readonly [name: string]: FieldType };

/** What kernel TypeScript sees of a struct in a packet, a map or on the stack: its fields, readable and writable. */
export type View<S> = S extends StructType<infer Name, infer Fields>
  ? { -readonly [K in keyof Fields]: FieldView<Fields[K]> } & { readonly [structName]: Name }
  : never;
export interface ArrayView<Element> {
  [index: number]: Element;
}
export type FieldView<T> = T extends IntegerType<infer V, any> ? V
  : T extends ArrayType<infer E, any> ? ArrayView<FieldView<E>>
  : T extends StructType<any, any> ? View<T>
  : never;

/** What the host's codec reads and writes: plain objects; arrays of u8 as bytes, other arrays as arrays. */
export type Values<S> = S extends StructType<any, infer Fields> ? { [K in keyof Fields]: FieldValues<Fields[K]> } : never;
export type FieldValues<T> = T extends IntegerType<infer V, any> ? V
  : T extends ArrayType<infer E, any> ? (E extends { readonly typeName: "u8" } ? Uint8Array | readonly number[] : readonly FieldValues<E>[])
  : T extends StructType<any, any> ? Values<T>
  : never;

export function array<Element extends FieldType, Length extends number>(element: Element, length: Length): ArrayType<Element, Length> {
  return { kind: "array", element, length };
}

export function struct<const Name extends string, Fields extends FieldTypes>(
  name: Name,
  types: Fields,
  options: { readonly packed?: boolean; readonly size?: number } = {},
): StructType<Name, Fields> {
  let offset = 0;
  let alignment = 1;
  const fields: Field[] = [];
  for (const [fieldName, type] of Object.entries(types)) {
    const align = options.packed ? 1 : alignmentOf(type);
    alignment = Math.max(alignment, align);
    offset = roundUp(offset, align);
    fields.push({ name: fieldName, type, offset, size: sizeOf(type) });
    offset += sizeOf(type);
  }
  const size = roundUp(offset, alignment);
  if (options.size !== undefined && options.size !== size) {
    throw new RangeError(`struct ${name} has ${size} bytes, but its declaration says ${options.size}`);
  }
  return Object.freeze({ kind: "struct", name, types, fields: Object.freeze(fields), size, alignment } as const);
}

/** Size in bytes of a field of this type. */
export function sizeOf(type: FieldType): number {
  if (type.kind === "integer") return type.bits / 8;
  if (type.kind === "array") return sizeOf(type.element as FieldType) * type.length;
  return type.size;
}

export function alignmentOf(type: FieldType): number {
  if (type.kind === "integer") return type.bits / 8;
  if (type.kind === "array") return alignmentOf(type.element as FieldType);
  return type.alignment;
}

/** The field of that name; throws RangeError when there is none. */
export function fieldOf(type: StructType<any, any>, name: string): Field {
  const field = type.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new RangeError(`struct ${type.name} has no field ${name}`);
  return field;
}

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;
