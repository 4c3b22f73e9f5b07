import assert from "node:assert/strict";
import { test } from "node:test";
import type { Candidate } from "./maglev.js";
import { fillByMaglev } from "./maglev.js";

const SLOTS = 4093;

const candidates = (...weights: number[]): Candidate[] => weights.map((weight, destination) => ({ destination, weight, hashed: 0x0a01000b + destination + 80 }));
const countsOf = (filled: readonly number[], many: number): number[] => Array.from({ length: many }, (_, destination) => filled.filter((one) => one === destination).length);

test("every slot is taken, by each candidate as often as its weight says", () => {
  const counts = countsOf(fillByMaglev(candidates(1, 2, 3), SLOTS), 3);
  assert.equal(counts.reduce((sum, count) => sum + count), SLOTS);
  counts.forEach((count, i) => assert.ok(Math.abs(count - (SLOTS * (i + 1)) / 6) <= i + 1, `${count} slots for weight ${i + 1}`));
});

test("candidates without weight take no slot, and where none has one there are no slots", () => {
  assert.deepEqual(countsOf(fillByMaglev(candidates(0, 5, 0), SLOTS), 3), [0, SLOTS, 0]);
  assert.deepEqual(fillByMaglev(candidates(0, 0), SLOTS), []);
  assert.deepEqual(fillByMaglev([], SLOTS), []);
});

test("weights beyond six bits are cut to them, and the smallest keep one turn", () => {
  // ip_vs_mh.c, ip_vs_mh_shift_weight(): 2^20 is shifted to 2^5, and 1 to 0, for which one turn stands in.
  const counts = countsOf(fillByMaglev(candidates(1, 2 ** 20), SLOTS), 2);
  assert.ok(Math.abs(counts[0]! - SLOTS / 33) <= 1, `${counts[0]} slots`);
});

test("when one of ten candidates goes, few slots of the others change hands", () => {
  const ten = candidates(...new Array<number>(10).fill(1));
  const before = fillByMaglev(ten, SLOTS);
  const after = fillByMaglev(ten.slice(0, 9), SLOTS);
  const moved = before.filter((one, slot) => one !== 9 && one !== after[slot]).length;
  assert.ok(moved < SLOTS * 0.1, `${moved} of ${SLOTS} slots moved`);
});

test("more candidates than slots: each slot has one", () => {
  const filled = fillByMaglev(candidates(...new Array<number>(20).fill(1)), 13);
  assert.equal(new Set(filled).size, 13);
});
