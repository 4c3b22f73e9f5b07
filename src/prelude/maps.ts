// The maps of kernel TypeScript. A map is declared once, at the top of a module:
//
//   export const services = hashMap("services", ServiceKey, Service, 4096);
//   const service = services.lookup(key);            // View<typeof Service> | null
//
// The declaration is plain data (a MapSpec): the compiler turns its uses into instructions, control/ makes the map.

import type { u32, u64, i64 } from "#layout/numbers.js";
import type { FieldType, FieldView, StructType, View } from "#layout/struct.js";
import { sizeOf } from "#layout/struct.js";
import type { MapSpec } from "#ebpf/spec.js";
import { MapFlag, MapType } from "#ebpf/spec.js";

/** A map that is looked up by key. Keys and values are passed as views (a struct from make(), or one in a map). */
export interface KernelMap<K extends FieldType, V extends FieldType> extends MapSpec {
  readonly key: K;
  readonly value: V;
  /** The value in place, or null. */
  lookup(key: FieldView<K>): FieldView<V> | null;
  /** flags: BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2. Returns 0 or a negative errno. */
  update(key: FieldView<K>, value: FieldView<V>, flags: u64): i64;
  delete(key: FieldView<K>): i64;
}

/** A fixed array without misses: at(index) is an address, computed in line. `entries` is a power of two. */
export interface Table<S extends StructType<any, any>> extends MapSpec {
  readonly value: S;
  readonly tableEntries: number;
  /** Entry `index & (entries - 1)`. */
  at(index: u32): View<S>;
}

export interface RingBuffer extends MapSpec {
  /** Copies `value` into the ring; returns 0, or -EAGAIN when it is full. flags: BPF_RB_NO_WAKEUP 1. */
  output(value: object, flags: u64): i64;
}

/** An array of programs, for tail calls. */
export interface ProgramArray extends MapSpec {}

const inKernelOnly = {
  lookup: kernelOnly("lookup"), update: kernelOnly("update"), delete: kernelOnly("delete"),
  at: kernelOnly("at"), output: kernelOnly("output"),
};

function kernelOnly(method: string) {
  return function (this: MapSpec): never {
    throw new TypeError(`${this.name}.${method}() has a meaning in kernel TypeScript only; on the host use kernel/map`);
  };
}

function declare(spec: Omit<MapSpec, "kind">): MapSpec {
  return Object.freeze({ kind: "map", ...spec, ...inKernelOnly } as MapSpec);
}

const hash = (type: MapType) =>
  <K extends FieldType, V extends FieldType>(name: string, key: K, value: V, maxEntries: number, flags = 0): KernelMap<K, V> =>
    declare({ name, type, key, value, keySize: sizeOf(key), valueSize: sizeOf(value), maxEntries, flags }) as KernelMap<K, V>;

export const hashMap = hash(MapType.HASH);
export const lruHashMap = hash(MapType.LRU_HASH);
export const perCpuHashMap = hash(MapType.PERCPU_HASH);
/** Key: a struct whose first field is the prefix length in bits (u32), the address after it. */
export const lpmTrie = <K extends FieldType, V extends FieldType>(name: string, key: K, value: V, maxEntries: number): KernelMap<K, V> =>
  hash(MapType.LPM_TRIE)(name, key, value, maxEntries, MapFlag.NO_PREALLOC);

/** An array of the kernel's own; of a per-CPU one, lookup() gives this processor's value. */
export interface ArrayMap<V extends StructType<any, any>> extends MapSpec {
  readonly value: V;
  lookup(index: u32): View<V> | null;
}

const indexed = (type: MapType) =>
  <V extends StructType<any, any>>(name: string, value: V, maxEntries: number, options: { needsBtf?: boolean } = {}): ArrayMap<V> =>
    declare({ name, type, value, keySize: 4, valueSize: value.size, maxEntries, flags: 0, ...options }) as ArrayMap<V>;

export const arrayMap = indexed(MapType.ARRAY);
export const perCpuArrayMap = indexed(MapType.PERCPU_ARRAY);

/** What one value of a map may have, a bank: Linux v6.12 include/linux/bpf_verifier.h, BPF_MAX_VAR_OFF, limits an offset into it. */
export const BANK_BYTES_MAX = 2 ** 29;
/** What user space reads in place: Node.js 20 makes no longer Uint8Array. */
export const TABLE_BYTES_MAX = 2 ** 32;

/** `bankBytes`: a table that is larger is several values; tests make small ones. */
export function table<S extends StructType<any, any>>(name: string, value: S, entries: number, { bankBytes = BANK_BYTES_MAX } = {}): Table<S> {
  return declare({ name, type: MapType.ARRAY, value, keySize: 4, flags: MapFlag.MMAPABLE, ...tableShape(name, value.size, entries, bankBytes) }) as Table<S>;
}

/** The same table with another number of entries. */
export function resizeTable(spec: MapSpec, entries: number): MapSpec {
  return Object.freeze({ ...spec, ...tableShape(spec.name, sizeOf(spec.value!), entries, BANK_BYTES_MAX) });
}

/** One value as long as that is enough, then banks: as many entries in each as are a power of two. */
function tableShape(name: string, entryBytes: number, entries: number, bankBytes: number): Pick<MapSpec, "valueSize" | "maxEntries" | "tableEntries"> {
  if (!Number.isInteger(Math.log2(entries)) || entries * entryBytes > TABLE_BYTES_MAX) {
    throw new RangeError(`table ${name} cannot have ${entries} entries: ` +
      `a power of two is needed, and at most ${floorToPowerOfTwo(TABLE_BYTES_MAX / entryBytes)} of ${entryBytes} bytes`);
  }
  const bankEntries = Math.min(entries, floorToPowerOfTwo(bankBytes / entryBytes));
  return { valueSize: bankEntries * entryBytes, maxEntries: entries / bankEntries, tableEntries: entries };
}

const floorToPowerOfTwo = (value: number): number => 2 ** Math.floor(Math.log2(value));

/** `bytes`: a power of two, at least a page. */
export function ringBuffer(name: string, bytes: number): RingBuffer {
  return declare({ name, type: MapType.RINGBUF, keySize: 0, valueSize: 0, maxEntries: bytes, flags: 0 }) as RingBuffer;
}

export function programArray(name: string, maxEntries: number): ProgramArray {
  return declare({ name, type: MapType.PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries, flags: 0 });
}
