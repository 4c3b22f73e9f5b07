import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instruction, IrType } from "../ir.js";
import type { Builder } from "../ir-builder.js";
import { newBlock } from "../ir-builder.js";
import { printInstruction } from "../ir-print.js";
import { countOf, returned, testFunction } from "../_test-function.js";
import { removeDeadCode } from "./dead-code.js";
import { simplify } from "./simplify.js";

type Build = (b: Builder, x: Instruction, y: Instruction) => Instruction;

/** The value that simplification leaves, written out: x and y are the parameters. */
function simplified(type: IrType, build: Build): string {
  const fn = testFunction([type, type], (b, x, y) => b.return(build(b, x, y)), type);
  while (simplify(fn));
  return expression(returned(fn));
}

function expression(value: Instruction): string {
  if (value.op === "parameter") return value.index === 0 ? "x" : "y";
  if (value.op === "constant") return `${value.value}`;
  const operation = printInstruction(value).replace(/^v\d+ = /, "");
  return operation.replace(/ v\d+.*/, "") + `(${value.args.map(expression).join(", ")})`;
}

const c32 = (b: Builder, value: bigint | number) => b.constant("i32", value);

const rules: readonly (readonly [what: string, type: IrType, build: Build, expected: string])[] = [
  ["adding zero", "i32", (b, x) => b.binary("add", x, c32(b, 0)), "x"],
  ["a constant on the left", "i32", (b, x) => b.binary("add", c32(b, 5), x), "add.i32(x, 5)"],
  ["subtracting a constant", "i32", (b, x) => b.binary("sub", x, c32(b, 5)), "add.i32(x, 4294967291)"],
  ["constants that meet", "i32", (b, x) => b.binary("sub", b.binary("add", x, c32(b, 7)), c32(b, 5)), "add.i32(x, 2)"],
  ["constants that cancel", "i32", (b, x) => b.binary("sub", b.binary("add", x, c32(b, 5)), c32(b, 5)), "x"],
  ["multiplication by a power of two", "i64", (b, x) => b.binary("mul", x, b.constant("i64", 64)), "shl.i64(x, 6)"],
  ["multiplication by zero", "i32", (b, x) => b.binary("mul", x, c32(b, 0)), "0"],
  ["division by a power of two", "i32", (b, x) => b.binary("udiv", x, c32(b, 8)), "lshr.i32(x, 3)"],
  ["modulo a power of two", "i32", (b, x) => b.binary("umod", x, c32(b, 8)), "and.i32(x, 7)"],
  ["division by zero", "i32", (b, x) => b.binary("udiv", x, c32(b, 0)), "0"],
  ["modulo zero", "i32", (b, x) => b.binary("umod", x, c32(b, 0)), "x"],
  ["a value xor itself", "i32", (b, x) => b.binary("xor", x, x), "0"],
  ["all bits kept", "i32", (b, x) => b.binary("and", x, c32(b, 0xffff_ffff)), "x"],
  ["a mask of what a shift left", "i32", (b, x) => b.binary("and", b.binary("lshr", x, c32(b, 24)), c32(b, 255)), "lshr.i32(x, 24)"],
  ["a mask that cuts", "i32", (b, x) => b.binary("and", b.binary("lshr", x, c32(b, 23)), c32(b, 255)), "and.i32(lshr.i32(x, 23), 255)"],
  // The verifier does not know how large a swapped number is.
  ["a mask of swapped bytes", "i32", (b, x) => b.binary("and", b.byteSwap(16, x), c32(b, 0xffff)), "and.i32(byteSwap16(x), 65535)"],
  ["two shifts", "i32", (b, x) => b.binary("shl", b.binary("shl", x, c32(b, 3)), c32(b, 2)), "shl.i32(x, 5)"],
  ["two shifts past the width", "i32", (b, x) => b.binary("shl", b.binary("shl", x, c32(b, 30)), c32(b, 2)), "0"],
  ["a shift count past the width", "i32", (b, x) => b.binary("shl", x, c32(b, 33)), "shl.i32(x, 1)"],
  ["bytes swapped twice", "i32", (b, x) => b.byteSwap(32, b.byteSwap(32, x)), "x"],
  ["16 bits swapped twice", "i32", (b, x) => b.byteSwap(16, b.byteSwap(16, x)), "and.i32(x, 65535)"],
  ["a swap of what was cut to its size", "i32", (b, x) => b.byteSwap(16, b.binary("and", x, c32(b, 0xffff))), "byteSwap16(x)"],
  ["truncation of an extension", "i32", (b, x) => b.convert("truncate", b.convert("signExtend", x)), "x"],
  ["truncation of a sum of extensions", "i32", (b, x, y) => b.convert("truncate", b.binary("add", b.convert("zeroExtend", x), b.convert("zeroExtend", y))), "add.i32(x, y)"],
  ["sign extension of a small number", "i64", (b, x) => b.convert("signExtend", b.convert("truncate", b.binary("and", x, b.constant("i64", 7)))), "zeroExtend(truncate(and.i64(x, 7)))"],
];

for (const [what, type, build, expected] of rules) {
  test(`arithmetic: ${what}`, () => assert.equal(simplified(type, build), expected));
}

const compares: readonly (readonly [what: string, type: IrType, build: Build, expected: string])[] = [
  ["a constant on the left", "i32", (b, x) => b.compare("ult", c32(b, 5), x), "compare uge(x, 6)"],
  ["with itself", "i32", (b, x) => b.compare("ule", x, x), "1"],
  ["at most is less than one more", "i32", (b, x) => b.compare("ule", x, c32(b, 4)), "compare ult(x, 5)"],
  ["less than one is zero", "i32", (b, x) => b.compare("ult", x, c32(b, 1)), "compare eq(x, 0)"],
  ["more than any", "i32", (b, x) => b.compare("ugt", x, c32(b, 0xffff_ffff)), "0"],
  ["beyond what a mask leaves", "i32", (b, x) => b.compare("ult", b.binary("and", x, c32(b, 7)), c32(b, 8)), "1"],
  ["swapped bytes with a constant", "i32", (b, x) => b.compare("eq", b.byteSwap(32, x), c32(b, 1)), "compare eq(x, 16777216)"],
  ["swapped bytes with swapped bytes", "i32", (b, x, y) => b.compare("ne", b.byteSwap(32, x), b.byteSwap(32, y)), "compare ne(x, y)"],
  ["swapped bytes for order", "i32", (b, x) => b.compare("ult", b.byteSwap(32, x), c32(b, 7)), "compare ult(byteSwap32(x), 7)"],
  ["an extension", "i32", (b, x) => b.compare("eq", b.convert("zeroExtend", x), b.constant("i64", 9)), "compare eq(x, 9)"],
  ["two extensions, signed", "i32", (b, x, y) => b.compare("slt", b.convert("zeroExtend", x), b.convert("zeroExtend", y)), "compare ult(x, y)"],
  ["a difference with zero", "i32", (b, x, y) => b.compare("eq", b.binary("sub", x, y), c32(b, 0)), "compare eq(x, y)"],
  ["a sum with a constant", "i32", (b, x) => b.compare("eq", b.binary("add", x, c32(b, 3)), c32(b, 5)), "compare eq(x, 2)"],
  ["a shift with zero", "i32", (b, x) => b.compare("eq", b.binary("lshr", x, c32(b, 4)), c32(b, 0)), "compare ult(x, 16)"],
  ["a comparison made a number", "i32", (b, x) => b.compare("eq", b.convert("boolToInt", b.compare("slt", x, c32(b, 2))), c32(b, 0)), "compare sge(x, 2)"],
  ["not a comparison", "i32", (b, x) => b.binary("xor", b.compare("eq", x, c32(b, 2)), b.constant("bool", 1)), "compare ne(x, 2)"],
];

for (const [what, type, build, expected] of compares) {
  test(`comparison: ${what}`, () => assert.equal(simplified(type, build), expected));
}

test("constants of an address end up in the access", () => {
  const fn = testFunction(["pointer", "i32"], (b, pointer, x) => {
    const header = b.pointerAdd(pointer, 14);
    const index = b.convert("zeroExtend", b.binary("add", b.binary("and", x, c32(b, 63)), c32(b, 20)));
    b.return(b.load(16, b.pointerAdd(b.pointerAdd(header, 0, index), 2), 4, "packet"));
  });
  while (simplify(fn));
  removeDeadCode(fn);
  const load = returned(fn);
  assert.ok(load.op === "load");
  assert.equal(load.offset, 14 + 20 + 2 + 4);
  assert.equal(countOf(fn, "pointerAdd"), 1);
});

test("an index whose sum may wrap stays whole", () => {
  const fn = testFunction(["pointer", "i32"], (b, pointer, x) => {
    b.return(b.load(8, b.pointerAdd(pointer, 0, b.convert("zeroExtend", b.binary("add", x, c32(b, 20)))), 0, "packet"));
  });
  while (simplify(fn));
  const load = returned(fn);
  assert.ok(load.op === "load");
  assert.equal(load.offset, 0);
});

test("a store cuts by itself", () => {
  const fn = testFunction(["pointer", "i32"], (b, pointer, x) => {
    b.store(16, pointer, 0, b.binary("and", x, c32(b, 0xffff)), "packet");
    b.return(x);
  });
  simplify(fn);
  removeDeadCode(fn);
  assert.equal(countOf(fn, "binary"), 0);
});

test("a phi of one value is that value", () => {
  const fn = testFunction(["i32", "i32"], (b, x, y) => {
    const [yes, no, after] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("ult", x, y), yes, no);
    for (const block of [yes, no]) {
      b.block = block;
      b.jump(after);
    }
    b.block = after;
    b.return(b.phi("i32", [x, x]));
  });
  simplify(fn);
  assert.equal(expression(returned(fn)), "x");
});
