import assert from "node:assert/strict";
import { test } from "node:test";
import { newBlock } from "../ir-builder.js";
import { bodyOf, returned, testFunction } from "../_test-function.js";
import { foldBranches } from "./fold-branches.js";

test("a branch on a constant takes its side, and the other is gone from the phis", () => {
  const fn = testFunction(["i32", "i32"], (b, x, y) => {
    const [yes, no, after] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.constant("bool", 0), yes, no);
    for (const block of [yes, no]) {
      b.block = block;
      b.jump(after);
    }
    b.block = after;
    b.return(b.phi("i32", [x, y]));
  });
  foldBranches(fn);
  assert.equal(fn.blocks.length, 1, bodyOf(fn));
  assert.equal(returned(fn).op === "parameter" && returned(fn).id, 1);
});

test("blocks that only jump go, their mark becomes the branch's hint", () => {
  const fn = testFunction(["i32"], (b, x) => {
    const [rare, other, after] = [newBlock(b.fn, true), newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("eq", x, b.constant("i32", 0)), rare, other);
    b.block = rare;
    b.jump(after);
    b.block = other;
    b.callHelper("i64", { helper: "bpf_jiffies64", id: 118, movesPacket: false }, []);
    b.jump(after);
    b.block = after;
    b.return(x);
  });
  foldBranches(fn);
  assert.equal(fn.blocks.length, 3);
  const terminator = fn.blocks[0]!.terminator!;
  assert.equal(terminator.op === "branch" && terminator.likely, false);
});

test("an empty block stays where a phi needs it to tell two ways apart", () => {
  const fn = testFunction(["i32", "i32"], (b, x, y) => {
    const [empty, after] = [newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("eq", x, b.constant("i32", 0)), empty, after);
    b.block = empty;
    b.jump(after);
    b.block = after;
    b.return(b.phi("i32", [x, y]));
  });
  foldBranches(fn);
  assert.equal(fn.blocks.length, 3, bodyOf(fn));
});
