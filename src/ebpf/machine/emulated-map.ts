// What all emulated maps have in common: the host's access by bytes, the program's by regions.

import type { MapSpec } from "../spec.js";
import { EINVAL } from "./errors.js";
import type { Region } from "./memory.js";
import { createRegion } from "./memory.js";

/** Linux include/uapi/linux/bpf.h: flags of BPF_MAP_UPDATE_ELEM. */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;

/** A value that a program can point to; its timer's callback gets the key too. */
export interface ValueRegion extends Region {
  readonly map: EmulatedMap;
  readonly key: Uint8Array;
}

/** Methods give the kernel's results: 0, or a negative errno. */
export abstract class EmulatedMap {
  /** What a program's reference to the map points to: nothing that it could read. */
  readonly handle: Region & { readonly map: EmulatedMap };

  constructor(readonly spec: MapSpec) {
    this.handle = Object.assign(createRegion(`map ${spec.name} itself`, new Uint8Array()), { map: this as EmulatedMap });
  }

  // For programs.

  /** The value in place, as the given CPU sees it. */
  abstract find(key: Uint8Array, cpu: number): ValueRegion | undefined;
  abstract put(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): number;
  abstract remove(key: Uint8Array): number;

  // For the host: values of per-CPU maps are those of all CPUs, each rounded up to eight bytes, as bpf(2) gives them.

  /** A copy of the value. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#expectSize("key", key, this.spec.keySize);
    return this.valueOf(key);
  }

  update(key: Uint8Array, value: Uint8Array, flags = BPF_ANY): number {
    this.#expectSize("key", key, this.spec.keySize);
    this.#expectSize("value", value, this.hostValueSize);
    return this.set(key, value, flags);
  }

  delete(key: Uint8Array): number {
    this.#expectSize("key", key, this.spec.keySize);
    return this.remove(key);
  }

  abstract entries(): IterableIterator<[key: Uint8Array, value: Uint8Array]>;

  /** The memory of an array's values, in place; a table's entries stand one after the other in it. */
  get bytes(): Uint8Array {
    throw new RangeError(`Cannot read map ${this.spec.name} in place: it is no array; use lookup() or entries()`);
  }

  protected get hostValueSize(): number {
    return this.spec.valueSize;
  }
  protected abstract valueOf(key: Uint8Array): Uint8Array | undefined;
  protected abstract set(key: Uint8Array, value: Uint8Array, flags: number): number;

  #expectSize(what: string, bytes: Uint8Array, size: number): void {
    if (bytes.length === size) return;
    throw new RangeError(`Cannot use a ${what} of ${bytes.length} bytes with map ${this.spec.name}: its ${what}s have ${size}`);
  }
}

/** Maps that programs reach by helpers of their own only. */
export abstract class UnkeyedMap extends EmulatedMap {
  override find(): undefined {
    return undefined;
  }
  override put(): number {
    return -EINVAL;
  }
  override remove(_key: Uint8Array): number {
    return -EINVAL;
  }
  override *entries(): IterableIterator<[key: Uint8Array, value: Uint8Array]> {}
  protected override valueOf(_key: Uint8Array): Uint8Array | undefined {
    return undefined;
  }
  protected override set(_key: Uint8Array, _value: Uint8Array, _flags: number): number {
    return -EINVAL;
  }
}

/** Values of per-CPU maps stand this far apart. */
export const strideOf = (spec: MapSpec): number => Math.ceil(spec.valueSize / 8) * 8;

/** A key as a JavaScript value that compares by content. */
export const keyText = (key: Uint8Array): string => String.fromCharCode(...key);
export const keyBytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
