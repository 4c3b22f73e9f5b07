import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "yaml";
import { readPlainJson } from "./plain-json.js";

/** What the whole language says; undefined of a mistake. */
function whole(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, merge: true });
  return document.errors.length + document.warnings.length > 0 ? undefined : document.toJS();
}

const CONFIGURATION = {
  services: [{ protocol: "tcp", address: "10.0.0.100", port: 80, onePacket: false, destinations: [{ address: "10.1.0.1:8080", weight: 0 }, { address: "fd00::1" }] }],
  timeouts: { tcp: 900 }, interfaces: [], note: "a: b # c, {d} [e] 'f'", nothing: null, numbers: [-1, 0.5, 1e3, 123456789012345680000],
};

test("JSON is read, and means what YAML says, in one line and in several", () => {
  for (const text of [JSON.stringify(CONFIGURATION), JSON.stringify(CONFIGURATION, null, 2), "[]", "{}\n", " {\"a\":1}"]) {
    assert.notEqual(readPlainJson(text), undefined, text);
    assert.deepEqual(readPlainJson(text), whole(text), text);
  }
});

test("what is more, or wrong, is left to who knows the whole language", () => {
  for (const text of [
    "", "1", "\"a\"", "a: 1", "{a: 1}", "{\"a\": 1, \"a\": 2}", "{\"a\": {\"b\": 1, \"b\": 2}}", "{\"a\": \"\\n\"}", "{\"a\": \"${X}\"}", "{\"<<\": {\"b\": 1}}", "{\"__proto__\": 1}", "{\"a\":\t1}", "{\"a\": 1}\r\n", "{\"a\" : 1}",
    "{\"a\": 1,}", "{\"a\": 1} # c", `{"${"a".repeat(2000)}": 1}`, `${"[".repeat(100)}${"]".repeat(100)}`, "{\"a\": \"\u3000\ud800\"}",
  ]) assert.equal(readPlainJson(text), undefined, text);
});

test("JSON at random, one letter of it changed: what is read is what YAML says, and a mistake never is", () => {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  let state = (seed | 1) >>> 0;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
  const bases = [JSON.stringify(CONFIGURATION), JSON.stringify(CONFIGURATION, null, 1)];
  const letters = " \n:-{}[],#\"'&*!|>%@~a1.e\t\\$<";
  let read = 0;
  for (let i = 0; i < 10_000; i++) {
    const base = bases[i % 2]!;
    const at = random(base.length);
    const text = base.slice(0, at) + (random(3) === 0 ? "" : letters[random(letters.length)]) + base.slice(at + random(2));
    const value = readPlainJson(text);
    if (value === undefined) continue;
    read++;
    assert.deepEqual(value, whole(text), `WEIR_SEED=${seed}: ${JSON.stringify(text)}`);
  }
  assert.ok(read > 1000, `WEIR_SEED=${seed}: only ${read} were read`);
});
