import assert from "node:assert/strict";
import { test } from "node:test";
import { Be16, Be32, distinct, u32, u64, u8 } from "#layout/numbers.js";
import type { Branded } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { assembleProgram, exit, mapReference, mov64, r0, r1 } from "./assemble.js";
import { BtfBuilder, btfForMap } from "./btf.js";
import { programFromJson, programHash, programToJson, sourceOfInstruction } from "./program.js";
import { MapType, type MapSpec, type ProgramSpec } from "./spec.js";

type EtherType = Branded<number, "EtherType">;
const Key = struct("Key", { address: Be32, port: Be16, etherType: distinct<EtherType>("EtherType", Be16) });
const Value = struct("Value", { mac: array(u8, 6), count: u64, inner: struct("Packed", { a: u8, b: u32 }, { packed: true }) });
const map: MapSpec = {
  kind: "map", name: "services", type: MapType.HASH, keySize: Key.size, valueSize: Value.size, maxEntries: 16, flags: 1, key: Key, value: Value,
};

function sample(): ProgramSpec {
  const btf = new BtfBuilder();
  const [fileOffset, lineOffset] = [btf.string("entry.ts"), btf.string("return XDP_PASS;")];
  return {
    ...assembleProgram({ name: "sample", type: "xdp" }, [mapReference(r1, map), mov64(r0, 2), exit()]),
    btf: btf.encode(), functionInfo: [{ at: 0, typeId: 1, name: "entry" }], files: ["entry.ts"],
    lineInfo: [{ at: 2, fileOffset, lineOffset, line: 7, column: 3 }],
  };
}

test("a program comes back from its text with the same bytes, maps and layouts", () => {
  const program = sample();
  const read = programFromJson(programToJson(program));
  assert.deepEqual({ ...read, maps: [] }, { ...program, maps: [] });
  assert.deepEqual(btfForMap(read.maps[0]!), btfForMap(map));
  assert.deepEqual((read.maps[0]!.value as typeof Value).fields.map((field) => field.offset), Value.fields.map((field) => field.offset));
  assert.equal(read.maps[0]!.name, "services");
});

test("the hash is the content's: equal for equal programs, another for any change", () => {
  const program = sample();
  const { name, ...rest } = program;
  assert.match(programHash(program), /^[0-9a-f]{64}$/);
  assert.equal(programHash(programFromJson(programToJson(program))), programHash(program));
  assert.equal(programHash({ ...rest, name }), programHash(program), "the order of fields does not count");
  assert.notEqual(programHash({ ...program, license: "MIT" }), programHash(program));
  assert.notEqual(programHash({ ...program, instructions: program.instructions.map((byte, i) => (i === 4 ? byte ^ 1 : byte)) }), programHash(program));
});

test("another version's text is refused with the remedy", () => {
  assert.throws(() => programFromJson('{"version":0}'), /of format 0: this is format 1; compile it again/);
});

test("an instruction's source line is that of the last record before it", () => {
  const program = sample();
  assert.equal(sourceOfInstruction(program, 0), undefined);
  assert.deepEqual(sourceOfInstruction(program, 3), { file: "entry.ts", line: 7, column: 3, text: "return XDP_PASS;" });
});
