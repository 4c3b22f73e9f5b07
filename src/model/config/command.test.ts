import assert from "node:assert/strict";
import { test } from "node:test";
import { splitCommand } from "./command.js";

const cases: readonly (readonly [string, readonly string[] | undefined])[] = [
  ["", []],
  ["  /bin/a  b\tc\n", ["/bin/a", "b", "c"]],
  [`/bin/a 'b c' "d e"`, ["/bin/a", "b c", "d e"]],
  [`a'b'"c"\\ d`, ["abc d"]],
  [`"a \\" \\\\ \\x" '\\'`, [`a " \\ \\x`, "\\"]],
  [`"" ''`, ["", ""]],
  ["$HOME `id` ; rm *", ["$HOME", "`id`", ";", "rm", "*"]],
  [`a "b`, undefined],
  ["a 'b", undefined],
  ["a \\", undefined],
];

for (const [text, words] of cases) test(`${JSON.stringify(text)} is ${JSON.stringify(words)}`, () => assert.deepEqual(splitCommand(text), words));
