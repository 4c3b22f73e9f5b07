// The host's side of a struct: bytes to plain objects and back. Integers stand in the machine's byte order; a Be16 or
// Be32 keeps the packet's bytes (see numbers.ts), so be16(80) written here is port 80 on the wire.

import type { FieldType, StructType, Values } from "./struct.js";
import { fieldOf, sizeOf } from "./struct.js";

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Writes `values` into a new buffer of the struct's size; fields that are not given are zero. */
export function encode<S extends StructType<any, any>>(type: S, values: Partial<Values<S>> = {}): Uint8Array {
  const bytes = new Uint8Array(type.size);
  encodeInto(type, values, bytes, 0);
  return bytes;
}

/** Writes the given fields at `offset` of `bytes` and leaves all others as they are. */
export function encodeInto<S extends StructType<any, any>>(type: S, values: Partial<Values<S>>, bytes: Uint8Array, offset = 0): void {
  codecOf(type).write(values, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset);
}

/** Reads a struct at `offset` of `bytes`; throws RangeError when they are too short. */
export function decode<S extends StructType<any, any>>(type: S, bytes: Uint8Array, offset = 0): Values<S> {
  return codecOf(type).read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset) as Values<S>;
}

/** How a field is read and written. */
export interface FieldCodec {
  read(view: DataView, at: number): unknown;
  write(value: unknown, view: DataView, at: number): void;
}

interface PlacedCodec extends FieldCodec {
  readonly offset: number;
}

/** Of a struct; its fields' by name, each with its place. */
export interface StructCodec extends FieldCodec {
  readonly fields: ReadonlyMap<string, PlacedCodec>;
}

const codecs = new WeakMap<StructType<any, any>, StructCodec>();

/** Made once for each struct. */
export function codecOf(type: StructType<any, any>): StructCodec {
  let codec = codecs.get(type);
  if (codec === undefined) codecs.set(type, (codec = structCodec(type)));
  return codec;
}

function structCodec(type: StructType<any, any>): StructCodec {
  const fields = new Map(type.fields.map((field): [string, PlacedCodec] => [field.name, { offset: field.offset, ...fieldCodec(field.type) }]));
  const placed = [...fields];
  return {
    fields,
    read(view, at) {
      const values: Record<string, unknown> = {};
      for (const [name, { offset, read }] of placed) values[name] = read(view, at + offset);
      return values;
    },
    write(values, view, at) {
      for (const name in values as object) {
        const value = (values as Record<string, unknown>)[name];
        if (value === undefined) continue;
        const { offset, write } = fields.get(name) ?? fieldOf(type, name) as never;
        write(value, view, at + offset);
      }
    },
  };
}

function fieldCodec(type: FieldType): FieldCodec {
  if (type.kind === "struct") return codecOf(type);
  if (type.kind === "array") return arrayCodec(type.element as FieldType, type.length);
  const { bits, signed } = type;
  if (bits === 64) {
    return {
      read: signed ? (view, at) => view.getBigInt64(at, littleEndian) : (view, at) => view.getBigUint64(at, littleEndian),
      write: (value, view, at) => view.setBigUint64(at, BigInt.asUintN(64, BigInt(value as bigint)), littleEndian),
    };
  }
  if (bits === 32) {
    return {
      read: signed ? (view, at) => view.getInt32(at, littleEndian) : (view, at) => view.getUint32(at, littleEndian),
      write: (value, view, at) => view.setUint32(at, Number(value), littleEndian),
    };
  }
  if (bits === 16) return { read: (view, at) => view.getUint16(at, littleEndian), write: (value, view, at) => view.setUint16(at, Number(value), littleEndian) };
  return { read: (view, at) => view.getUint8(at), write: (value, view, at) => view.setUint8(at, Number(value)) };
}

function arrayCodec(element: FieldType, length: number): FieldCodec {
  const { read, write } = fieldCodec(element);
  const size = sizeOf(element);
  const isBytes = element.kind === "integer" && element.bits === 8;
  return {
    read: isBytes
      ? (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, length).slice()
      : (view, at) => Array.from({ length }, (_, i) => read(view, at + i * size)),
    write(value, view, at) {
      const elements = value as ArrayLike<unknown>;
      if (elements.length > length) throw new RangeError(`${elements.length} elements for an array of ${length}`);
      for (let i = 0; i < elements.length; i++) write(elements[i], view, at + i * size);
    },
  };
}
