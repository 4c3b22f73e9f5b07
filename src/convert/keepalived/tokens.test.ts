import assert from "node:assert/strict";
import { test } from "node:test";
import { splitWords, withoutComment } from "./tokens.js";

const words = (line: string): readonly string[] | string => {
  const split = splitWords(line);
  return "quote" in split ? `${split.quote} at ${split.offset}` : split.words.map(({ text, brace }) => (brace ? `<${text}>` : text));
};

test("quotes group words, and may stand inside them", () => {
  assert.deepEqual(words(`abcd" efg h jkl "mnop`), ["abcd efg h jkl mnop"]);
  assert.deepEqual(words(`abcd "efg h jkl" mnop`), ["abcd", "efg h jkl", "mnop"]);
  assert.deepEqual(words(`a 'b "c' "d 'e"`), ["a", `b "c`, "d 'e"]);
  assert.equal(words(`a "b`), `" at 2`);
});

test("a backslash takes the next character as it is, or for what it stands", () => {
  assert.deepEqual(words(String.raw`\a\b\E\f\n\r\t\v`), ["\x07\b\x1b\f\n\r\t\v"]);
  assert.deepEqual(words(String.raw`\101\0601\x41\x00041 \cA \\ \" \q`), ["A01AA", "\x01", "\\", '"', "q"]);
});

test("braces are words of their own, but for those of parameters and in quotes", () => {
  assert.deepEqual(words(`url{path "{a}" $\{B}c}`), ["url", "<{>", "path", "{a}", "${B}c", "<}>"]);
});

test("comments begin with # or !, but not between double quotes or behind a backslash", () => {
  assert.equal(withoutComment(`a "b # c" ! d`), `a "b # c" `);
  assert.equal(withoutComment(String.raw`a \# b # c`), String.raw`a \# b `);
  assert.equal(withoutComment(String.raw`a "\"#" #`), String.raw`a "\"#" `);
});
