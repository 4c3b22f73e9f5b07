// The whole back end, with the optimiser and without: what random programs do on the machine is what their IR says.
// SEED=n repeats one program.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Machine } from "#ebpf/machine.js";
import type { IrProgram } from "../ir.js";
import { newBlock, newSlot } from "../ir-builder.js";
import { Interpreter } from "../_interpreter.js";
import { PACKET_BYTES, Random, randomArray, randomMaps, randomProgram } from "../_random-program.js";
import { programOf, testFunction } from "../_test-function.js";
import { optimize } from "../optimize/optimize.js";
import { generate } from "./generate.js";
import { disassemble } from "#ebpf/disassemble.js";

const PROGRAMS = 30;
/** Larger ones need more stack than there is. */
const SIZE_MAX = 16;
const firstSeed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 30));
const seeds = Array.from({ length: process.env["SEED"] === undefined ? PROGRAMS : 1 }, (_, i) => firstSeed + i);

interface Outcome {
  readonly result: number;
  readonly packet: string;
  readonly maps: readonly string[];
}
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function interpret(program: IrProgram, packet: Uint8Array): Outcome {
  const bytes = packet.slice();
  const interpreter = new Interpreter(program, bytes);
  const result = interpreter.run();
  return { result, packet: hex(bytes), maps: randomMaps.map((map) => hex(interpreter.map(map))) };
}

function execute(program: IrProgram, packet: Uint8Array): Outcome {
  const machine = new Machine();
  const arrays = randomMaps.map((spec) => machine.map(spec));
  const run = machine.run(machine.load(generate(program)), packet);
  const values = arrays.map((map) => [...map.entries()].map(([, value]) => hex(value)).join(""));
  return { result: run.verdict >>> 0, packet: hex(run.packet), maps: values };
}

for (const optimized of [false, true]) {
  test(`random programs do what their IR says, ${optimized ? "optimised" : "as they are"} (seed ${firstSeed})`, () => {
    for (const seed of seeds) {
      const size = 8 + (seed % SIZE_MAX);
      const packet = new Random(seed ^ 0xffff).bytes(PACKET_BYTES);
      const expected = interpret(randomProgram(new Random(seed), size), packet);
      const program = randomProgram(new Random(seed), size);
      if (optimized) {
        optimize(program);
        assert.deepEqual(interpret(program, packet), expected, `the optimiser changed what program ${seed} does`);
      }
      assert.deepEqual(execute(program, packet), expected, `program ${seed}`);
    }
  });
}

test("more values than registers survive a call", () => {
  const values = 24;
  const program = () => programOf(testFunction(["pointer"], (b, context) => {
    const data = b.loadPointer(context, 0);
    const [short, long] = [newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("ugt", b.pointerAdd(data, PACKET_BYTES), b.loadPointer(context, 4)), short, long);
    b.block = short;
    b.return(b.constant("i32", 0));
    b.block = long;
    const loaded = Array.from({ length: values }, (_, i) => b.load(8, data, i, "packet"));
    const slot = newSlot(b.fn, 4, "key");
    b.store(32, b.stackAddress(slot), 0, b.constant("i32", 0), "stack");
    b.callHelper("pointer", { helper: "bpf_map_lookup_elem", id: 1, movesPacket: false }, [b.mapReference(randomArray), b.stackAddress(slot)], { reads: [slot] });
    b.return(loaded.reduce((sum, value) => b.binary("add", b.binary("mul", sum, b.constant("i32", 3)), value)));
  }));
  const packet = new Random(1).bytes(PACKET_BYTES);
  assert.deepEqual(execute(program(), packet), interpret(program(), packet));
});

test("a division by a constant zero gives the kernel's answer without an instruction that the verifier refuses", () => {
  const spec = generate(programOf(testFunction(["pointer"], (b, context) => {
    const value = b.load(32, context, 12, "context");
    const zero = b.constant("i32", 0);
    b.return(b.binary("add", b.binary("udiv", value, zero), b.binary("umod", value, zero)));
  })));
  assert.doesNotMatch(disassemble(spec), /[/%]=/);
  const machine = new Machine();
  assert.equal(machine.run(machine.load(spec), new Uint8Array(64), { ifindex: 9 }).verdict, 9);
});

test("a function that nothing refers to is left out", () => {
  const unused = testFunction(["i32"], (b, x) => b.return(x));
  const entry = testFunction(["pointer"], (b) => b.return(b.constant("i32", 2)));
  assert.deepEqual(generate(programOf(entry, unused)).functionInfo.map(({ name }) => name), ["test"]);
});
