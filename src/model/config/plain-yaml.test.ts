import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { parseDocument } from "yaml";
import { readPlainYaml } from "./plain-yaml.js";

/** What the whole language says; undefined of a mistake. */
function whole(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, merge: true });
  return document.errors.length + document.warnings.length > 0 ? undefined : document.toJS();
}

test("what a configuration is written in is read, and means what YAML says", () => {
  const text = `
# a comment
defaults: { method: nat, protocol: tcp, checks: [{ type: tcp, every: 5 }], notifyUp: [ /bin/true, "a b" ] }
services:
- address: 10.0.0.100
  port: 80   # and one behind
  onePacket: false
  destinations:
    - { address: 10.1.0.1:8080, weight: 2 }
    - address: fd00::1
      weight: 0
`;
  const value = readPlainYaml(text);
  assert.notEqual(value, undefined);
  assert.deepEqual(value, whole(text));
});

test("the examples are read so, all but those with more in them", () => {
  const folder = new URL("../../../docs/examples/", import.meta.url);
  const texts = readdirSync(folder).filter((name) => name.endsWith(".yaml")).map((name) => readFileSync(new URL(name, folder), "utf8"));
  const read = texts.map((text) => ({ text, value: readPlainYaml(text) })).filter(({ value }) => value !== undefined);
  for (const { text, value } of read) assert.deepEqual(value, whole(text));
  assert.ok(read.length * 2 > texts.length, `${read.length} of ${texts.length}`);
});

test("what is more, or wrong, is left to who knows the whole language", () => {
  for (const text of [
    "", "# nothing", "a", "a: 1\na: 2", "a: &x 1\nb: *x", "a:\n  <<: {b: 1}", "a: |\n  text", "a: b c", "a: b\n  c", "a:\nb: 1", "a: 1.5", "a: 0x10", "a: True", "a: ~", "a: \"x\\n\"", "a: 'it''s'",
    "a: 1 b", "- a\n b: 1", "a: {b: 1", "a: {b}", "a: [1, ]", "---\na: 1", "a: 1\r\n", "a:\t1", "a: \"${X}\"", "a: \"x # y\"", "a: b:", "a:  # nothing", "? a\n: 1", "a: -1", "a: 1\n b: 2", "a: b\u3000",
  ]) assert.equal(readPlainYaml(text), undefined, JSON.stringify(text));
});

const PIECES = [
  "a", "b", "address", "null", "true", "False", "1", "0", "007", "1.5", "1e3", "0x1", "10.0.0.1", "10.0.0.1:80", "1:2:3", "fd00::1", "2001:db8::", "::1", "a:b", "a#b", "x-y", "yes", "NaN", "2024-01-01", "1_000", "a.b/c", "/bin/x", "//",
  "a: ", "b: ", "c: ", "a:", "b:\n", "a: 1\n", "- ", "-", "- a: ", "- {", "{ ", "}", "{}", "[]", "[ ", "]", ", ", ",", "\n", "\n", "\n  ", "\n  ", "\n    ", "\n- ", "\n  - ", "\n  b: ", " ", "# c", " # c\n", "\"q r\"", "'s t'", "\"#\"", "'", "\"", "{\"a\": ", "\"b\":", "\"c\" : ",
  "&x ", "*x", "!t ", "|\n", ">", "---\n", "...", "<<: ", "? ", "%", "@", "`", "\t", "é", "\u3000",
];

test("texts at random: what is read is what YAML says, and a mistake never is", () => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const random = generator(seed);
  let read = 0;
  for (let i = 0; i < 30_000; i++) {
    const text = Array.from({ length: 1 + random(i % 2 === 0 ? 6 : 14) }, () => PIECES[random(PIECES.length)]).join("");
    const value = readPlainYaml(text);
    if (value === undefined) continue;
    read++;
    assert.deepEqual(value, whole(text), `WEIR_SEED=${seed}: ${JSON.stringify(text)}`);
  }
  assert.ok(read > 150, `WEIR_SEED=${seed}: only ${read} were read`);
});

test("configurations at random, one letter of them changed: the same", () => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const random = generator(seed);
  const base = "services:\n  - address: 10.0.0.1\n    port: 80\n    destinations:\n      - { address: 10.1.0.1, weight: 1 }\n      - address: fd00::1\n        checks: [a, { b: c }]\n  - fwmark: 3\nmode: auto\n";
  const letters = " \n:-{}[],#\"'&*!|>%@~a1.\t";
  let read = 0;
  for (let i = 0; i < 10_000; i++) {
    const at = random(base.length);
    const text = base.slice(0, at) + (random(3) === 0 ? "" : letters[random(letters.length)]) + base.slice(at + random(2));
    const value = readPlainYaml(text);
    if (value === undefined) continue;
    read++;
    assert.deepEqual(value, whole(text), `WEIR_SEED=${seed}: ${JSON.stringify(text)}`);
  }
  assert.ok(read > 1000, `WEIR_SEED=${seed}: only ${read} were read`);
});

/** xorshift32 */
function generator(seed: number): (below: number) => number {
  let state = (seed | 1) >>> 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
}
