// BPF_MAP_TYPE_ARRAY and PERCPU_ARRAY: all values exist from the start, keys are indices. Linux kernel/bpf/arraymap.c.

import type { MapSpec } from "../spec.js";
import { E2BIG, EEXIST, EINVAL } from "./errors.js";
import type { ValueRegion } from "./emulated-map.js";
import { BPF_EXIST, BPF_NOEXIST, EmulatedMap, strideOf } from "./emulated-map.js";

export class ArrayMap extends EmulatedMap {
  readonly #cpus: number;
  readonly #stride: number;
  /** Index by index, of each all CPUs' values. */
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #regions: ValueRegion[] = [];

  constructor(spec: MapSpec, cpus: number) {
    super(spec);
    this.#cpus = cpus;
    this.#stride = strideOf(spec);
    this.#bytes = new Uint8Array(this.#stride * cpus * spec.maxEntries);
    this.#view = new DataView(this.#bytes.buffer);
  }

  override get bytes(): Uint8Array {
    return this.#bytes;
  }

  override find(key: Uint8Array, cpu: number): ValueRegion | undefined {
    const index = indexOf(key);
    return index < this.spec.maxEntries ? this.valueAt(index, cpu) : undefined;
  }

  valueAt(index: number, cpu: number): ValueRegion {
    const place = index * this.#cpus + (this.#cpus > 1 ? cpu : 0);
    return (this.#regions[place] ??= {
      name: `value ${index} of map ${this.spec.name}`, view: this.#view, base: place * this.#stride, size: this.spec.valueSize,
      writable: true, id: 0, map: this, key: indexKey(index),
    });
  }

  override put(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): number {
    const refused = this.#refusal(key, flags);
    if (refused !== 0) return refused;
    this.#bytes.set(value, this.valueAt(indexOf(key), cpu).base);
    return 0;
  }

  override remove(): number {
    return -EINVAL;
  }

  override *entries(): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
    for (let index = 0; index < this.spec.maxEntries; index++) {
      const key = indexKey(index);
      yield [key, this.valueOf(key)!];
    }
  }

  protected override get hostValueSize(): number {
    return this.#cpus === 1 ? this.spec.valueSize : this.#stride * this.#cpus;
  }

  protected override valueOf(key: Uint8Array): Uint8Array | undefined {
    const index = indexOf(key);
    if (index >= this.spec.maxEntries) return undefined;
    const start = index * this.#stride * this.#cpus;
    return this.#bytes.slice(start, start + this.hostValueSize);
  }

  protected override set(key: Uint8Array, value: Uint8Array, flags: number): number {
    const refused = this.#refusal(key, flags);
    if (refused === 0) this.#bytes.set(value, indexOf(key) * this.#stride * this.#cpus);
    return refused;
  }

  #refusal(key: Uint8Array, flags: number): number {
    if (flags > BPF_EXIST) return -EINVAL;
    if (indexOf(key) >= this.spec.maxEntries) return -E2BIG;
    return flags === BPF_NOEXIST ? -EEXIST : 0;
  }
}

export const indexOf = (key: Uint8Array): number => (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) >>> 0;

export const indexKey = (index: number): Uint8Array => Uint8Array.of(index, index >>> 8, index >>> 16, index >>> 24);
