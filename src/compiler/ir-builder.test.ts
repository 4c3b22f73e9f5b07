// The builder's two promises: constants fold, and predecessors stay right.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { IrFunction } from "./ir.js";
import { Builder, newBlock, newFunction, removePredecessor } from "./ir-builder.js";

const emptyFunction = (): IrFunction =>
  newFunction("f", { parameters: [{ name: "n", type: "i32", kernelType: { integer: "u32" } }], returnType: "i32", returnKernelType: { integer: "i32" } });

test("operators on constants are constants", () => {
  const builder = new Builder(emptyFunction());
  const fold = (value: { readonly op: string; readonly value?: unknown }) => (value.op === "constant" ? value.value : undefined);
  const number = (value: number) => builder.constant("i32", value);
  assert.equal(fold(builder.binary("add", number(-1), number(3))), 2n);
  assert.equal(fold(builder.binary("udiv", number(7), number(0))), 0n);
  assert.equal(fold(builder.binary("umod", number(7), number(0))), 7n);
  assert.equal(fold(builder.binary("ashr", number(-8), number(33))), 0xfffffffcn);
  assert.equal(fold(builder.compare("slt", number(-1), number(0))), 1n);
  assert.equal(fold(builder.compare("ult", number(-1), number(0))), 0n);
  assert.equal(fold(builder.convert("signExtend", number(-2))), 0xfffffffffffffffen);
  assert.equal(fold(builder.convert("zeroExtend", number(-2))), 0xfffffffen);
  assert.equal(fold(builder.byteSwap(16, number(0x12345678))), 0x7856n);
  assert.equal(fold(builder.byteSwap(64, builder.constant("i64", 1n))), 1n << 56n);
});

test("a constant index joins a pointer's offset", () => {
  const builder = new Builder(emptyFunction());
  const pointer = builder.parameter(0);
  assert.equal(builder.pointerAdd(pointer, 4, builder.constant("i64", -4n & 0n)).op, "pointerAdd");
  assert.equal(builder.pointerAdd(pointer, 0), pointer);
});

test("a new terminator moves the edges, and a removed edge takes its phi arguments along", () => {
  const fn = emptyFunction();
  const builder = new Builder(fn);
  const [left, right, after] = [newBlock(fn), newBlock(fn), newBlock(fn)];
  const entry = builder.block;
  builder.branch(builder.compare("eq", builder.parameter(0), builder.constant("i32", 1)), left, right);
  const values = [left, right].map((block, i) => {
    builder.block = block;
    const value = builder.constant("i32", i);
    builder.jump(after);
    return value;
  });
  builder.block = after;
  const phi = builder.phi("i32", [...values]);
  const idsOf = (all: readonly { readonly id: number }[]) => all.map(({ id }) => id);
  assert.deepEqual(idsOf(after.predecessors), idsOf([left, right]));
  removePredecessor(after, left);
  assert.deepEqual(idsOf(phi.args), [values[1]!.id]);
  builder.block = entry;
  builder.jump(right);
  assert.deepEqual([idsOf(left.predecessors), idsOf(right.predecessors)], [[], [entry.id]]);
});

test("ids go on from those of a function that another has made", () => {
  const fn = emptyFunction();
  const block = { id: 7, instructions: [], terminator: undefined, predecessors: [], unlikely: false };
  fn.blocks.push(block);
  assert.equal(newBlock(fn).id, 8);
});
