// A table() of the store as rows: entry i read and written by its struct's fields, in place.

import type { StructCodec } from "#layout/codec.js";
import { codecOf } from "#layout/codec.js";
import type { Field, StructType, Values } from "#layout/struct.js";
import { fieldOf } from "#layout/struct.js";
import type { Table } from "#prelude/maps.js";
import { invariant } from "#kernel/errors.js";
import type { Store } from "./store.js";

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export class Rows<S extends StructType<any, any>> {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #codec: StructCodec;
  readonly #fields = new Map<string, Field>();
  readonly length: number;
  #words: Uint32Array | undefined;

  constructor(store: Store, readonly map: Table<S>) {
    this.#bytes = store.table(map);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    this.#codec = codecOf(map.value);
    this.length = this.#bytes.length / map.value.size;
  }

  read(index: number): Values<S> {
    return this.#codec.read(this.#view, this.#offset(index)) as Values<S>;
  }

  /** Some of its fields: the others cost nothing. */
  pick<Name extends keyof Values<S> & string>(index: number, ...names: readonly Name[]): Pick<Values<S>, Name> {
    const at = this.#offset(index);
    const values: Record<string, unknown> = {};
    for (const name of names) {
      const { offset, read } = this.#codec.fields.get(name)!;
      values[name] = read(this.#view, at + offset);
    }
    return values as Pick<Values<S>, Name>;
  }

  /** Writes the given fields and leaves the others, which packets may be changing. */
  write(index: number, values: Partial<Values<S>>): void {
    this.#codec.write(values, this.#view, this.#offset(index));
  }

  clear(index: number): void {
    const offset = this.#offset(index);
    this.#bytes.fill(0, offset, offset + this.map.value.size);
  }

  /** One integer field of at most 32 bits, without decoding the rest. */
  number(index: number, field: string): number {
    const { offset, size } = this.#field(field);
    const at = this.#offset(index) + offset;
    return size === 4 ? this.#view.getUint32(at, LITTLE_ENDIAN) : size === 2 ? this.#view.getUint16(at, LITTLE_ENDIAN) : this.#view.getUint8(at);
  }

  /** Writes one field of 32 bits, aligned as every field is, after all that this process wrote before: who reads it sees that too. */
  publish(index: number, field: string, value: number): void {
    const { offset, size } = this.#field(field);
    invariant(size === 4, "what is published is one word");
    this.#words ??= new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength >>> 2);
    Atomics.store(this.#words, (this.#offset(index) + offset) >>> 2, value);
  }

  /** One 64-bit field. */
  bigint(index: number, field: string): bigint {
    return this.#view.getBigUint64(this.#offset(index) + this.#field(field).offset, LITTLE_ENDIAN);
  }

  /** The entries of which a one-byte field has one of these bits and none of those, by a walk over that byte alone. */
  indicesWith(field: string, bits: number, without = 0): number[] {
    const found: number[] = [];
    this.#walk(field, bits, (index, byte) => {
      if ((byte & without) === 0) found.push(index);
      return false;
    });
    return found;
  }

  /** Whether there is an entry of which that field has one of these bits, and which agrees; no further than to the first. */
  someWith(field: string, bits: number, agrees: (index: number) => boolean): boolean {
    return this.#walk(field, bits, agrees);
  }

  /** Until `visit` says that it is enough. */
  #walk(field: string, bits: number, visit: (index: number, byte: number) => boolean): boolean {
    const { offset } = this.#field(field);
    const { size } = this.map.value;
    for (let index = 0, at = offset; index < this.length; index++, at += size) {
      const byte = this.#bytes[at]!;
      if ((byte & bits) !== 0 && visit(index, byte)) return true;
    }
    return false;
  }

  #field(name: string): Field {
    let field = this.#fields.get(name);
    if (field === undefined) this.#fields.set(name, (field = fieldOf(this.map.value, name)));
    return field;
  }

  #offset(index: number): number {
    if (index < 0 || index >= this.length) throw new RangeError(`table ${this.map.name} has ${this.length} entries; there is no ${index}`);
    return index * this.map.value.size;
  }
}
