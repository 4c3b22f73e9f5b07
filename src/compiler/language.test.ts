// Every construct of the language, run as JavaScript and as eBPF on random packets: both must leave the same bytes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileForTest, randomBytes, randomOf, runAsJavaScript, runCompiled } from "./both-ways.js";
import { Data, bodies, live, sourceOf } from "./language-cases.js";

const PACKETS = 60;
const seed = Number(process.env["SEED"] ?? 20240917);

for (const [sentence, body] of Object.entries(bodies)) {
  test(sentence, () => {
    const source = sourceOf(body);
    const spec = compileForTest(source, live);
    const random = randomOf(seed);
    for (let i = 0; i < PACKETS; i++) {
      const packet = randomBytes(random, Data.size + 20);
      const message = `seed ${seed}, packet ${i} (SEED=… repeats it)`;
      const expected = runAsJavaScript(source, live, packet);
      const actual = runCompiled(spec, live, packet);
      assert.equal(actual.verdict, expected.verdict, message);
      assert.deepEqual(actual.packet, expected.packet, message);
      for (const [name, bytes] of Object.entries(actual.tables)) assert.deepEqual(bytes, expected.tables[name], `${message}: table ${name}`);
    }
  });
}

test("a packet that is too short for a view", () => {
  const source = `function entry(packet: Packet): i32 { const x = packet.view(Data, 0); if (x === null) return -1; return 0; }`;
  assert.equal(runCompiled(compileForTest(source, live), live, new Uint8Array(20)).verdict, -1);
});

test("define overrides a constant", () => {
  const source = `function entry(packet: Packet): i32 { if (ANSWER === 43) return 1; return missing(); }`;
  assert.equal(runCompiled(compileForTest(source, live, { ANSWER: 43 }), live, new Uint8Array(20)).verdict, 1);
});
