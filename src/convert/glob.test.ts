import assert from "node:assert/strict";
import { test } from "node:test";
import { expandBraces, wildcardExpression } from "./glob.js";

test("braces stand for each of their choices, inner ones too", () => {
  assert.deepEqual(expandBraces("a"), ["a"]);
  assert.deepEqual(expandBraces("{foo/{,cat,dog},bar}.conf"), ["foo/.conf", "foo/cat.conf", "foo/dog.conf", "bar.conf"]);
  assert.deepEqual(expandBraces("a{b,c}{d,e}"), ["abd", "abe", "acd", "ace"]);
  assert.deepEqual(expandBraces("a{b"), ["a{b"]);
});

test("wildcards meet names as glob(3) has them", () => {
  const meets = (pattern: string, names: readonly string[]) => names.filter((name) => wildcardExpression(pattern).test(name));
  assert.deepEqual(meets("*.conf", ["a.conf", "aconf", ".a.conf", "a.conf~"]), ["a.conf"]);
  assert.deepEqual(meets(".*", [".a", "a"]), [".a"]);
  assert.deepEqual(meets("a?c", ["abc", "ac", "abbc"]), ["abc"]);
  assert.deepEqual(meets("[a-c!][!0-9]", ["ax", "!x", "a1", "dx"]), ["ax", "!x"]);
  assert.deepEqual(meets("a+(b)|[", ["a+(b)|[", "ab"]), ["a+(b)|["]);
  assert.deepEqual(meets("[z-a]", ["a", "m", "z", "[z-a]"]), []);
});
