// Plain data that describes maps and programs without a kernel, as it goes from the compiler to kernel/ (which makes
// the real ones) or to machine.ts (which emulates them). It survives JSON, but for the byte arrays (see program.ts).

import type { FieldType } from "#layout/struct.js";

/** Linux include/uapi/linux/bpf.h, enum bpf_map_type. */
export const MapType = {
  HASH: 1, ARRAY: 2, PROG_ARRAY: 3, PERCPU_HASH: 5, PERCPU_ARRAY: 6, LRU_HASH: 9, LPM_TRIE: 11, ARRAY_OF_MAPS: 12,
  DEVMAP: 14, RINGBUF: 27,
} as const;
export type MapType = (typeof MapType)[keyof typeof MapType];

export const MapFlag = { NO_PREALLOC: 1 << 0, RDONLY_PROG: 1 << 7, MMAPABLE: 1 << 10 } as const;

export interface MapSpec {
  readonly kind: "map";
  readonly name: string;
  readonly type: MapType;
  /** In bytes. */
  readonly keySize: number;
  /** In bytes; of a table (see prelude/maps.ts) all entries of a bank together. */
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly key?: FieldType;
  readonly value?: FieldType;
  /** The map's values, one after the other, are an array of `tableEntries` of `value`. One value is addressed without a look-up; several are banks. */
  readonly tableEntries?: number;
  /** The value holds a bpf_timer or bpf_spin_lock: the kernel wants the value's BTF. */
  readonly needsBtf?: boolean;
}

export type ProgramType = "xdp" | "tc" | "socket" | "syscall";

/** Where the loader puts a map's file descriptor: instruction `at` is the first half of a 64-bit load. */
export interface Relocation {
  readonly at: number;
  readonly map: string;
  /** "map": the map itself; "value": the address of its first value plus `offset` bytes. */
  readonly kind: "map" | "value";
  readonly offset: number;
}

/** One record of func_info: the function that starts at instruction `at` has BTF type `typeId`. */
export interface FunctionInfo {
  readonly at: number;
  readonly typeId: number;
  readonly name: string;
}

/** One record of line_info; file and line text are offsets into the BTF's strings. Columns and lines count from 1. */
export interface LineInfo {
  readonly at: number;
  readonly fileOffset: number;
  readonly lineOffset: number;
  readonly line: number;
  readonly column: number;
}

export interface ProgramSpec {
  readonly name: string;
  readonly type: ProgramType;
  readonly license: string;
  /** Eight bytes an instruction. Calls between functions and function addresses are resolved; maps are not. */
  readonly instructions: Uint8Array;
  readonly relocations: readonly Relocation[];
  readonly maps: readonly MapSpec[];
  readonly btf: Uint8Array;
  readonly functionInfo: readonly FunctionInfo[];
  readonly lineInfo: readonly LineInfo[];
  /** File names that lineInfo refers to, for messages of our own. */
  readonly files: readonly string[];
}
