import assert from "node:assert/strict";
import { test } from "node:test";
import { table } from "#prelude/maps.js";
import { struct } from "#layout/struct.js";
import { u64 } from "#layout/numbers.js";
import type { Instruction } from "../ir.js";
import type { Builder } from "../ir-builder.js";
import { newBlock, newSlot } from "../ir-builder.js";
import { countOf, returned, testFunction } from "../_test-function.js";
import { removeDeadCode } from "./dead-code.js";
import { numberValues } from "./number-values.js";

const counters = table("counters", struct("Counter", { packets: u64, bytes: u64 }), 8);
const jiffies = { helper: "bpf_jiffies64", id: 118, movesPacket: false };
const moves = { helper: "bpf_xdp_adjust_head", id: 44, movesPacket: true };

/** How many loads are left of two, with `between` between them. */
function loadsLeft(space: "packet" | "map" | "context", between: (b: Builder, pointer: Instruction) => void): number {
  const fn = testFunction(["pointer"], (b, pointer) => {
    const first = b.load(32, pointer, 8, space);
    between(b, pointer);
    b.return(b.binary("add", first, b.load(32, pointer, 8, space)));
  });
  numberValues(fn);
  return countOf(fn, "load");
}

test("the same computation is made once", () => {
  const fn = testFunction(["i32", "i32"], (b, x, y) => b.return(b.binary("xor", b.binary("add", x, y), b.binary("add", y, x))));
  numberValues(fn);
  assert.equal(countOf(fn, "binary"), 2);
});

test("a computation on one side of a branch does not serve the other", () => {
  const fn = testFunction(["i32", "i32"], (b, x, y) => {
    const [yes, no] = [newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("ult", x, y), yes, no);
    for (const block of [yes, no]) {
      b.block = block;
      b.return(b.binary("add", x, y));
    }
  });
  numberValues(fn);
  assert.equal(countOf(fn, "binary"), 2);
});

test("a load is repeated only when its memory may have changed", () => {
  const nothing = () => {};
  assert.equal(loadsLeft("packet", nothing), 1);
  assert.equal(loadsLeft("packet", (b, pointer) => b.store(8, pointer, 4, b.constant("i32", 1), "packet")), 1, "a store beside it");
  assert.equal(loadsLeft("packet", (b, pointer) => b.store(8, pointer, 11, b.constant("i32", 1), "packet")), 2, "a store into it");
  assert.equal(loadsLeft("packet", (b, pointer) => b.store(8, pointer, 8, b.constant("i32", 1), "map")), 1, "a store to other memory");
  assert.equal(loadsLeft("packet", (b) => b.callHelper("i64", jiffies, [])), 1, "a helper that does not touch the packet");
  assert.equal(loadsLeft("packet", (b, pointer) => b.callHelper("i64", moves, [pointer])), 2, "a helper that moves the packet");
  assert.equal(loadsLeft("context", (b) => b.callHelper("i64", jiffies, [])), 1);
  assert.equal(loadsLeft("context", (b, pointer) => b.callHelper("i64", moves, [pointer])), 2, "data and data_end after a move");
  assert.equal(loadsLeft("map", nothing), 1);
  assert.equal(loadsLeft("map", (b) => b.callHelper("i64", jiffies, [])), 2, "map memory over a call");
  assert.equal(loadsLeft("map", (b) => b.atomic("add", 64, b.mapValue(counters), 0, b.constant("i64", 1))), 2, "map memory over an atomic operation");
});

test("a store at an unknown distance may change any load of its space", () => {
  const fn = testFunction(["pointer", "i64"], (b, pointer, index) => {
    const first = b.load(32, pointer, 8, "packet");
    b.store(8, b.pointerAdd(pointer, 0, index), 0, b.constant("i32", 1), "packet");
    b.return(b.binary("add", first, b.load(32, pointer, 8, "packet")));
  });
  numberValues(fn);
  assert.equal(countOf(fn, "load"), 2);
});

test("a change on one of two ways to a block counts there", () => {
  const build = (changes: boolean) => testFunction(["pointer", "i32"], (b, pointer, x) => {
    const [yes, after] = [newBlock(b.fn), newBlock(b.fn)];
    const first = b.load(32, pointer, 8, "packet");
    b.branch(b.compare("eq", x, b.constant("i32", 0)), yes, after);
    b.block = yes;
    b.store(32, pointer, changes ? 8 : 12, x, "packet");
    b.jump(after);
    b.block = after;
    b.return(b.binary("add", first, b.load(32, pointer, 8, "packet")));
  });
  for (const [changes, loads] of [[true, 2], [false, 1]] as const) {
    const fn = build(changes);
    numberValues(fn);
    assert.equal(countOf(fn, "load"), loads);
  }
});

test("a change in a loop counts at the loop's head", () => {
  const fn = testFunction(["pointer", "i32"], (b, pointer, x) => {
    const [head, body, after] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
    const first = b.load(32, pointer, 8, "packet");
    b.jump(head);
    b.block = head;
    const again = b.load(32, pointer, 8, "packet");
    b.branch(b.compare("ult", again, x), body, after);
    b.block = body;
    b.store(32, pointer, 8, b.binary("add", again, b.constant("i32", 1)), "packet");
    b.jump(head);
    b.block = after;
    b.return(b.binary("add", first, again));
  });
  numberValues(fn);
  assert.equal(countOf(fn, "load"), 2);
});

test("a load of what was just stored is the stored value, unless the store cut it", () => {
  const stored = (bits: 16 | 32) => {
    const fn = testFunction(["i32"], (b, x) => {
      const address = b.stackAddress(newSlot(b.fn, 8, "local"));
      b.store(bits, address, 0, x, "stack");
      b.return(b.load(bits, address, 0, "stack"));
    });
    numberValues(fn);
    return returned(fn).op;
  };
  assert.equal(stored(32), "parameter");
  assert.equal(stored(16), "load");
});

test("constants stand in the entry, once each", () => {
  const fn = testFunction(["i32"], (b, x) => {
    const [yes, no] = [newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("eq", x, b.constant("i32", 7)), yes, no);
    b.block = yes;
    b.return(b.constant("i32", 9));
    b.block = no;
    b.return(b.constant("i32", 9));
  });
  numberValues(fn);
  removeDeadCode(fn);
  assert.equal(countOf(fn, "constant"), 2);
  assert.deepEqual(fn.blocks.slice(1).map(({ instructions }) => instructions.length), [0, 0]);
});
