import assert from "node:assert/strict";
import { test } from "node:test";
import { alignColumns, openTerminal, wrap } from "./terminal.js";

function written(environment: NodeJS.ProcessEnv, isTTY: boolean): string {
  let text = "";
  const terminal = openTerminal({ isTTY, columns: 40, write: (part) => { text += part; } }, environment);
  terminal.heading("Head");
  terminal.line(terminal.mark("marked"));
  return text;
}

test("a terminal gets colours", () => {
  assert.match(written({ TERM: "xterm" }, true), /\u001b\[36mmarked\u001b\[0m/);
});

test("no colours go to a file, to a dumb terminal, or where NO_COLOR is set", () => {
  for (const text of [written({ TERM: "xterm" }, false), written({ TERM: "dumb" }, true), written({ TERM: "xterm", NO_COLOR: "1" }, true)]) {
    assert.equal(text, "\nHead\n────\nmarked\n");
  }
});

test("columns are as wide as their widest cell, colours not counted", () => {
  assert.deepEqual(alignColumns([["a", "1", "x"], ["\u001b[36mlong\u001b[0m", "100", "y"]], ["left", "right"]), [
    "a       1  x",
    "\u001b[36mlong\u001b[0m  100  y",
  ]);
});

test("paragraphs break between words", () => {
  assert.deepEqual(wrap("one two three four", 9), ["one two", "three", "four"]);
});
