// Random programs through the optimiser and the back end into the kernel: the verifier takes them, and the JIT's code
// does what the IR says. SEED=n repeats one program.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Interpreter } from "#compiler/_interpreter.js";
import { PACKET_BYTES, Random, randomMaps, randomProgram, randomTable } from "#compiler/_random-program.js";
import { generate } from "#compiler/backend/generate.js";
import { optimize } from "#compiler/optimize/optimize.js";
import { BpfMap } from "#kernel/map.js";
import { loadProgram } from "#kernel/program.js";

const PROGRAMS = 25;
const firstSeed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 30));
const seeds = Array.from({ length: process.env["SEED"] === undefined ? PROGRAMS : 1 }, (_, i) => firstSeed + i);

const kernelLacks = ((): string | false => {
  try {
    BpfMap.create(randomTable).close();
    return false;
  } catch (error) {
    return `bpf(2) is not allowed here: ${(error as Error).message}`;
  }
})();

/** Larger ones have more paths than the verifier has patience for. */
const SIZE_MAX = 20;

test(`the kernel runs random programs as their IR says (seed ${firstSeed})`, { skip: kernelLacks }, () => {
  for (const seed of seeds) {
    const size = 4 + (seed % (SIZE_MAX - 4));
    const packet = new Random(seed ^ 0xffff).bytes(PACKET_BYTES);
    const expectedPacket = packet.slice();
    const interpreter = new Interpreter(randomProgram(new Random(seed), size), expectedPacket);
    const expected = interpreter.run();
    const program = randomProgram(new Random(seed), size);
    optimize(program);
    const maps = new Map(randomMaps.map((spec) => [spec.name, BpfMap.create(spec)]));
    const loaded = loadProgram(generate(program), maps);
    try {
      const { returnValue, data } = loaded.testRun({ data: packet });
      assert.equal(returnValue >>> 0, expected, `the result of program ${seed}`);
      assert.deepEqual(data, expectedPacket, `the packet after program ${seed}`);
    } finally {
      loaded.close();
      for (const map of maps.values()) map.close();
    }
  }
});
