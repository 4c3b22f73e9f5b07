import assert from "node:assert/strict";
import { test } from "node:test";
import * as asm from "#ebpf/assemble.js";
import { ringBuffer } from "#prelude/maps.js";
import { XDP_PASS } from "#prelude/packet.js";
import { bpfLacks } from "./_privileges.js";
import { BpfMap } from "./map.js";
import { loadProgram, type BpfProgram } from "./program.js";
import { RingBufferReader } from "./ring-buffer.js";

const { r0, r1, r2, r3, r4, r6, r10 } = asm;
const bpf_ringbuf_output = 130;
const packet = new Uint8Array(64);

/** Each run puts a record of three words into the ring: 0x1234, 0, 0x1234. */
function withRing(bytes: number, use: (reader: RingBufferReader, program: BpfProgram) => void | Promise<void>): void | Promise<void> {
  const spec = ringBuffer("events", bytes);
  const map = BpfMap.create(spec);
  const program = loadProgram(asm.assembleProgram({ name: "record", type: "xdp" }, [
    asm.mov64(r6, 0x1234), asm.store64(r10, -16, r6), asm.store64(r10, -8, r6),
    asm.mapReference(r1, spec), asm.mov64(r2, r10), asm.add64(r2, -16), asm.mov64(r3, 12), asm.mov64(r4, 0),
    asm.callHelper(bpf_ringbuf_output),
    asm.mov64(r0, XDP_PASS), asm.exit(),
  ]), new Map([[spec.name, map]]));
  const reader = new RingBufferReader(map);
  const close = () => [reader, program, map].forEach((held) => held.close());
  const running = use(reader, program);
  if (running instanceof Promise) return running.finally(close);
  close();
}

const words = (record: Uint8Array) => [...new Uint32Array(record.slice().buffer)];

test("records are read in place, in order, each once", { skip: bpfLacks }, () => withRing(4096, (reader, program) => {
  assert.equal(reader.read(() => assert.fail("empty")), 0);
  program.testRun({ data: packet, repeat: 3 });
  const records: number[][] = [];
  assert.equal(reader.read((record) => records.push(words(record)), 2), 2);
  assert.equal(reader.read((record) => records.push(words(record))), 1);
  assert.deepEqual(records, Array.from({ length: 3 }, () => [0x1234, 0, 0x1234]));
  assert.equal(reader.read(() => assert.fail("read twice")), 0);
}));

test("a full ring loses what comes, not what is there, and goes round", { skip: bpfLacks }, () => withRing(4096, (reader, program) => {
  for (let round = 0; round < 5; round++) {
    program.testRun({ data: packet, repeat: 1000 });
    // 4096 bytes hold 170 records of 8 + 12 bytes, rounded up to 24.
    assert.equal(reader.read((record) => assert.deepEqual(words(record), [0x1234, 0, 0x1234])), 170);
  }
}));

test("listen() is woken by a record and ends when told", { skip: bpfLacks }, () => withRing(4096, async (reader, program) => {
  let heard = 0;
  const stop = reader.listen(() => heard++);
  for (let i = 1; i <= 3; i++) {
    program.testRun({ data: packet });
    const deadline = performance.now() + 2000;
    while (heard < i && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(heard, i);
  }
  stop();
  program.testRun({ data: packet });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard, 3);
  assert.equal(reader.read(() => {}), 1);
}));
