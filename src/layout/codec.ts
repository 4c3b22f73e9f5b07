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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const field = fieldOf(type, name);
    writeField(field.type, value, view, offset + field.offset);
  }
}

/** Reads a struct at `offset` of `bytes`; throws RangeError when they are too short. */
export function decode<S extends StructType<any, any>>(type: S, bytes: Uint8Array, offset = 0): Values<S> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readField(type, view, offset) as Values<S>;
}

function writeField(type: FieldType, value: unknown, view: DataView, at: number): void {
  if (type.kind === "struct") {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    encodeInto(type, value as Record<string, unknown>, bytes, at);
    return;
  }
  if (type.kind === "array") {
    const element = type.element as FieldType;
    const elements = value as ArrayLike<unknown>;
    if (elements.length > type.length) throw new RangeError(`${elements.length} elements for an array of ${type.length}`);
    for (let i = 0; i < elements.length; i++) writeField(element, elements[i], view, at + i * sizeOf(element));
    return;
  }
  if (type.bits === 64) view.setBigUint64(at, BigInt.asUintN(64, BigInt(value as bigint)), littleEndian);
  else if (type.bits === 32) view.setUint32(at, Number(value), littleEndian);
  else if (type.bits === 16) view.setUint16(at, Number(value), littleEndian);
  else view.setUint8(at, Number(value));
}

function readField(type: FieldType, view: DataView, at: number): unknown {
  if (type.kind === "struct") {
    return Object.fromEntries(type.fields.map((field) => [field.name, readField(field.type, view, at + field.offset)]));
  }
  if (type.kind === "array") {
    const element = type.element as FieldType;
    const size = sizeOf(element);
    const read = Array.from({ length: type.length }, (_, i) => readField(element, view, at + i * size));
    return element.kind === "integer" && element.bits === 8 ? Uint8Array.from(read as number[]) : read;
  }
  if (type.bits === 64) return type.signed ? view.getBigInt64(at, littleEndian) : view.getBigUint64(at, littleEndian);
  if (type.bits === 32) return type.signed ? view.getInt32(at, littleEndian) : view.getUint32(at, littleEndian);
  if (type.bits === 16) return view.getUint16(at, littleEndian);
  return view.getUint8(at);
}
