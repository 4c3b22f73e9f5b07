import assert from "node:assert/strict";
import { test } from "node:test";
import { Spans } from "./spans.js";

test("room is found between what is taken, and none where it does not fit", () => {
  const spans = new Spans(10);
  const taken = [{ at: 7, count: 2 }, { at: 0, count: 3 }];
  assert.equal(spans.beside(() => taken).take(4), 3);
  assert.equal(spans.beside(() => taken).take(5), undefined);
  assert.equal(spans.beside(() => [...taken, { at: 3, count: 4 }]).take(1), 9);
});

test("rooms of one round stand beside each other, until there is none left", () => {
  for (const count of [1, 5]) {
    for (let start = 0; start < 20; start++) {
      const room = new Spans(100).beside(() => [{ at: 10, count: 5 }, { at: 40, count: 20 }]);
      const places: number[] = [];
      for (let at = room.take(count); at !== undefined; at = room.take(count)) places.push(at);
      const entries = places.flatMap((at) => Array.from({ length: count }, (_, i) => at + i));
      assert.equal(new Set(entries).size, entries.length);
      assert.ok(entries.every((at) => at >= 0 && at < 100 && !(at >= 10 && at < 15) && !(at >= 40 && at < 60)), `${places}`);
      // Where the first one of five begins is random: at most three gaps are left with less than five.
      assert.ok(entries.length === 75 || (count === 5 && entries.length >= 75 - 4 * 4), `${entries.length}`);
    }
  }
});

test("a gap that was too small for one is given to the next", () => {
  const room = new Spans(16).beside(() => [{ at: 4, count: 8 }]);
  const places = [3, 1, 1].map((count) => ({ count, at: room.take(count)! }));
  assert.ok(places.every(({ at }) => at !== undefined));
  assert.equal(new Set(places.flatMap(({ at, count }) => Array.from({ length: count }, (_, i) => at + i))).size, 5);
});

test("what was given up is not taken again at once", () => {
  const spans = new Spans(100);
  const places = Array.from({ length: 9 }, () => spans.beside(() => []).take(10));
  assert.equal(new Set(places).size, 9);
});

test("nothing has room anywhere", () => {
  assert.notEqual(new Spans(4).beside(() => [{ at: 0, count: 4 }]).take(0), undefined);
});
