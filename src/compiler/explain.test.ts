import assert from "node:assert/strict";
import { test } from "node:test";
import { programOf, testFunction } from "./_test-function.js";
import { explain } from "./explain.js";

test("shows each stage of a program", () => {
  const stages = explain(programOf(testFunction(["pointer"], (b, context) => {
    const length = b.load(32, context, 12, "context");
    b.return(b.binary("mul", b.binary("add", length, b.constant("i32", 0)), b.constant("i32", 4)));
  })));
  assert.equal(stages[0]!.name, "lowered test");
  assert.match(stages.find(({ name }) => name === "simplify test")!.text, /shl\.i32/);
  assert.equal(stages.at(-1)!.name, "program");
  assert.match(stages.at(-1)!.text, /w0 <<= 2/);
});
