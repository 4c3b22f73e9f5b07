import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "./_random.js";
import { decodeInstructions, encodeInstructions, wideImmediate } from "./instruction.js";

test("an instruction is eight bytes: opcode, registers, offset, immediate", () => {
  const bytes = encodeInstructions([{ opcode: 0x7b, dst: 10, src: 1, offset: -8, imm: 0x01020304 }]);
  assert.deepEqual([...bytes], [0x7b, 0x1a, 0xf8, 0xff, 0x04, 0x03, 0x02, 0x01]);
});

test("random instructions decode to what was encoded", () => {
  const { next, below, note } = seededRandom();
  const instructions = Array.from({ length: 2000 }, () => ({
    opcode: below(256), dst: below(11), src: below(11), offset: (next() << 16) >> 16, imm: next() | 0,
  }));
  assert.deepEqual(decodeInstructions(encodeInstructions(instructions)), instructions, note);
});

test("a field that does not fit is refused by name", () => {
  const encode = (fields: object) => () => encodeInstructions([{ opcode: 5, dst: 0, src: 0, offset: 0, imm: 0, ...fields }]);
  assert.throws(encode({ offset: 32768 }), /instruction 0: its offset is 32768, and -32768 to 32767 fit/);
  assert.throws(encode({ imm: 2 ** 31 }), /its immediate is 2147483648/);
  assert.throws(encode({ dst: 16 }), /its destination register is 16/);
  assert.throws(() => decodeInstructions(new Uint8Array(12)), /each has 8 bytes/);
});

test("a 64-bit immediate joins its two slots", () => {
  const slot = (imm: number) => ({ opcode: 0, dst: 0, src: 0, offset: 0, imm });
  assert.equal(wideImmediate(slot(-1), slot(-2)), 0xffff_fffe_ffff_ffffn);
});
