// A map of the kernel: made from a MapSpec (ebpf/spec.ts) or found where it is pinned. Keys and values are bytes here;
// layout/codec gives them names.

import { closeSync, readFileSync, readlinkSync } from "node:fs";
import { btfForMap } from "#ebpf/btf.js";
import { MapFlag, MapType, type MapSpec } from "#ebpf/spec.js";
import { u8, u32, u64 } from "#layout/numbers.js";
import { array, struct, type Values } from "#layout/struct.js";
import { E2BIG, EBUSY, EEXIST, EINVAL, ENOENT, ENOSPC } from "./errno.js";
import { KernelError, type Meanings } from "./errors.js";
import { ElementCall } from "./_element-call.js";
import { MappedMemory } from "./memory.js";
import { loadBtf } from "./btf-load.js";
import {
  BPF_MAP_CREATE, BPF_MAP_DELETE_ELEM, BPF_MAP_FREEZE, BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_OBJ_GET,
  BPF_OBJ_PIN, bpfError, bpfOrThrow, cString, fromCString, objectInfo, objectName, type Command,
} from "./syscall.js";

/** Flags of update(). */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;

/** Linux include/uapi/linux/bpf.h, struct bpf_map_info. */
const MapInfo = struct("bpf_map_info", {
  type: u32, id: u32, keySize: u32, valueSize: u32, maxEntries: u32, flags: u32, name: array(u8, 16), ifindex: u32, vmlinuxValueTypeId: u32,
  netnsDevice: u64, netnsInode: u64, btfId: u32, btfKeyTypeId: u32, btfValueTypeId: u32,
});
type MapInfo = Values<typeof MapInfo>;

export interface CreateOptions {
  /** ARRAY_OF_MAPS: a map of the shape that all its entries have. */
  readonly inner?: BpfMap;
}

export class BpfMap {
  /** Of one value: a per-CPU map holds one for each CPU that may ever be. */
  readonly valueBytes: number;
  readonly #element: ElementCall;

  private constructor(readonly fd: number, readonly spec: MapSpec) {
    this.valueBytes = isPerCpu(spec.type) ? roundUp(spec.valueSize, 8) * possibleCpus() : spec.valueSize;
    this.#element = new ElementCall(fd, spec.keySize, this.valueBytes);
  }

  static create(spec: MapSpec, options: CreateOptions = {}): BpfMap {
    const attempted = `create map "${spec.name}"`;
    const btf = spec.needsBtf ? btfForMap(spec) : undefined;
    const btfFd = btf === undefined ? undefined : loadBtf(btf.btf, attempted);
    try {
      const fd = bpfOrThrow(BPF_MAP_CREATE, {
        mapType: spec.type, keySize: spec.keySize, valueSize: spec.valueSize, maxEntries: spec.maxEntries, mapFlags: spec.flags,
        name: objectName(spec.name),
        ...(options.inner === undefined ? {} : { innerMapFd: options.inner.fd }),
        ...(btf === undefined ? {} : { btfFd: btfFd!, btfKeyTypeId: btf.keyTypeId, btfValueTypeId: btf.valueTypeId }),
      }, attempted, createMeanings(spec));
      return new BpfMap(fd, spec);
    } finally {
      if (btfFd !== undefined) closeSync(btfFd);
    }
  }

  /** The map pinned at `path`; WRONG_SHAPE when it is not one that `spec` could have made. */
  static open(path: string, spec: MapSpec): BpfMap {
    const attempted = `open map "${spec.name}" pinned at ${path}`;
    const fd = bpfOrThrow(BPF_OBJ_GET, { path: cString(path) }, attempted);
    try {
      expectShape(fd, spec, attempted);
      return new BpfMap(fd, spec);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  get name(): string {
    return this.spec.name;
  }

  info(): MapInfo & { readonly nameText: string } {
    const info = objectInfo(this.fd, MapInfo, `read the kernel's description of map "${this.name}"`);
    return { ...info, nameText: fromCString(info.name) };
  }

  /** A copy of the value, or undefined. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    const value = new Uint8Array(this.valueBytes);
    return this.lookupInto(key, value) ? value : undefined;
  }

  /** Copies the value into `value`; false when there is none. */
  lookupInto(key: Uint8Array, value: Uint8Array): boolean {
    this.#expectLength("key", key, this.spec.keySize);
    this.#expectLength("value", value, this.valueBytes);
    return this.#succeeded(this.#element.lookup(key, value), BPF_MAP_LOOKUP_ELEM, "look up an entry of");
  }

  update(key: Uint8Array, value: Uint8Array, flags: number = BPF_ANY): void {
    this.#expectLength("key", key, this.spec.keySize);
    this.#expectLength("value", value, this.valueBytes);
    const failure = this.#element.update(key, value, flags);
    if (failure !== 0) throw this.#failed(failure, BPF_MAP_UPDATE_ELEM, "update");
  }

  /** Puts a program into a PROG_ARRAY, or a map into an ARRAY_OF_MAPS; programs that run meanwhile see one or the other. */
  putObject(index: number, object: { readonly fd: number }): void {
    this.update(new Uint8Array(Uint32Array.of(index).buffer), new Uint8Array(Uint32Array.of(object.fd).buffer));
  }

  /** False when there was no such entry. */
  delete(key: Uint8Array): boolean {
    this.#expectLength("key", key, this.spec.keySize);
    return this.#succeeded(this.#element.delete(key), BPF_MAP_DELETE_ELEM, "delete from");
  }

  /** One value a CPU, in the order of their numbers. */
  lookupPerCpu(key: Uint8Array): Uint8Array[] | undefined {
    const all = this.lookup(key);
    if (all === undefined) return undefined;
    const stride = roundUp(this.spec.valueSize, 8);
    return Array.from({ length: possibleCpus() }, (_, cpu) => all.subarray(cpu * stride, cpu * stride + this.spec.valueSize));
  }

  /** The key after `key` (undefined: the first), or undefined after the last. */
  nextKey(key: Uint8Array | undefined): Uint8Array | undefined {
    const next = new Uint8Array(this.spec.keySize);
    return this.#succeeded(this.#element.nextKey(key, next), BPF_MAP_GET_NEXT_KEY, "walk") ? next : undefined;
  }

  *keys(): Generator<Uint8Array> {
    for (let key = this.nextKey(undefined); key !== undefined; key = this.nextKey(key)) yield key;
  }

  /** From now on programs and processes only read it (PROG_ARRAY and the like cannot be frozen). */
  freeze(): void {
    bpfOrThrow(BPF_MAP_FREEZE, { mapFd: this.fd }, `freeze map "${this.name}"`, {
      [EBUSY]: { code: "BUSY", found: "somebody has it mapped for writing or is writing it", remedy: "close() that memory first" },
    });
  }

  /** The values of an ARRAY made with MMAPABLE (every table() is), in place. Each starts at a multiple of eight bytes. */
  memory(options: { readonly writable?: boolean } = {}): MappedMemory {
    const length = roundUp(this.spec.valueSize, 8) * this.spec.maxEntries;
    return MappedMemory.map(this.fd, length, { writable: options.writable ?? true, attempted: `map the values of "${this.name}" into memory` });
  }

  /** Keeps the map alive under a path in a bpffs. */
  pin(path: string): void {
    bpfOrThrow(BPF_OBJ_PIN, { path: cString(path), fd: this.fd }, `pin map "${this.name}" at ${path}`, {
      [EEXIST]: { code: "EXISTS", found: "something is pinned there already", remedy: "open it instead, or remove it" },
    });
  }

  close(): void {
    closeSync(this.fd);
  }

  /** False when there is no such entry; any other failure is thrown. */
  #succeeded(failure: number, command: Command<any>, verb: string): boolean {
    if (failure !== 0 && failure !== ENOENT) throw this.#failed(failure, command, verb);
    return failure === 0;
  }

  #failed(failure: number, command: Command<any>, verb: string): KernelError {
    return bpfError(command, failure, `${verb} map "${this.name}"`, ELEMENT_MEANINGS);
  }

  #expectLength(what: string, bytes: Uint8Array, expected: number): void {
    if (bytes.length !== expected) throw new RangeError(`map "${this.name}": a ${what} of ${bytes.length} bytes; ${expected} are wanted`);
  }
}

const ELEMENT_MEANINGS: Meanings = {
  [E2BIG]: { code: "TOO_BIG", found: "the map is full, or the index is beyond its end", remedy: "make the map larger" },
  [ENOSPC]: { code: "TOO_BIG", found: "the map is full", remedy: "make the map larger" },
  [EEXIST]: { code: "EXISTS", found: "there is such an entry already" },
  [ENOENT]: { code: "NOT_FOUND", found: "there is no such entry" },
};

function createMeanings(spec: MapSpec): Meanings {
  const size = `${spec.maxEntries} entries of ${spec.valueSize} bytes`;
  return {
    [E2BIG]: { code: "TOO_BIG", found: `${size} are over this kernel's limit`, remedy: "make the map smaller" },
    [EINVAL]: { code: "INVALID", found: `the kernel knows no map of type ${spec.type} with ${size} and flags 0x${spec.flags.toString(16)}` },
  };
}

function expectShape(fd: number, spec: MapSpec, attempted: string): void {
  const refuse = (found: string) => new KernelError({
    code: "WRONG_SHAPE", call: "bpf(BPF_OBJ_GET_INFO_BY_FD)", attempted, found, remedy: "remove what is pinned there; it belongs to another version",
  });
  // Linux kernel/bpf/syscall.c, bpf_map_new_fd(): the name tells maps from programs and links.
  if (!readlinkSync(`/proc/self/fd/${fd}`).endsWith("bpf-map")) throw refuse("that is not a map");
  const info = objectInfo(fd, MapInfo, attempted);
  const wanted = { type: spec.type, keySize: spec.keySize, valueSize: spec.valueSize, maxEntries: spec.maxEntries, flags: spec.flags };
  const differences = Object.entries(wanted)
    .filter(([property, value]) => comparable(property, info[property as keyof typeof wanted], spec) !== comparable(property, value, spec))
    .map(([property, value]) => `${property} is ${info[property as keyof typeof wanted]} where ${value} is wanted`);
  if (differences.length > 0) throw refuse(differences.join(", "));
}

/** Linux kernel/bpf/devmap.c, dev_map_init_map(): the kernel adds BPF_F_RDONLY_PROG to the flags of a DEVMAP by itself. */
function comparable(property: string, value: number, spec: MapSpec): number {
  return property === "flags" && spec.type === MapType.DEVMAP ? value & ~MapFlag.RDONLY_PROG : value;
}

function isPerCpu(type: MapType): boolean {
  return type === MapType.PERCPU_ARRAY || type === MapType.PERCPU_HASH;
}

let cpus: number | undefined;

/** CPUs that may ever be online: as many values has each entry of a per-CPU map. */
export function possibleCpus(): number {
  cpus ??= countCpus(readFileSync("/sys/devices/system/cpu/possible", "latin1"));
  return cpus;
}

/** "0-3,8" is five CPUs: the kernel copies one value for each that is listed, without gaps. */
export function countCpus(list: string): number {
  return list.trim().split(",").map((range) => range.split("-").map(Number))
    .reduce((count, [first = 0, last = first]) => count + last - first + 1, 0);
}

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;
