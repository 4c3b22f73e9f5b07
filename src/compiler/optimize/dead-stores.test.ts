import assert from "node:assert/strict";
import { test } from "node:test";
import { newSlot } from "../ir-builder.js";
import { countOf, testFunction } from "../_test-function.js";
import { removeDeadStores } from "./dead-stores.js";

const storeBytes = { helper: "bpf_skb_store_bytes", id: 9, movesPacket: true };

test("stores to a slot that nobody reads go; those that a helper reads stay", () => {
  for (const [isRead, stores] of [[false, 0], [true, 1]] as const) {
    const fn = testFunction(["pointer", "i32"], (b, context, x) => {
      const slot = newSlot(b.fn, 8, "local");
      b.store(32, b.stackAddress(slot), 4, x, "stack");
      if (isRead) b.callHelper("i64", storeBytes, [context, x, b.stackAddress(slot), b.constant("i32", 8), b.constant("i64", 0)], { reads: [slot] });
      b.return(x);
    });
    removeDeadStores(fn);
    assert.equal(countOf(fn, "store"), stores);
  }
});

test("a packet store that is overwritten before anybody looks goes", () => {
  for (const [looks, stores] of [[false, 1], [true, 2]] as const) {
    const fn = testFunction(["pointer", "i32"], (b, data, x) => {
      b.store(16, data, 2, x, "packet");
      const seen = looks ? b.load(8, data, 3, "packet") : x;
      b.store(32, data, 0, x, "packet");
      b.return(seen);
    });
    removeDeadStores(fn);
    assert.equal(countOf(fn, "store"), stores);
  }
});

test("map memory is written as often as the program says", () => {
  const fn = testFunction(["pointer", "i32"], (b, entry, x) => {
    b.store(32, entry, 0, x, "map");
    b.store(32, entry, 0, b.constant("i32", 0), "map");
    b.return(x);
  });
  assert.equal(removeDeadStores(fn), false);
});
