import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instruction } from "../ir.js";
import type { Builder } from "../ir-builder.js";
import { newBlock } from "../ir-builder.js";
import { testFunction } from "../_test-function.js";
import { decideBranches } from "./decide-branches.js";
import { numberValues } from "./number-values.js";

type Condition = (b: Builder, x: Instruction, y: Instruction) => Instruction;

/** What becomes of `asked` where `known` holds (or does not): true, false, or undefined when it stays a question. */
function decided(known: Condition, holds: boolean, asked: Condition): boolean | undefined {
  const fn = testFunction(["i32", "i32"], (b, x, y) => {
    const [yes, no, then, otherwise] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
    b.branch(known(b, x, y), yes, no);
    for (const block of [yes, no]) {
      b.block = block;
      if (block === (holds ? yes : no)) b.branch(asked(b, x, y), then, otherwise);
      else b.return(b.constant("i32", 0));
    }
    for (const [block, value] of [[then, 1], [otherwise, 2]] as const) {
      b.block = block;
      b.return(b.constant("i32", value));
    }
  });
  numberValues(fn);
  decideBranches(fn);
  const inner = fn.blocks.flatMap(({ terminator }) => (terminator?.op === "branch" ? [terminator.condition] : []))[1]!;
  return inner.op === "constant" ? inner.value === 1n : undefined;
}

const compare = (predicate: "eq" | "ne" | "ult" | "ule" | "ugt" | "uge" | "slt", constant?: number): Condition =>
  (b, x, y) => b.compare(predicate, x, constant === undefined ? y : b.constant("i32", constant));

const cases: readonly (readonly [what: string, known: Condition, holds: boolean, asked: Condition, answer: boolean | undefined])[] = [
  ["the same question", compare("ult"), true, compare("ult"), true],
  ["the same question on the other side", compare("ult"), false, compare("ult"), false],
  ["less is not equal", compare("ult"), true, compare("eq"), false],
  ["not less may be equal", compare("ult"), false, compare("eq"), undefined],
  ["less signed is not equal, whatever the sign", compare("slt"), true, compare("eq"), false],
  ["less signed says nothing of unsigned order", compare("slt"), true, compare("ult"), undefined],
  ["equal is at most, signed too", compare("eq"), true, compare("slt"), false],
  ["below 5 is below 9", compare("ult", 5), true, compare("ult", 9), true],
  ["below 5 is not 7", compare("ult", 5), true, compare("eq", 7), false],
  ["at least 5 may be 7", compare("ult", 5), false, compare("eq", 7), undefined],
  ["not 0 is at least 1", compare("ne", 0), true, compare("uge", 1), true],
  ["6 is 6", compare("eq", 6), true, compare("eq", 6), true],
  ["6 is not 17", compare("eq", 6), true, compare("eq", 17), false],
];

for (const [what, known, holds, asked, answer] of cases) {
  test(`knows that ${what}`, () => assert.equal(decided(known, holds, asked), answer));
}

/** Whether the second of two bounds checks, of `first` and `second` bytes, is answered where the first passed. */
function covered(first: number, second: number, between: (b: Builder, context: Instruction) => void = () => {}): boolean {
  const fn = testFunction(["pointer"], (b, context) => {
    const view = (bytes: number) => {
      const [short, long] = [newBlock(b.fn), newBlock(b.fn)];
      b.branch(b.compare("ugt", b.pointerAdd(b.loadPointer(context, 0), bytes), b.loadPointer(context, 4)), short, long);
      b.block = short;
      b.return(b.constant("i32", 1));
      b.block = long;
    };
    view(first);
    between(b, context);
    view(second);
    b.return(b.constant("i32", 2));
  });
  numberValues(fn);
  decideBranches(fn);
  return fn.blocks.some(({ terminator }) => terminator?.op === "branch" && terminator.condition.op === "constant");
}

test("a bounds check covers narrower ones behind it, not wider ones", () => {
  assert.equal(covered(34, 14), true);
  assert.equal(covered(34, 34), true);
  assert.equal(covered(14, 34), false);
});

test("a bounds check covers nothing after the packet has moved", () => {
  const moves = { helper: "bpf_xdp_adjust_head", id: 44, movesPacket: true };
  assert.equal(covered(34, 14, (b, context) => b.callHelper("i64", moves, [context, b.constant("i32", 0)])), false);
});
