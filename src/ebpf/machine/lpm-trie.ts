// BPF_MAP_TYPE_LPM_TRIE: the longest prefix that matches. A key is a prefix length in bits (u32) and an address. Linux
// kernel/bpf/lpm_trie.c. Here a Map of prefixes for each length, tried from the longest to the shortest.

import type { MapSpec } from "../spec.js";
import { indexKey, indexOf } from "./array-map.js";
import { EEXIST, EINVAL, ENOENT, ENOSPC } from "./errors.js";
import type { ValueRegion } from "./emulated-map.js";
import { BPF_EXIST, BPF_NOEXIST, EmulatedMap, keyText } from "./emulated-map.js";
import { createRegion } from "./memory.js";

const LENGTH_BYTES = 4;

export class LpmTrie extends EmulatedMap {
  readonly #bitsMax: number;
  readonly #byLength: Map<string, ValueRegion>[];
  #count = 0;

  constructor(spec: MapSpec) {
    super(spec);
    this.#bitsMax = (spec.keySize - LENGTH_BYTES) * 8;
    this.#byLength = Array.from({ length: this.#bitsMax + 1 }, () => new Map<string, ValueRegion>());
  }

  override find(key: Uint8Array): ValueRegion | undefined {
    for (let length = Math.min(indexOf(key), this.#bitsMax); length >= 0; length--) {
      const prefixes = this.#byLength[length]!;
      const found = prefixes.size > 0 ? prefixes.get(prefixText(key, length)) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  override put(key: Uint8Array, value: Uint8Array, flags: number): number {
    const length = indexOf(key);
    if (flags > BPF_EXIST || length > this.#bitsMax) return -EINVAL;
    const prefixes = this.#byLength[length]!;
    const text = prefixText(key, length);
    const exists = prefixes.has(text);
    if (exists && flags === BPF_NOEXIST) return -EEXIST;
    if (!exists && flags === BPF_EXIST) return -ENOENT;
    if (!exists && this.#count >= this.spec.maxEntries) return -ENOSPC;
    if (!exists) this.#count++;
    const region = createRegion(`a value of map ${this.spec.name}`, value.slice());
    prefixes.set(text, Object.assign(region, { map: this, key: key.slice() }));
    return 0;
  }

  override remove(key: Uint8Array): number {
    const length = indexOf(key);
    if (length > this.#bitsMax) return -EINVAL;
    if (!this.#byLength[length]!.delete(prefixText(key, length))) return -ENOENT;
    this.#count--;
    return 0;
  }

  override *entries(): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
    for (const prefixes of this.#byLength) {
      for (const region of prefixes.values()) yield [region.key.slice(), bytesOf(region)];
    }
  }

  protected override valueOf(key: Uint8Array): Uint8Array | undefined {
    const region = this.find(key);
    return region === undefined ? undefined : bytesOf(region);
  }

  protected override set(key: Uint8Array, value: Uint8Array, flags: number): number {
    return this.put(key, value, flags);
  }
}

const bytesOf = (region: ValueRegion): Uint8Array => new Uint8Array(region.view.buffer, region.view.byteOffset, region.size).slice();

/** The first `length` bits of the key's address; the other bits are zero. */
function prefixText(key: Uint8Array, length: number): string {
  const prefix = key.slice();
  prefix.set(indexKey(length));
  for (let i = LENGTH_BYTES; i < prefix.length; i++) {
    const bits = Math.min(8, Math.max(0, length - (i - LENGTH_BYTES) * 8));
    prefix[i]! &= 0xff00 >> bits;
  }
  return keyText(prefix);
}
