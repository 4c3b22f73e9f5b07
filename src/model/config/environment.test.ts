import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./error.js";
import { readSource } from "./source.js";

const environment = { VIP: "10.0.0.100", PORT: "80", EMPTY: "", ODD: "a: [b, #c" };
const read = (text: string): unknown => readSource(text, "weir.yaml", { environment }).value;
const messages = (text: string): readonly string[] => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.map(({ line, column, message }) => `${line}:${column} ${message}`);
    throw error;
  }
  return [];
};

test("a variable stands for its value, alone or in a text", () => {
  assert.deepEqual(read("{a: '${VIP}', b: '${VIP}:${PORT}/${PORT}'}"), { a: "10.0.0.100", b: "10.0.0.100:80/80" });
});

test("unquoted it becomes what YAML reads there, quoted a text", () => {
  assert.deepEqual(read('a: ${PORT}\nb: "${PORT}"\nc: ${NONE:-true}\nd: ${NONE:-0x10}\ne: ${EMPTY}'), { a: 80, b: "80", c: true, d: 16, e: null });
});

test("what a variable holds never becomes structure", () => {
  assert.deepEqual(read("a: ${ODD}"), { a: "a: [b, #c" });
});

test("a default holds for what is not set, and for what is empty", () => {
  assert.deepEqual(read("[ '${NONE:-x y}', '${EMPTY:-z}', '${VIP:-no}', '${NONE:-}', '${EMPTY}', '${constructor:-c}' ]"), ["x y", "z", "10.0.0.100", "", "", "c"]);
});

test("$${ stands for ${, other dollars for themselves, keys stay", () => {
  assert.deepEqual(read("{a: '$${VIP}', b: '^ok$ $VIP $$', '${VIP}': 1}"), { a: "${VIP}", b: "^ok$ $VIP $$", "${VIP}": 1 });
});

test("every variable that is missing is named at its place", () => {
  assert.deepEqual(messages("a: ${NONE}\nb:\n  - x${OTHER}\n  - ${}\n  - ${1A}\n  - ${VIP"), [
    "1:4 ${NONE} is not set in the environment; set it, or give a default: ${NONE:-…}",
    "3:5 ${OTHER} is not set in the environment; set it, or give a default: ${OTHER:-…}",
    '4:5 "${}" names no variable; write ${NAME}, ${NAME:-default}, or $${ for these two characters themselves',
    '5:5 "${1A}" names no variable; write ${NAME}, ${NAME:-default}, or $${ for these two characters themselves',
    '6:5 "${VIP" names no variable; write ${NAME}, ${NAME:-default}, or $${ for these two characters themselves',
  ]);
});

test("without an environment the text is taken as it is", () => {
  assert.deepEqual(readSource("a: ${NONE}", "weir.yaml").value, { a: "${NONE}" });
});
