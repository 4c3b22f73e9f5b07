// The shape of lowered programs, where it matters for the verifier or for speed; what they compute is tested by
// language.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Be32, u16, u64, u8 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { hashMap, table } from "#prelude/maps.js";
import { language } from "../both-ways.js";
import type { Instruction, IrFunction } from "../ir.js";
import { printProgram } from "../ir-print.js";
import { moduleOfText } from "../loader.js";
import { lower } from "./lower.js";

const Frame = struct("Frame", { destination: array(u8, 6), source: array(u8, 6), type: u16 });
const Key = struct("Key", { address: Be32, port: u16, protocol: u8 });
const Row = struct("Row", { packets: u64, mac: array(u8, 6) });
const live = { ...language, Frame, Key, Row, rows: table("rows", Row, 8), keys: hashMap("keys", Key, Row, 8), HOOK: 1 };

function functionsOf(source: string): IrFunction[] {
  const module = moduleOfText({ path: "test.ts", text: source }, live);
  return lower(module, { name: "entry", function: "entry", type: "xdp", tables: {} }).functions;
}

const entryOf = (body: string): IrFunction => functionsOf(`function entry(packet: Packet): i32 { ${body} }`)[0]!;
const instructionsOf = (fn: IrFunction): Instruction[] => fn.blocks.flatMap(({ instructions }) => instructions);
const count = (fn: IrFunction, op: Instruction["op"]): number => instructionsOf(fn).filter((instruction) => instruction.op === op).length;

test("a view's null test is one comparison with data_end", () => {
  const [fn] = functionsOf("function entry(packet: Packet): i32 { const f = packet.view(Frame, 0); if (f === null) return 1; return f.type; }");
  const ids = new Map(instructionsOf(fn!).map(({ id }, i) => [id, i]));
  const text = printProgram({ name: "entry", type: "xdp", functions: [fn!] }).replace(/\bv(\d+)\b/g, (_, id) => `v${ids.get(Number(id))}`);
  assert.equal(text, `program entry (xdp)

function entry(packet: pointer): i32
  b0:
    v0 = parameter 0
    v1 = i32 0
    v2 = load32 context v0
    v3 = load32 context v0 + 4
    v4 = i64 0
    v5 = pointerAdd v2 + 14
    v6 = compare ugt v5 v3
    branch v6 b1 b3
  b1: ; from b0
    v7 = i32 1
    return v7
  b3: ; from b0
    v8 = load16 packet v2 + 12
    return v8
`);
});

test("the side of a constant condition that is not taken leaves nothing behind", () => {
  const fn = entryOf("if (HOOK === 0) return nonsense.at(1); return HOOK === 1 ? 2 : nonsense();");
  assert.equal(fn.blocks.some(({ terminator }) => terminator?.op === "branch"), false);
  assert.equal(count(fn, "phi"), 0);
});

test("&& and || branch without a value", () => {
  const fn = entryOf("if ((packet.length > 60 && packet.ifindex === 1) || packet.ifindex === 2) return 1; return 0;");
  assert.equal(count(fn, "phi"), 0);
});

test("a boolean function in a condition branches straight to its sides", () => {
  const [fn] = functionsOf(`function small(n: u32): boolean { if (n < 10) return true; return n > 90 && n !== 95; }
    function entry(packet: Packet): i32 { if (small(packet.length)) return 1; return 0; }`);
  assert.equal(count(fn!, "phi"), 0);
  assert.equal(count(fn!, "boolToInt"), 0);
});

test("a function with one return leaves no join", () => {
  const [fn] = functionsOf("function add(a: u32, b: u32): u32 { return a + b; } function entry(packet: Packet): i32 { return i32(add(packet.length, 1)); }");
  assert.equal(fn!.blocks.length, 1);
});

test("six bytes are copied in two moves", () => {
  const fn = entryOf("const f = packet.view(Frame, 0); if (f === null) return 1; f.destination = rows.at(1).mac; return 0;");
  const stores = instructionsOf(fn).flatMap((instruction) => (instruction.op === "store" ? [instruction.bits] : []));
  assert.deepEqual(stores, [32, 16]);
});

test("a local struct whose address nobody takes has no slot", () => {
  const fn = entryOf("const key = make(Key, { port: packet.length }); key.port += 1; return i32(key.port);");
  assert.deepEqual(fn.slots, []);
});

test("a key's constant fields and padding are stored together, and only what changed is stored again", () => {
  const fn = entryOf("const key = make(Key, { port: 80, protocol: 6 }); if (keys.lookup(key) !== null) return 1; key.port = 443; return keys.lookup(key) === null ? 2 : 3;");
  const stores = instructionsOf(fn).flatMap((instruction) => (instruction.op === "store" ? [[instruction.bits, instruction.offset]] : []));
  assert.deepEqual(stores, [[32, 0], [32, 4], [16, 4]]);
});

test("structs of functions that are inlined one after the other share a slot", () => {
  const [fn] = functionsOf(`function known(port: u32): boolean { const key = make(Key, { port }); return keys.lookup(key) !== null; }
    function entry(packet: Packet): i32 { if (known(1) || known(2) || known(3)) return 1; return 0; }`);
  assert.equal(fn!.slots.length, 1);
});

test("a short loop is unrolled, a long one is not", () => {
  assert.equal(entryOf("for (let i = 0; i < 8; i++) rows.at(i).packets = 1n; return 0;").blocks.some(({ predecessors }) => predecessors.length > 1), false);
  assert.equal(entryOf("for (let i = 0; i < 9; i++) rows.at(i).packets = 1n; return 0;").blocks.some(({ predecessors }) => predecessors.length > 1), true);
});

test("variables that a loop does not change have no phi", () => {
  const fn = entryOf("let a = packet.length; let sum = 0; a += 1; for (let i = 0; i < 20; i++) sum += a; return i32(sum);");
  assert.equal(count(fn, "phi"), 2);
});

test("unlikely() marks the block and the branch", () => {
  const fn = entryOf("if (unlikely(packet.length > 1000)) return 1; return 0;");
  assert.equal(fn.blocks.filter(({ unlikely }) => unlikely).length, 1);
  const { terminator } = fn.blocks[0]!;
  assert.equal(terminator?.op === "branch" && terminator.likely, false);
});

test("every instruction knows the place in the source that it comes from", () => {
  const fn = entryOf("const f = packet.view(Frame, 0); if (f === null) return 1; rows.at(f.type).packets += 1n; return 0;");
  assert.ok(instructionsOf(fn).every(({ span }) => span !== undefined));
});
