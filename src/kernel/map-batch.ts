// Many entries of a map in one system call, where the kernel has it for the map's type (hash 5.6, array 5.6, LPM 5.7,
// per-CPU array 5.13); one by one elsewhere.

import { EINVAL, ENOENT, ENOSPC, ENOTSUPP } from "./errno.js";
import type { BpfMap } from "./map.js";
import { BPF_ANY } from "./map.js";
import { BPF_MAP_DELETE_BATCH, BPF_MAP_LOOKUP_BATCH, BPF_MAP_UPDATE_BATCH, bpf, bpfError } from "./syscall.js";

/** 4096 entries keep one call near a millisecond: the process may have other things to do. */
const BATCH_ENTRIES = 4096;

export interface Batch {
  readonly count: number;
  /** `count` keys, one behind the other. */
  readonly keys: Uint8Array;
  /** `count` values of map.valueBytes. */
  readonly values: Uint8Array;
}

/** Copies of key and value of every entry. An entry that comes or goes meanwhile may be among them or not. */
export function* entries(map: BpfMap): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
  const { keySize } = map.spec;
  for (const { count, keys, values } of batches(map)) {
    for (let i = 0; i < count; i++) {
      yield [keys.subarray(i * keySize, (i + 1) * keySize), values.subarray(i * map.valueBytes, (i + 1) * map.valueBytes)];
    }
  }
}

/** All entries, some thousand at a time; the bytes are the caller's to keep. */
export function* batches(map: BpfMap, batchEntries = BATCH_ENTRIES): Generator<Batch> {
  // Where to go on: a bucket's number or a key, as the map's type has it.
  const position = new Uint8Array(Math.max(map.spec.keySize, 8));
  let size = Math.min(batchEntries, map.spec.maxEntries);
  for (let first = true; ;) {
    const keys = new Uint8Array(size * map.spec.keySize);
    const values = new Uint8Array(size * map.valueBytes);
    const { errno, attributes } = bpf(BPF_MAP_LOOKUP_BATCH, {
      mapFd: map.fd, keys, values, count: size, outBatch: position, ...(first ? {} : { inBatch: position }),
    });
    if (first && lacksBatches(errno)) return yield walk(map);
    if (errno === ENOSPC) {
      size *= 2; // Linux kernel/bpf/hashtab.c, __htab_map_lookup_and_delete_batch(): a whole bucket must fit.
      continue;
    }
    if (errno !== 0 && errno !== ENOENT) throw bpfError(BPF_MAP_LOOKUP_BATCH, errno, `read the entries of map "${map.name}"`);
    const { count } = attributes();
    if (count > 0) yield { count, keys, values };
    if (errno === ENOENT) return;
    first = false;
  }
}

/** `keys` and `values`: as many of each, one behind the other. */
export function updateBatch(map: BpfMap, keys: Uint8Array, values: Uint8Array, flags = BPF_ANY): void {
  const count = countOf(map, keys);
  if (values.length !== count * map.valueBytes) throw new RangeError(`map "${map.name}": ${count} keys with ${values.length} bytes of values`);
  if (count === 0) return;
  const { errno } = bpf(BPF_MAP_UPDATE_BATCH, { mapFd: map.fd, keys, values, count, elementFlags: BigInt(flags) });
  if (errno === 0) return;
  if (!lacksBatches(errno)) throw bpfError(BPF_MAP_UPDATE_BATCH, errno, `write ${count} entries of map "${map.name}"`);
  for (let i = 0; i < count; i++) map.update(keyAt(map, keys, i), values.subarray(i * map.valueBytes, (i + 1) * map.valueBytes), flags);
}

/** Keys that have no entry are passed over. Returns how many entries went. */
export function deleteBatch(map: BpfMap, keys: Uint8Array): number {
  const count = countOf(map, keys);
  let deleted = 0;
  for (let done = 0; done < count;) {
    const rest = keys.subarray(done * map.spec.keySize);
    const { errno, attributes } = bpf(BPF_MAP_DELETE_BATCH, { mapFd: map.fd, keys: rest, count: count - done });
    if (lacksBatches(errno)) return deleted + deleteEach(map, rest);
    if (errno !== 0 && errno !== ENOENT) throw bpfError(BPF_MAP_DELETE_BATCH, errno, `delete ${count} entries of map "${map.name}"`);
    // Linux kernel/bpf/syscall.c, generic_map_delete_batch() stops at the first key without an entry and counts those before.
    deleted += attributes().count;
    done += attributes().count + (errno === ENOENT ? 1 : 0);
  }
  return deleted;
}

function deleteEach(map: BpfMap, keys: Uint8Array): number {
  let deleted = 0;
  for (let i = 0; i < countOf(map, keys); i++) if (map.delete(keyAt(map, keys, i))) deleted++;
  return deleted;
}

/** ENOTSUPP: the map's type has none; EINVAL: nor does the kernel. */
const lacksBatches = (errno: number): boolean => errno === ENOTSUPP || errno === EINVAL;

function walk(map: BpfMap): Batch {
  const keys: Uint8Array[] = [];
  const values: Uint8Array[] = [];
  for (const key of map.keys()) {
    // A walk starts anew when the key it stands on is deleted: maxEntries is its bound.
    if (keys.length === map.spec.maxEntries) break;
    const value = map.lookup(key);
    if (value === undefined) continue;
    keys.push(key);
    values.push(value);
  }
  return { count: keys.length, keys: Buffer.concat(keys), values: Buffer.concat(values) };
}

function countOf(map: BpfMap, keys: Uint8Array): number {
  const count = keys.length / map.spec.keySize;
  if (!Number.isInteger(count)) throw new RangeError(`map "${map.name}": ${keys.length} bytes are no whole number of keys of ${map.spec.keySize}`);
  return count;
}

const keyAt = (map: BpfMap, keys: Uint8Array, index: number): Uint8Array => keys.subarray(index * map.spec.keySize, (index + 1) * map.spec.keySize);
