// ProgramSpecs as text for the compile cache, their content's hash, and what source line an instruction came from.

import { createHash } from "node:crypto";
import type { FieldType, StructType } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import type { IntegerType } from "#layout/numbers.js";
import { Be16, Be32, Be64, distinct, i32, i64, u16, u32, u64, u8 } from "#layout/numbers.js";
import { btfString } from "./btf.js";
import type { LineInfo, MapSpec, ProgramSpec } from "./spec.js";

/** The format of programToJson(); a text of another version is refused. */
const VERSION = 1;

export function programToJson(program: ProgramSpec): string {
  return JSON.stringify({
    version: VERSION,
    ...program,
    instructions: toBase64(program.instructions),
    btf: toBase64(program.btf),
    maps: program.maps.map(mapToPlain),
  });
}

/** Reads what programToJson() wrote; throws RangeError for another version's text. */
export function programFromJson(text: string): ProgramSpec {
  const { version, ...plain } = JSON.parse(text) as PlainProgram;
  if (version !== VERSION) throw new RangeError(`Cannot read a compiled program of format ${version}: this is format ${VERSION}; compile it again`);
  return {
    ...plain,
    instructions: fromBase64(plain.instructions),
    btf: fromBase64(plain.btf),
    maps: plain.maps.map(mapFromPlain),
  };
}

const hashes = new WeakMap<ProgramSpec, string>();

/** The same for the same content, in any process: 64 hexadecimal digits. Of one specification it is computed once. */
export function programHash(program: ProgramSpec): string {
  let hash = hashes.get(program);
  if (hash === undefined) hashes.set(program, (hash = createHash("sha256").update(canonical(JSON.parse(programToJson(program)))).digest("hex")));
  return hash;
}

/** The source line of the last line record at or before instruction `slot`. */
export function sourceOfInstruction(program: ProgramSpec, slot: number): SourceLine | undefined {
  const info = program.lineInfo.findLast((candidate) => candidate.at <= slot);
  return info === undefined ? undefined : lineAt(program, info);
}

export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export function lineAt(program: ProgramSpec, info: LineInfo): SourceLine {
  return {
    file: btfString(program.btf, info.fileOffset), text: btfString(program.btf, info.lineOffset),
    line: info.line, column: info.column,
  };
}

type PlainProgram = Omit<ProgramSpec, "instructions" | "btf" | "maps"> & {
  readonly version: number;
  readonly instructions: string;
  readonly btf: string;
  readonly maps: readonly PlainMap[];
};
type PlainMap = Omit<MapSpec, "key" | "value"> & { readonly key?: PlainType; readonly value?: PlainType };
type PlainType =
  | { readonly kind: "integer"; readonly typeName: string; readonly bits: number; readonly signed: boolean; readonly bigEndian: boolean }
  | { readonly kind: "array"; readonly element: PlainType; readonly length: number }
  | { readonly kind: "struct"; readonly name: string; readonly packed: boolean; readonly fields: readonly (readonly [string, PlainType])[] };

/** A map declaration's methods do not survive, and need not: only kernel TypeScript calls them. */
function mapToPlain(map: MapSpec): PlainMap {
  const { key, value, ...rest } = map;
  return { ...rest, ...(key && { key: typeToPlain(key) }), ...(value && { value: typeToPlain(value) }) };
}

function mapFromPlain(plain: PlainMap): MapSpec {
  const { key, value, ...rest } = plain;
  return { ...rest, ...(key && { key: typeFromPlain(key) }), ...(value && { value: typeFromPlain(value) }) };
}

function typeToPlain(type: FieldType): PlainType {
  if (type.kind === "array") return { kind: "array", element: typeToPlain(type.element as FieldType), length: type.length };
  if (type.kind === "integer") {
    const { typeName, bits, signed, bigEndian } = type as IntegerType;
    return { kind: "integer", typeName, bits, signed, bigEndian };
  }
  const { name, fields, alignment } = type as StructType;
  return { kind: "struct", name, packed: alignment === 1, fields: fields.map((field) => [field.name, typeToPlain(field.type)]) };
}

const integerTypes: readonly IntegerType[] = [u8, u16, u32, u64, i32, i64, Be16, Be32, Be64] as IntegerType[];

function typeFromPlain(plain: PlainType): FieldType {
  if (plain.kind === "array") return array(typeFromPlain(plain.element), plain.length);
  if (plain.kind === "struct") {
    return struct(plain.name, Object.fromEntries(plain.fields.map(([name, type]) => [name, typeFromPlain(type)])), { packed: plain.packed });
  }
  const base = integerTypes.find((type) => type.bits === plain.bits && type.signed === plain.signed && type.bigEndian === plain.bigEndian);
  if (base === undefined) throw new RangeError(`Cannot read a compiled program: it has an integer type of ${plain.bits} bits, "${plain.typeName}"`);
  return base.typeName === plain.typeName ? base : distinct(plain.typeName, base);
}

/** JSON with the keys of every object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part === null || typeof part !== "object" || Array.isArray(part) ? part
      : Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))));
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));
