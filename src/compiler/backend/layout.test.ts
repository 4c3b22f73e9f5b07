import assert from "node:assert/strict";
import { test } from "node:test";
import { disassemble } from "#ebpf/disassemble.js";
import type { Builder } from "../ir-builder.js";
import type { Instruction } from "../ir.js";
import { newBlock } from "../ir-builder.js";
import { programOf, testFunction } from "../_test-function.js";
import { generate } from "./generate.js";

const helper = { helper: "bpf_jiffies64", id: 118, movesPacket: false };

function text(build: (b: Builder, word: Instruction) => void): string {
  const fn = testFunction(["pointer"], (b, context) => build(b, b.load(32, context, 12, "context")));
  return disassemble(generate(programOf(fn))).split("\n").filter((line) => /^ *\d+:/.test(line)).map((line) => line.replace(/^ *\d+: /, "")).join("\n");
}

/** if (word === 0) { one call } else { two calls } return 2 */
function branching(b: Builder, word: Instruction, likely?: boolean): void {
  const [yes, no, after] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
  b.branch(b.compare("eq", word, b.constant("i32", 0)), yes, no, likely);
  b.block = yes;
  b.callHelper("i64", helper, []);
  b.jump(after);
  b.block = no;
  b.callHelper("i64", helper, []);
  b.callHelper("i64", helper, []);
  b.jump(after);
  b.block = after;
  b.return(b.constant("i32", 2));
}

test("the likely side follows its branch, the other comes after the rest", () => {
  const call = "call bpf_jiffies64#118";
  assert.equal(text((b, word) => branching(b, word, true)), ["r1 = *(u32 *)(r1 +12)", "if w1 != 0x0 goto pc+3", call, "r0 = 2", "exit", call, call, "goto pc-5"].join("\n"));
  assert.equal(text((b, word) => branching(b, word, false)), ["r1 = *(u32 *)(r1 +12)", "if w1 == 0x0 goto pc+4", call, call, "r0 = 2", "exit", call, "goto pc-4"].join("\n"));
});

test("a side that only returns does not stand in the way", () => {
  const lines = text((b, word) => {
    const [refuse, go] = [newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("eq", word, b.constant("i32", 0)), refuse, go);
    b.block = refuse;
    b.return(b.constant("i32", 1));
    b.block = go;
    b.callHelper("i64", helper, []);
    b.callHelper("i64", helper, []);
    b.return(b.constant("i32", 2));
  });
  assert.match(lines, /goto pc\+4\ncall.*\ncall.*\nr0 = 2\nexit\nr0 = 1\nexit$/);
});

test("blocks that come out the same are one", () => {
  const lines = text((b, word) => {
    for (const value of [3, 4, 5]) {
      const [refuse, go] = [newBlock(b.fn), newBlock(b.fn)];
      b.branch(b.compare("eq", word, b.constant("i32", value)), refuse, go);
      b.block = refuse;
      b.return(b.constant("i32", 1));
      b.block = go;
    }
    b.return(b.constant("i32", 2));
  });
  assert.equal(lines.match(/exit/g)?.length, 2);
});
