import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../_random-program.js";
import type { ParallelMove } from "./parallel-moves.js";
import { sequence } from "./parallel-moves.js";

/** Registers 0…7 after the moves, one after another; 100 is the temporary. */
function run(moves: readonly ParallelMove[]): unknown[] {
  const registers = new Map<number, unknown>([0, 1, 2, 3, 4, 5, 6, 7].map((register) => [register, `r${register}`]));
  for (const { to, from } of moves) registers.set(to, typeof from === "number" ? registers.get(from) : from.immediate);
  return [0, 1, 2, 3, 4, 5, 6, 7].map((register) => registers.get(register));
}

test("a swap takes three moves", () => {
  const moves = sequence([{ to: 1, from: 2 }, { to: 2, from: 1 }], () => 100);
  assert.equal(moves.length, 3);
  assert.deepEqual(run(moves).slice(1, 3), ["r2", "r1"]);
});

test("a chain needs no temporary", () => {
  const moves = sequence([{ to: 1, from: 2 }, { to: 2, from: 3 }], () => assert.fail());
  assert.deepEqual(run(moves).slice(1, 3), ["r2", "r3"]);
});

test("a constant is written after the register that it overwrites was read", () => {
  const moves = sequence([{ to: 1, from: { immediate: 7 } }, { to: 2, from: 1 }], () => 100);
  assert.deepEqual(run(moves).slice(1, 3), [7, "r1"]);
});

test("random moves at once come out as if they had been at once", () => {
  const random = new Random(4711);
  for (let round = 0; round < 500; round++) {
    const targets = [0, 1, 2, 3, 4, 5, 6, 7].filter(() => random.below(2) === 0);
    const moves = targets.map((to) => ({ to, from: random.below(8) }));
    const expected = [0, 1, 2, 3, 4, 5, 6, 7].map((register) => `r${moves.find(({ to }) => to === register)?.from ?? register}`);
    assert.deepEqual(run(sequence(moves, () => 100)), expected);
  }
});
