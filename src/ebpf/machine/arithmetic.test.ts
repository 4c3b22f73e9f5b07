import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../_random.js";
import * as op from "../opcode.js";
import { arithmetic32, arithmetic64, holds32, holds64, swapBytes } from "./arithmetic.js";
import { createRegisters, get64, set64, setNumber } from "./registers.js";

const A = 2;
const B = 4;

function compute(run: typeof arithmetic64, operation: number, a: bigint, b: bigint): bigint {
  const r = createRegisters();
  set64(r, A, a);
  set64(r, B, b);
  run(r, operation, A, B);
  return get64(r, A);
}

/** RFC 9669 section 4.1, in bigints. */
function expected(operation: number, a: bigint, b: bigint, bits: 32 | 64): bigint {
  const x = BigInt.asUintN(bits, a);
  const y = BigInt.asUintN(bits, b);
  const count = y & BigInt(bits - 1);
  const results: { [operation: number]: () => bigint } = {
    [op.BPF_ADD]: () => x + y, [op.BPF_SUB]: () => x - y, [op.BPF_MUL]: () => x * y,
    [op.BPF_DIV]: () => (y === 0n ? 0n : x / y), [op.BPF_MOD]: () => (y === 0n ? x : x % y),
    [op.BPF_OR]: () => x | y, [op.BPF_AND]: () => x & y, [op.BPF_XOR]: () => x ^ y, [op.BPF_MOV]: () => y, [op.BPF_NEG]: () => -x,
    [op.BPF_LSH]: () => x << count, [op.BPF_RSH]: () => x >> count, [op.BPF_ARSH]: () => BigInt.asIntN(bits, x) >> count,
  };
  return BigInt.asUintN(bits, results[operation]!());
}

const operations = [op.BPF_ADD, op.BPF_SUB, op.BPF_MUL, op.BPF_DIV, op.BPF_MOD, op.BPF_OR, op.BPF_AND, op.BPF_XOR, op.BPF_MOV, op.BPF_NEG,
  op.BPF_LSH, op.BPF_RSH, op.BPF_ARSH];

const edges = [0n, 1n, 2n, 31n, 32n, 33n, 63n, 64n, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn];

test("arithmetic of 64 and of 32 bits agrees with bigints at the edges of each width", () => {
  for (const operation of operations) {
    for (const a of edges) {
      for (const b of edges) {
        const what = `operation 0x${operation.toString(16)} of 0x${a.toString(16)}, 0x${b.toString(16)}`;
        assert.equal(compute(arithmetic64, operation, a, b), expected(operation, a, b, 64), what);
        assert.equal(compute(arithmetic32, operation, a, b), expected(operation, a, b, 32), `32-bit ${what}`);
      }
    }
  }
});

test("arithmetic agrees with bigints on random operands", () => {
  const { next, below, note } = seededRandom();
  const operand = () => ((BigInt(next()) << 32n) | BigInt(next())) >> BigInt(below(64));
  for (let i = 0; i < 20_000; i++) {
    const operation = operations[below(operations.length)]!;
    const [a, b] = [operand(), operand()];
    const what = `${note}: operation 0x${operation.toString(16)} of 0x${a.toString(16)}, 0x${b.toString(16)}`;
    assert.equal(compute(arithmetic64, operation, a, b), expected(operation, a, b, 64), what);
    assert.equal(compute(arithmetic32, operation, a, b), expected(operation, a, b, 32), `32-bit ${what}`);
  }
});

test("an operation on one register twice reads it before it writes it", () => {
  const r = createRegisters();
  set64(r, A, 0x1_8000_0000n);
  arithmetic64(r, op.BPF_ADD, A, A);
  assert.equal(get64(r, A), 0x3_0000_0000n);
  arithmetic64(r, op.BPF_SUB, A, A);
  assert.equal(get64(r, A), 0n);
});

test("division by zero gives 0 and leaves the remainder's dividend", () => {
  assert.equal(compute(arithmetic64, op.BPF_DIV, 7n, 0n), 0n);
  assert.equal(compute(arithmetic64, op.BPF_MOD, 0x1_0000_0007n, 0n), 0x1_0000_0007n);
  assert.equal(compute(arithmetic32, op.BPF_MOD, 0x1_0000_0007n, 0n), 7n);
});

test("comparisons are signed or unsigned as their names say", () => {
  const compare: { [operation: number]: (a: bigint, b: bigint) => boolean } = {
    [op.BPF_JEQ]: (a, b) => a === b, [op.BPF_JNE]: (a, b) => a !== b, [op.BPF_JSET]: (a, b) => (a & b) !== 0n,
    [op.BPF_JGT]: (a, b) => a > b, [op.BPF_JGE]: (a, b) => a >= b, [op.BPF_JLT]: (a, b) => a < b, [op.BPF_JLE]: (a, b) => a <= b,
  };
  const signedForms: readonly [number, number][] =
    [[op.BPF_JSGT, op.BPF_JGT], [op.BPF_JSGE, op.BPF_JGE], [op.BPF_JSLT, op.BPF_JLT], [op.BPF_JSLE, op.BPF_JLE]];
  const r = createRegisters();
  for (const a of edges) {
    for (const b of edges) {
      set64(r, A, a);
      set64(r, B, b);
      const unsigned = (bits: number) => [BigInt.asUintN(bits, a), BigInt.asUintN(bits, b)] as const;
      const signed = (bits: number) => [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)] as const;
      for (const [operation, holds] of Object.entries(compare)) {
        assert.equal(holds64(r, Number(operation), A, B), holds(...unsigned(64)), `${operation} of ${a}, ${b}`);
        assert.equal(holds32(r, Number(operation), A, B), holds(...unsigned(32)), `32-bit ${operation} of ${a}, ${b}`);
      }
      for (const [operation, form] of signedForms) {
        assert.equal(holds64(r, operation, A, B), compare[form]!(...signed(64)), `${operation} of ${a}, ${b}`);
        assert.equal(holds32(r, operation, A, B), compare[form]!(...signed(32)), `32-bit ${operation} of ${a}, ${b}`);
      }
    }
  }
});

test("byte swaps reverse the width they name and zero what lies above", () => {
  const swap = (bits: number, reverse: boolean) => {
    const r = createRegisters();
    set64(r, A, 0x0102_0304_0506_0708n);
    swapBytes(r, A, bits, reverse);
    return get64(r, A);
  };
  assert.equal(swap(16, true), 0x0807n);
  assert.equal(swap(32, true), 0x0807_0605n);
  assert.equal(swap(64, true), 0x0807_0605_0403_0201n);
  assert.equal(swap(16, false), 0x0708n);
  assert.equal(swap(32, false), 0x0506_0708n);
  assert.equal(swap(64, false), 0x0102_0304_0506_0708n);
});

test("a JavaScript number is sign-extended into a register", () => {
  const r = createRegisters();
  for (const value of [0, 1, -1, -22, 0xffff_ffff, 0x1_0000_0000, -0x1_0000_0000]) {
    setNumber(r, A, value);
    assert.equal(get64(r, A), BigInt.asUintN(64, BigInt(value)));
  }
});
