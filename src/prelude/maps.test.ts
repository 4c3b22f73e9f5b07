import assert from "node:assert/strict";
import { test } from "node:test";
import { u8, u64 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { BANK_BYTES_MAX, resizeTable, table } from "./maps.js";

const Line = struct("Line", { words: array(u64, 8) });
const shapeOf = ({ valueSize, maxEntries, tableEntries }: { valueSize: number; maxEntries: number; tableEntries?: number }) => ({ valueSize, maxEntries, tableEntries });

test("a table is one value up to 2^29 bytes, and then banks of as many", () => {
  assert.deepEqual(shapeOf(table("t", Line, 2 ** 23)), { valueSize: BANK_BYTES_MAX, maxEntries: 1, tableEntries: 2 ** 23 });
  assert.deepEqual(shapeOf(table("t", Line, 2 ** 24)), { valueSize: BANK_BYTES_MAX, maxEntries: 2, tableEntries: 2 ** 24 });
  const Pair = struct("Pair", { lines: array(u64, 16) });
  assert.deepEqual(shapeOf(table("t", Pair, 2 ** 24)), { valueSize: BANK_BYTES_MAX, maxEntries: 4, tableEntries: 2 ** 24 });
});

test("a bank has a power of two of entries, whatever their size", () => {
  const Odd = struct("Odd", { bytes: array(u8, 24) });
  assert.deepEqual(shapeOf(table("t", Odd, 64, { bankBytes: 1000 })), { valueSize: 32 * 24, maxEntries: 2, tableEntries: 64 });
});

test("a table takes another number of entries, more banks or fewer", () => {
  assert.deepEqual(shapeOf(resizeTable(table("t", Line, 8), 2 ** 25)), { valueSize: BANK_BYTES_MAX, maxEntries: 4, tableEntries: 2 ** 25 });
  assert.deepEqual(shapeOf(resizeTable(table("t", Line, 2 ** 25), 8)), { valueSize: 512, maxEntries: 1, tableEntries: 8 });
});

test("entries are a power of two, and no more than user space can read in place", () => {
  assert.throws(() => table("t", Line, 6), /table t cannot have 6 entries: a power of two is needed, and at most 67108864 of 64 bytes/);
  assert.equal(table("t", Line, 2 ** 26).maxEntries, 8);
  assert.throws(() => resizeTable(table("t", Line, 8), 2 ** 27), /table t cannot have 134217728 entries/);
});
