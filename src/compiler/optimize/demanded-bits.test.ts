import assert from "node:assert/strict";
import { test } from "node:test";
import { countOf, testFunction } from "../_test-function.js";
import { removeDeadCode } from "./dead-code.js";
import { dropMasks } from "./demanded-bits.js";

test("a mask below a store that cuts more goes", () => {
  const fn = testFunction(["pointer", "i32"], (b, pointer, x) => {
    const folded = b.binary("add", b.binary("and", x, b.constant("i32", 0xffff)), b.binary("lshr", x, b.constant("i32", 16)));
    b.store(16, pointer, 0, b.binary("xor", folded, b.constant("i32", 0xffff_ffff)), "packet");
    b.return(x);
  });
  assert.equal(dropMasks(fn), true);
  removeDeadCode(fn);
  assert.equal(countOf(fn, "binary"), 3);
});

test("a mask stays where somebody else looks at the whole value, or at more bits than it keeps", () => {
  const shared = testFunction(["pointer", "i32"], (b, pointer, x) => {
    const sum = b.binary("add", b.binary("and", x, b.constant("i32", 0xffff)), b.constant("i32", 1));
    b.store(16, pointer, 0, sum, "packet");
    b.return(sum);
  });
  assert.equal(dropMasks(shared), false);
  const narrow = testFunction(["pointer", "i32"], (b, pointer, x) => {
    b.store(16, pointer, 0, b.binary("add", b.binary("and", x, b.constant("i32", 0xff)), b.constant("i32", 1)), "packet");
    b.return(x);
  });
  assert.equal(dropMasks(narrow), false);
});

test("what lies above a right shift counts", () => {
  const fn = testFunction(["pointer", "i32"], (b, pointer, x) => {
    b.store(16, pointer, 0, b.binary("lshr", b.binary("and", x, b.constant("i32", 0xffff)), b.constant("i32", 4)), "packet");
    b.return(x);
  });
  assert.equal(dropMasks(fn), false);
});
