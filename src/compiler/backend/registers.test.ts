import assert from "node:assert/strict";
import { test } from "node:test";
import { disassemble } from "#ebpf/disassemble.js";
import type { Builder } from "../ir-builder.js";
import type { Instruction } from "../ir.js";
import { newBlock } from "../ir-builder.js";
import { programOf, testFunction } from "../_test-function.js";
import { generate } from "./generate.js";

const jiffies = { helper: "bpf_jiffies64", id: 118, movesPacket: false };

function code(build: (b: Builder, context: Instruction) => void): string[] {
  const spec = generate(programOf(testFunction(["pointer"], build)));
  return disassemble(spec).split("\n").filter((line) => /^ *\d+:/.test(line)).map((line) => line.replace(/^ *\d+: /, ""));
}

/** Loads `count` words, calls, and adds the words up, in `rounds` further blocks each time anew. */
function acrossCall(b: Builder, context: Instruction, count: number, rounds = 1): void {
  const words = Array.from({ length: count }, (_, i) => b.load(32, context, 12 + 4 * (i % 3), "context"));
  b.callHelper("i64", jiffies, []);
  let sum = b.constant("i32", 0);
  for (let round = 0; round < rounds; round++) {
    sum = words.reduce((total, word) => b.binary("add", b.binary("mul", total, b.constant("i32", 3)), word), sum);
    const [stop, go] = [newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("eq", sum, b.constant("i32", 7)), stop, go);
    b.block = stop;
    b.return(b.constant("i32", 0));
    b.block = go;
  }
  b.return(sum);
}

const stackAccesses = (lines: readonly string[]): number => lines.filter((line) => line.includes("r10")).length;

test("four values are kept over a call in registers", () => {
  assert.equal(stackAccesses(code((b, context) => acrossCall(b, context, 4))), 0);
});

test("the fifth is stored once and loaded once", () => {
  assert.equal(stackAccesses(code((b, context) => acrossCall(b, context, 5))), 2);
});

test("what was loaded from the stack serves the blocks behind, too", () => {
  assert.equal(stackAccesses(code((b, context) => acrossCall(b, context, 5, 3))), 2);
});

test("constants, maps and addresses are made again after a call, not kept", () => {
  const lines = code((b, context) => {
    const wide = b.constant("i64", 0x1_0000_0001n);
    const word = b.convert("zeroExtend", b.load(32, context, 12, "context"));
    const before = b.binary("xor", word, wide);
    b.callHelper("i64", jiffies, []);
    b.return(b.convert("truncate", b.binary("lshr", b.binary("mul", before, wide), b.constant("i64", 3))));
  });
  assert.equal(lines.filter((line) => line.endsWith("0x100000001")).length, 2);
  assert.equal(stackAccesses(lines), 0);
});

test("copies into phis go when the values can share a register", () => {
  const lines = code((b, context) => {
    const [one, zero] = [b.constant("i32", 1), b.constant("i32", 0)];
    const end = b.load(32, context, 12, "context");
    const [head, body, after] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
    b.jump(head);
    b.block = head;
    const counter = b.phi("i32", [zero]);
    const sum = b.phi("i32", [zero]);
    b.branch(b.compare("ult", counter, end), body, after);
    b.block = body;
    sum.args.push(b.binary("add", sum, counter));
    counter.args.push(b.binary("add", counter, one));
    b.jump(head);
    b.block = after;
    b.return(sum);
  });
  assert.equal(lines.length, 8, lines.join("\n"));
  assert.ok(!lines.some((line) => /^r\d = r\d$/.test(line)), lines.join("\n"));
});
