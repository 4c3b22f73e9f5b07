import assert from "node:assert/strict";
import { test } from "node:test";
import type { IrFunction } from "../ir.js";
import { newBlock } from "../ir-builder.js";
import { bodyOf, countOf, testFunction } from "../_test-function.js";
import { optimizeFunction } from "./optimize.js";

const optimized = (fn: IrFunction): IrFunction => {
  optimizeFunction(fn, () => {});
  return fn;
};

test("a && b is two branches", () => {
  const fn = optimized(testFunction(["i32", "i32"], (b, x, y) => {
    const [right, join, yes, no] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
    const nothing = b.constant("bool", 0);
    b.branch(b.compare("eq", x, b.constant("i32", 1)), right, join);
    b.block = right;
    const second = b.compare("eq", y, b.constant("i32", 2));
    b.jump(join);
    b.block = join;
    b.branch(b.phi("bool", [nothing, second]), yes, no);
    b.block = yes;
    b.return(b.constant("i32", 10));
    b.block = no;
    b.return(b.constant("i32", 20));
  }));
  assert.equal(countOf(fn, "phi"), 0, bodyOf(fn));
  assert.equal(fn.blocks.filter(({ terminator }) => terminator?.op === "branch").length, 2);
});

test("a pointer or null that is tested behind a join goes straight on", () => {
  const fn = optimized(testFunction(["pointer", "i32"], (b, pointer, x) => {
    const [found, join, yes, no] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
    const nothing = b.constant("pointer", 0);
    b.branch(b.compare("eq", x, b.constant("i32", 1)), found, join);
    b.block = found;
    const entry = b.pointerAdd(pointer, 8);
    b.jump(join);
    b.block = join;
    const view = b.phi("pointer", [nothing, entry]);
    b.branch(b.compare("eq", view, b.constant("pointer", 0)), no, yes);
    b.block = yes;
    b.return(b.load(32, view, 0, "map"));
    b.block = no;
    b.return(b.constant("i32", 0));
  }));
  assert.equal(countOf(fn, "phi"), 0, bodyOf(fn));
  assert.equal(countOf(fn, "compare"), 1);
});

test("a value of the skipped block that is used behind it gets a phi where the ways meet", () => {
  const fn = optimized(testFunction(["i32", "i32", "i32"], (b, x, y, z) => {
    const [one, join, yes, no, after] = Array.from({ length: 5 }, () => newBlock(b.fn)) as [never, never, never, never, never];
    b.branch(b.compare("eq", x, b.constant("i32", 1)), one, join);
    b.block = one;
    b.jump(join);
    b.block = join;
    const answer = b.phi("i32", [y, b.constant("i32", 3)]);
    const other = b.phi("i32", [y, z]);
    b.branch(b.compare("eq", answer, b.constant("i32", 3)), yes, no);
    for (const block of [yes, no]) {
      b.block = block;
      b.callHelper("i64", { helper: "bpf_jiffies64", id: 118, movesPacket: false }, []);
      b.jump(after);
    }
    b.block = after;
    b.return(other);
  }));
  const phis = fn.blocks.flatMap(({ instructions }) => instructions.filter(({ op }) => op === "phi"));
  assert.ok(phis.length >= 1, bodyOf(fn));
  for (const phi of phis) assert.equal(phi.args.length, phi.block.predecessors.length, bodyOf(fn));
});
