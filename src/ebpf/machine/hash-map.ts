// BPF_MAP_TYPE_HASH, PERCPU_HASH and LRU_HASH: Linux kernel/bpf/hashtab.c. The kernel's LRU only approximates the order
// of use; this one keeps it exactly, so the oldest entry is the one that goes.

import type { MapSpec } from "../spec.js";
import { MapType } from "../spec.js";
import { E2BIG, EEXIST, EINVAL, ENOENT } from "./errors.js";
import type { ValueRegion } from "./emulated-map.js";
import { BPF_EXIST, BPF_NOEXIST, EmulatedMap, keyBytes, keyText, strideOf } from "./emulated-map.js";

/** One entry: a region a CPU, all in one piece of memory. */
interface Entry {
  readonly bytes: Uint8Array;
  readonly regions: readonly ValueRegion[];
}

export class HashMap extends EmulatedMap {
  readonly #cpus: number;
  readonly #evicts: boolean;
  /** In the order of insertion or, of an LRU map, of use. */
  readonly #entries = new Map<string, Entry>();

  constructor(spec: MapSpec, cpus: number) {
    super(spec);
    this.#cpus = cpus;
    this.#evicts = spec.type === MapType.LRU_HASH;
  }

  override find(key: Uint8Array, cpu: number): ValueRegion | undefined {
    const text = keyText(key);
    const entry = this.#entries.get(text);
    if (entry === undefined) return undefined;
    if (this.#evicts) this.#use(text, entry);
    return entry.regions[this.#cpus > 1 ? cpu : 0];
  }

  override put(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): number {
    if (this.#cpus === 1) return this.set(key, value, flags);
    const text = keyText(key);
    const refused = this.#refusal(text, flags);
    if (refused !== 0) return refused;
    const entry = this.#entries.get(text) ?? this.#createEntry(key);
    entry.bytes.set(value, entry.regions[cpu]!.base);
    this.#entries.set(text, entry);
    return 0;
  }

  override remove(key: Uint8Array): number {
    return this.#entries.delete(keyText(key)) ? 0 : -ENOENT;
  }

  override *entries(): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
    for (const [text, entry] of this.#entries) yield [keyBytes(text), entry.bytes.slice()];
  }

  protected override get hostValueSize(): number {
    return this.#cpus === 1 ? this.spec.valueSize : strideOf(this.spec) * this.#cpus;
  }

  protected override valueOf(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(keyText(key))?.bytes.slice();
  }

  /** As in the kernel, a new value is new memory: who points to the old one keeps it, and its timer is gone. */
  protected override set(key: Uint8Array, value: Uint8Array, flags: number): number {
    const text = keyText(key);
    const refused = this.#refusal(text, flags);
    if (refused !== 0) return refused;
    if (this.#evicts && !this.#entries.has(text) && this.#isFull()) this.#entries.delete(this.#entries.keys().next().value!);
    const entry = this.#createEntry(key);
    entry.bytes.set(value);
    this.#use(text, entry);
    return 0;
  }

  #refusal(text: string, flags: number): number {
    const exists = this.#entries.has(text);
    if (flags > BPF_EXIST) return -EINVAL;
    if (flags === BPF_NOEXIST && exists) return -EEXIST;
    if (flags === BPF_EXIST && !exists) return -ENOENT;
    return !exists && this.#isFull() && !this.#evicts ? -E2BIG : 0;
  }

  #isFull(): boolean {
    return this.#entries.size >= this.spec.maxEntries;
  }

  #use(text: string, entry: Entry): void {
    if (this.#evicts) this.#entries.delete(text);
    this.#entries.set(text, entry);
  }

  #createEntry(key: Uint8Array): Entry {
    const bytes = new Uint8Array(this.hostValueSize);
    const view = new DataView(bytes.buffer);
    const ownKey = key.slice();
    const regions = Array.from({ length: this.#cpus }, (_, cpu): ValueRegion => ({
      name: `a value of map ${this.spec.name}`, view, base: cpu * strideOf(this.spec), size: this.spec.valueSize,
      writable: true, id: 0, map: this, key: ownKey,
    }));
    return { bytes, regions };
  }
}
