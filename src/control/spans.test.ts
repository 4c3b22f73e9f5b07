import assert from "node:assert/strict";
import { test } from "node:test";
import { Spans } from "./spans.js";

test("room is found between what is taken, and none where it does not fit", () => {
  const spans = new Spans(10);
  const taken = [{ at: 7, count: 2 }, { at: 0, count: 3 }];
  assert.equal(spans.find(4, taken), 3);
  assert.equal(spans.find(5, taken), undefined);
  assert.equal(spans.find(1, [...taken, { at: 3, count: 4 }]), 9);
});

test("what was given up is not taken again at once", () => {
  const spans = new Spans(100);
  const places = Array.from({ length: 9 }, () => spans.find(10, []));
  assert.equal(new Set(places).size, 9);
});

test("nothing has room anywhere", () => {
  assert.notEqual(new Spans(4).find(0, [{ at: 0, count: 4 }]), undefined);
});
