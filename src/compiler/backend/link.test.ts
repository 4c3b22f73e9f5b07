import assert from "node:assert/strict";
import { test } from "node:test";
import { btfString } from "#ebpf/btf.js";
import { decodeInstructions } from "#ebpf/instruction.js";
import * as op from "#ebpf/opcode.js";
import { hashMap, table } from "#prelude/maps.js";
import { struct } from "#layout/struct.js";
import { u32, u64 } from "#layout/numbers.js";
import type { IrFunction, SourceFile } from "../ir.js";
import { Builder, newFunction } from "../ir-builder.js";
import { programOf, testFunction } from "../_test-function.js";
import { generate } from "./generate.js";

const Entry = struct("Entry", { first: u64, second: u64 });
const entries = table("entries", Entry, 4);
const flows = hashMap("flows", struct("Key", { address: u32 }), Entry, 16);
const loop = { helper: "bpf_loop", id: 181, movesPacket: false };
const file: SourceFile = { path: "a.ts", text: "first line\nsecond line\n  third line\n" };

/** A callback, a called function, and an entry that uses both. */
function withFunctions() {
  const callback = newFunction("round", {
    parameters: [{ name: "index", type: "i32", kernelType: { integer: "u32" } }, { name: "state", type: "pointer", kernelType: { pointerTo: "Entry" } }],
    returnType: "i64", returnKernelType: { integer: "i64" },
  });
  const c = new Builder(callback);
  c.span = { file, start: 11, end: 12 };
  c.return(c.constant("i64", 0));
  const called = testFunction(["i32"], (b, x) => b.return(b.binary("add", x, b.constant("i32", 1))));
  const entry = testFunction(["pointer"], (b) => {
    b.span = { file, start: 0, end: 5 };
    b.callHelper("i64", loop, [b.constant("i32", 4), b.functionReference(callback), b.constant("i64", 0), b.constant("i64", 0)]);
    b.span = { file, start: 25, end: 30 };
    b.return(b.callFunction(called, [b.constant("i32", 1)]));
  });
  return { entry, callback, called };
}

test("calls and callbacks find their functions", () => {
  const { entry, callback, called } = withFunctions();
  const spec = generate(programOf(entry, callback, called));
  const instructions = decodeInstructions(spec.instructions);
  const startOf = (fn: IrFunction) => spec.functionInfo.find(({ name }) => name === fn.name)!.at;
  const address = instructions.findIndex(({ opcode, src }) => opcode === op.BPF_LD_IMM64 && src === op.BPF_PSEUDO_FUNC);
  assert.equal(address + 1 + instructions[address]!.imm, startOf(callback));
  const call = instructions.findIndex(({ opcode, src }) => opcode === (op.BPF_JMP | op.BPF_CALL) && src === op.BPF_PSEUDO_CALL);
  assert.ok(call > 0);
  // Two functions of the test have one name; the last is the called one.
  assert.equal(call + 1 + instructions[call]!.imm, spec.functionInfo.at(-1)!.at);
});

test("every function has a record of its type, and its first instruction one of its line", () => {
  const { entry, callback, called } = withFunctions();
  const spec = generate(programOf(entry, callback, called));
  assert.deepEqual(spec.functionInfo.map(({ name }) => name), ["test", "round", "test"]);
  assert.ok(spec.lineInfo.some(({ at }) => at === 0));
  assert.ok(spec.lineInfo.some(({ at }) => at === spec.functionInfo[1]!.at));
  const positions = spec.lineInfo.map(({ at }) => at);
  assert.deepEqual(positions, [...new Set(positions)].sort((a, b) => a - b));
});

test("line records name the line's text, and its number and column from 1", () => {
  const { entry, callback, called } = withFunctions();
  const spec = generate(programOf(entry, callback, called));
  const third = spec.lineInfo.find(({ line }) => line === 3)!;
  assert.deepEqual([btfString(spec.btf, third.fileOffset), btfString(spec.btf, third.lineOffset), third.column], ["a.ts", "  third line", 3]);
  assert.deepEqual(spec.files, ["a.ts"]);
});

test("maps are relocations by name, each map listed once", () => {
  const spec = generate(programOf(testFunction(["pointer"], (b) => {
    const value = b.load(64, b.mapValue(entries, 16), 8, "map");
    b.store(64, b.mapValue(entries, 32), 0, value, "map");
    const slot = b.stackAddress((b.fn.slots.push({ id: 0, size: 4, name: "key" }), b.fn.slots[0]!));
    b.store(32, slot, 0, b.constant("i32", 1), "stack");
    b.callHelper("i64", { helper: "bpf_map_delete_elem", id: 3, movesPacket: false }, [b.mapReference(flows), slot], { reads: b.fn.slots });
    b.return(b.constant("i32", 2));
  })));
  assert.deepEqual(spec.maps, [entries, flows]);
  assert.deepEqual(spec.relocations.map(({ map, kind, offset }) => [map, kind, offset]), [["entries", "value", 16], ["entries", "value", 32], ["flows", "map", 0]]);
});

test("two maps of one name are refused", () => {
  const other = table("entries", Entry, 8);
  const program = programOf(testFunction(["pointer"], (b) => {
    b.store(64, b.mapValue(entries), 0, b.load(64, b.mapValue(other), 0, "map"), "map");
    b.return(b.constant("i32", 2));
  }));
  assert.throws(() => generate(program), /Two different maps are called "entries"/);
});
