import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./error.js";
import { readSource } from "./source.js";

test("what is too deep to be read is said in one line, closed or not", () => {
  for (const text of [`services: ${"[".repeat(20_000)}`, `services: ${"[".repeat(20_000)}${"]".repeat(20_000)}`]) {
    // Where exactly depends on the room that the process has.
    assert.throws(() => readSource(text, "weir.yaml"), ({ issues }: ConfigError) => {
      assert.deepEqual(issues.map(({ line, message }) => [line, message]), [[1, "values stand in each other too deep to be read; a configuration needs no more than ten levels"]]);
      return true;
    });
  }
});
