// bpf(2): each command with its part of union bpf_attr (Linux include/uapi/linux/bpf.h) as a schema. A pointer field is a
// u64; the caller gives the bytes themselves, which are held for as long as the kernel may look at them.

import { encode, decode } from "#layout/codec.js";
import { array, struct, type StructType, type Values } from "#layout/struct.js";
import { u8, u32, u64 } from "#layout/numbers.js";
import { addressOf, errno, libc } from "./ffi.js";
import { KernelError, systemError, type Meanings } from "./errors.js";

export interface Command<S extends StructType<any, any>> {
  readonly name: string;
  readonly number: number;
  readonly attributes: S;
}

function command<Fields extends Parameters<typeof struct>[1]>(number: number, name: string, fields: Fields): Command<StructType<string, Fields>> {
  return { name, number, attributes: struct(`bpf_attr ${name}`, fields) };
}

const name16 = array(u8, 16);
const element = { mapFd: u32, key: u64, value: u64, flags: u64 };
const batch = { inBatch: u64, outBatch: u64, keys: u64, values: u64, count: u32, mapFd: u32, elementFlags: u64, flags: u64 };
const pinned = { path: u64, fd: u32, fileFlags: u32 };
const byId = { id: u32, nextId: u32, openFlags: u32 };

export const BPF_MAP_CREATE = command(0, "BPF_MAP_CREATE", {
  mapType: u32, keySize: u32, valueSize: u32, maxEntries: u32, mapFlags: u32, innerMapFd: u32, numaNode: u32, name: name16, ifindex: u32,
  btfFd: u32, btfKeyTypeId: u32, btfValueTypeId: u32,
});
export const BPF_MAP_LOOKUP_ELEM = command(1, "BPF_MAP_LOOKUP_ELEM", element);
export const BPF_MAP_UPDATE_ELEM = command(2, "BPF_MAP_UPDATE_ELEM", element);
export const BPF_MAP_DELETE_ELEM = command(3, "BPF_MAP_DELETE_ELEM", element);
/** `value` receives the next key. */
export const BPF_MAP_GET_NEXT_KEY = command(4, "BPF_MAP_GET_NEXT_KEY", element);
export const BPF_PROG_LOAD = command(5, "BPF_PROG_LOAD", {
  programType: u32, instructionCount: u32, instructions: u64, license: u64, logLevel: u32, logSize: u32, logBuffer: u64, kernelVersion: u32,
  flags: u32, name: name16, ifindex: u32, expectedAttachType: u32, btfFd: u32, functionInfoSize: u32, functionInfo: u64, functionInfoCount: u32,
  lineInfoSize: u32, lineInfo: u64, lineInfoCount: u32,
});
export const BPF_OBJ_PIN = command(6, "BPF_OBJ_PIN", pinned);
export const BPF_OBJ_GET = command(7, "BPF_OBJ_GET", pinned);
export const BPF_PROG_TEST_RUN = command(10, "BPF_PROG_TEST_RUN", {
  programFd: u32, returnValue: u32, dataInSize: u32, dataOutSize: u32, dataIn: u64, dataOut: u64, repeat: u32, duration: u32,
  contextInSize: u32, contextOutSize: u32, contextIn: u64, contextOut: u64, flags: u32, cpu: u32, batchSize: u32,
});
export const BPF_PROG_GET_FD_BY_ID = command(13, "BPF_PROG_GET_FD_BY_ID", byId);
export const BPF_OBJ_GET_INFO_BY_FD = command(15, "BPF_OBJ_GET_INFO_BY_FD", { fd: u32, infoSize: u32, info: u64 });
export const BPF_PROG_QUERY = command(16, "BPF_PROG_QUERY", {
  ifindex: u32, attachType: u32, queryFlags: u32, attachFlags: u32, programIds: u64, count: u32, padding: u32,
  programAttachFlags: u64, linkIds: u64, linkAttachFlags: u64, revision: u64,
});
export const BPF_BTF_LOAD = command(18, "BPF_BTF_LOAD", { btf: u64, logBuffer: u64, btfSize: u32, logSize: u32, logLevel: u32 });
export const BPF_MAP_FREEZE = command(22, "BPF_MAP_FREEZE", { mapFd: u32 });
export const BPF_MAP_LOOKUP_BATCH = command(24, "BPF_MAP_LOOKUP_BATCH", batch);
export const BPF_MAP_UPDATE_BATCH = command(26, "BPF_MAP_UPDATE_BATCH", batch);
export const BPF_MAP_DELETE_BATCH = command(27, "BPF_MAP_DELETE_BATCH", batch);
export const BPF_LINK_CREATE = command(28, "BPF_LINK_CREATE", {
  programFd: u32, ifindex: u32, attachType: u32, flags: u32, relative: u32, padding: u32, expectedRevision: u64,
});
export const BPF_LINK_UPDATE = command(29, "BPF_LINK_UPDATE", { linkFd: u32, programFd: u32, flags: u32, oldProgramFd: u32 });
export const BPF_LINK_GET_FD_BY_ID = command(30, "BPF_LINK_GET_FD_BY_ID", byId);
export const BPF_LINK_GET_NEXT_ID = command(31, "BPF_LINK_GET_NEXT_ID", byId);
export const BPF_LINK_DETACH = command(34, "BPF_LINK_DETACH", { linkFd: u32 });

/** Values for a command; a pointer is given as the bytes it points to, or as an address. */
export type Attributes<S> = { readonly [K in keyof Values<S>]?: Values<S>[K] extends bigint ? bigint | Uint8Array : Values<S>[K] };

export interface Outcome<S> {
  /** A file descriptor, or 0; -1 when the call failed. */
  readonly result: number;
  /** 0 when the call succeeded. */
  readonly errno: number;
  /** The attributes as the kernel left them. */
  attributes(): Values<S>;
}

// Buffers whose addresses are in a bpf_attr: a reference that no optimisation takes away, for the time of the call.
const held: Uint8Array[] = [];

export function bpf<S extends StructType<any, any>>(command: Command<S>, given: Attributes<S>): Outcome<S> {
  const bytes = encode(command.attributes, withAddresses(given) as Partial<Values<S>>);
  const result = bpfRaw(command.number, bytes);
  const failure = result < 0 ? errno() : 0;
  held.length = 0;
  return { result, errno: failure, attributes: () => decode(command.attributes, bytes) };
}

/** The same; a failure is thrown. */
export function bpfOrThrow<S extends StructType<any, any>>(command: Command<S>, given: Attributes<S>, attempted: string, meanings?: Meanings): number {
  const { result, errno } = bpf(command, given);
  if (errno !== 0) throw bpfError(command, errno, attempted, meanings);
  return result;
}

export function bpfError(command: Command<any>, errno: number, attempted: string, meanings?: Meanings): KernelError {
  return systemError(`bpf(${command.name})`, errno, attempted, meanings);
}

/** The call alone, for those who keep their attributes ready made (_element-call.ts). -1 and errno() on failure. */
export function bpfRaw(command: number, attributes: Uint8Array): number {
  return libc().syscall(syscallNumber, command, attributes, attributes.length);
}

function withAddresses(given: object): object {
  return Object.fromEntries(Object.entries(given).map(([field, value]) => [field, value instanceof Uint8Array && !isName(field) ? hold(value) : value]));
}

/** `name` is the one field of bytes that stands in the attributes themselves. */
const isName = (field: string) => field === "name";

function hold(bytes: Uint8Array): bigint {
  held.push(bytes);
  return addressOf(bytes);
}

/** Linux arch/<arch>/…/syscall tables: bpf. Those not listed use include/uapi/asm-generic/unistd.h. */
const syscallNumber = { x64: 321, ppc64: 361, s390x: 351 }[process.arch as string] ?? 280;

/** Linux include/uapi/linux/bpf.h, BPF_OBJ_NAME_LEN: 15 letters, digits, "_" or ".", and a zero. */
export function objectName(name: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(Buffer.from(name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15), "latin1"));
  return bytes;
}

/** A path or a licence as C wants it. */
export function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, "utf8");
}

/** The text of a char array. */
export function fromCString(bytes: Uint8Array | readonly number[]): string {
  const text = Buffer.from(bytes);
  const end = text.indexOf(0);
  return text.toString("utf8", 0, end < 0 ? text.length : end);
}

/** Reads a struct about the object behind `fd`; kernels that know fewer fields leave the rest zero. */
export function objectInfo<S extends StructType<any, any>>(fd: number, type: S, attempted: string): Values<S> {
  const info = new Uint8Array(type.size);
  bpfOrThrow(BPF_OBJ_GET_INFO_BY_FD, { fd, infoSize: info.length, info }, attempted);
  return decode(type, info);
}
