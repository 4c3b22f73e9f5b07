// Every construct of the language, accepted by the kernel's verifier and run by its JIT, against the same source run as
// JavaScript. src/compiler/language.test.ts does the same on the user-space machine.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileForTest, randomBytes, randomOf, runAsJavaScript } from "#compiler/both-ways.js";
import { Data, bodies, live, sourceOf } from "#compiler/language-cases.js";
import { MapType, type MapSpec } from "#ebpf/spec.js";
import { BpfMap } from "#kernel/map.js";
import { loadProgram } from "#kernel/program.js";

const kernelLacks = ((): string | false => {
  const probe: MapSpec = { kind: "map", name: "probe", type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
  try {
    BpfMap.create(probe).close();
    return false;
  } catch (error) {
    return `bpf(2) is not allowed here: ${(error as Error).message}`;
  }
})();

const PACKETS = 10;
const seed = Number(process.env["SEED"] ?? 20240917);

for (const [sentence, body] of Object.entries(bodies)) {
  test(`in the kernel: ${sentence}`, { skip: kernelLacks }, () => {
    const source = sourceOf(body);
    const spec = compileForTest(source, live);
    const maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]));
    const memories = new Map(Array.from(maps.values(), (map) => [map.name, map.memory()]));
    const program = loadProgram(spec, maps);
    try {
      const random = randomOf(seed);
      for (let i = 0; i < PACKETS; i++) {
        for (const { bytes } of memories.values()) bytes.fill(0);
        const packet = randomBytes(random, Data.size + 20);
        const expected = runAsJavaScript(source, live, packet);
        const { returnValue, data } = program.testRun({ data: packet });
        const message = `packet ${i} (SEED=${seed} repeats it)`;
        assert.equal(returnValue, expected.verdict, message);
        assert.deepEqual(Uint8Array.from(data), expected.packet, message);
        for (const [name, { bytes }] of memories) assert.deepEqual(bytes.slice(0, expected.tables[name]!.length), expected.tables[name], `${message}: table ${name}`);
      }
    } finally {
      for (const held of [program, ...memories.values(), ...maps.values()]) held.close();
    }
  });
}
