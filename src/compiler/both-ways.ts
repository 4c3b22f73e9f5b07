// For tests: runs kernel TypeScript as JavaScript and as eBPF, on the same packet and the same maps.
//
// As JavaScript, a view is an object whose properties read and write bytes, so that both runs leave bytes to compare.

import * as numbers from "#layout/numbers.js";
import type { FieldType } from "#layout/struct.js";
import { array, sizeOf, struct } from "#layout/struct.js";
import { Machine } from "#ebpf/machine.js";
import type { MapSpec, ProgramSpec } from "#ebpf/spec.js";
import * as helpers from "#prelude/helpers.js";
import * as intrinsics from "#prelude/intrinsics.js";
import * as maps from "#prelude/maps.js";
import * as packets from "#prelude/packet.js";
import type { LiveValues } from "./module.js";
import { stripTypes } from "./strip-types.js";
import { compileText } from "./compile.js";
import type { AnyStruct } from "./types.js";

/** Names that every test's source may use. */
export const language: LiveValues = { ...numbers, ...helpers, ...intrinsics, ...maps, ...packets, struct, array };

export interface Outcome {
  readonly verdict: number;
  readonly packet: Uint8Array;
  /** The bytes of each table, by its name. */
  readonly tables: { readonly [name: string]: Uint8Array };
}

/** `live` are the source's own names: structs, tables, constants. Its function is `entry`. */
export function compileForTest(source: string, live: LiveValues, define: LiveValues = {}): ProgramSpec {
  return compileText(source, { function: "entry", type: "xdp", live: { ...language, ...live }, define, path: "test.ts" });
}

export function runCompiled(spec: ProgramSpec, live: LiveValues, packet: Uint8Array): Outcome {
  const machine = new Machine();
  const program = machine.load(spec);
  const result = machine.run(program, packet);
  const tables = tablesOf(live).filter(({ name }) => spec.maps.some((map) => map.name === name));
  return {
    verdict: result.verdict, packet: result.packet,
    tables: Object.fromEntries(tables.map((spec) => [spec.name, machine.map(spec).bytes.slice()])),
  };
}

export function runAsJavaScript(source: string, live: LiveValues, original: Uint8Array): Outcome {
  const packet = original.slice();
  const tables = tablesOf(live).map((spec) => ({ spec, bytes: new Uint8Array(spec.valueSize * spec.maxEntries) }));
  const names: LiveValues = { ...language, ...live, ...javaScriptIntrinsics, ...Object.fromEntries(tables.map(({ spec, bytes }) => [nameOf(live, spec), javaScriptTable(spec, bytes)])) };
  const text = stripTypes(source).replace(/\bexport\b/g, "");
  const entry = new Function(...Object.keys(names), `"use strict"; ${text}\nreturn entry;`)(...Object.values(names)) as (packet: unknown) => number;
  const verdict = entry({
    view: (type: AnyStruct, offset: number) => (offset + type.size > packet.length ? null : viewOf(type, packet, offset)),
    length: packet.length, linear: packet.length, ifindex: 1,
  });
  return { verdict: verdict | 0, packet, tables: Object.fromEntries(tables.map(({ spec, bytes }) => [spec.name, bytes])) };
}

const tablesOf = (live: LiveValues): MapSpec[] => (Object.values(live) as Partial<MapSpec>[]).filter((value): value is MapSpec => value?.kind === "map" && value.tableEntries !== undefined);
const nameOf = (live: LiveValues, map: MapSpec): string => Object.keys(live).find((name) => live[name] === map)!;

const javaScriptTable = (spec: MapSpec, bytes: Uint8Array) => ({
  at: (index: number) => viewOf(spec.value as AnyStruct, bytes, (index & (spec.tableEntries! - 1)) * sizeOf(spec.value!)),
});

type Fields = { [name: string]: number | bigint };

const fetch = (combine: (old: bigint, value: bigint) => bigint) => (view: Fields, field: string, value: number | bigint) => {
  const old = view[field]!;
  const combined = BigInt.asUintN(64, combine(BigInt(old), BigInt(value)));
  view[field] = typeof old === "bigint" ? combined : Number(BigInt.asUintN(32, combined));
  return old;
};

const javaScriptIntrinsics: LiveValues = {
  make: (type: AnyStruct, fields: object = {}) => Object.assign(viewOf(type, new Uint8Array(type.size), 0), fields),
  atomicAdd: fetch((a, b) => a + b), atomicOr: fetch((a, b) => a | b), atomicAnd: fetch((a, b) => a & b),
  fetchAdd: fetch((a, b) => a + b), fetchOr: fetch((a, b) => a | b), fetchAnd: fetch((a, b) => a & b), fetchXor: fetch((a, b) => a ^ b),
  exchange: fetch((_, value) => value),
  compareExchange: (view: Fields, field: string, expected: number | bigint, desired: number | bigint) => {
    const old = view[field]!;
    if (old === expected) view[field] = desired;
    return old;
  },
};

/** Bytes of each view, so that assigning one to a field copies them. */
const bytesOf = new WeakMap<object, Uint8Array>();

function viewOf(type: AnyStruct, bytes: Uint8Array, at: number): object {
  const view = {};
  bytesOf.set(view, bytes.subarray(at, at + type.size));
  for (const field of type.fields) define(view, field.name, field.type, bytes, at + field.offset);
  return view;
}

function arrayOf(type: Extract<FieldType, { kind: "array" }>, bytes: Uint8Array, at: number): object {
  const elements = {};
  bytesOf.set(elements, bytes.subarray(at, at + sizeOf(type)));
  for (let i = 0; i < type.length; i++) define(elements, String(i), type.element as FieldType, bytes, at + i * sizeOf(type.element as FieldType));
  // A variable index is masked; every index beyond the array that a test uses is one of a byte.
  const mask = type.length - 1;
  if ((type.length & mask) === 0) for (let i = type.length; i < 256; i++) define(elements, String(i), type.element as FieldType, bytes, at + (i & mask) * sizeOf(type.element as FieldType), false);
  return elements;
}

function define(object: object, name: string, type: FieldType, bytes: Uint8Array, at: number, enumerable = true): void {
  Object.defineProperty(object, name, {
    enumerable,
    get: () => (type.kind === "integer" ? readInteger(type, bytes, at) : type.kind === "struct" ? viewOf(type, bytes, at) : arrayOf(type, bytes, at)),
    set: (value: number | bigint | object) => (typeof value === "object" ? bytes.set(bytesOf.get(value)!, at) : writeInteger(type, bytes, at, value)),
  });
}

function readInteger(type: numbers.IntegerType, bytes: Uint8Array, at: number): number | bigint {
  let value = 0n;
  for (let i = type.bits / 8 - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
  if (type.signed) value = BigInt.asIntN(type.bits, value);
  return type.bits === 64 ? value : Number(value);
}

function writeInteger(type: FieldType, bytes: Uint8Array, at: number, value: number | bigint): void {
  const bits = BigInt(value);
  for (let i = 0; i < sizeOf(type); i++) bytes[at + i] = Number((bits >> BigInt(8 * i)) & 0xffn);
}

/** A repeatable source of chance: xorshift32 (G. Marsaglia, 2003). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** Random bytes, with more zeros, ones and all-ones than chance would give. */
export function randomBytes(random: (below: number) => number, length: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, () => random(256));
  for (let at = 0; at + 4 <= length; at += 4) {
    const kind = random(6);
    if (kind === 0) bytes.fill(0, at, at + 4);
    if (kind === 1) bytes.fill(255, at, at + 4);
    if (kind === 2) bytes.set([random(4), 0, 0, 0], at);
  }
  return bytes;
}
