// What eBPF's arithmetic and comparisons compute: RFC 9669 section 4.1 and 4.3. Shift counts are cut to the width,
// division by zero gives 0, the remainder by zero the dividend; a 32-bit result has a zero upper half.
// `d` and `s` are the places of destination and operand in the registers.

import { BPF_ADD, BPF_AND, BPF_ARSH, BPF_DIV, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JNE, BPF_JSET, BPF_JSGE, BPF_JSGT, BPF_JSLE,
  BPF_JSLT, BPF_LSH, BPF_MOD, BPF_MOV, BPF_MUL, BPF_NEG, BPF_OR, BPF_RSH, BPF_SUB, BPF_XOR } from "../opcode.js";
import { Fault } from "./errors.js";
import type { Registers } from "./registers.js";
import { get64, set64 } from "./registers.js";

export function arithmetic32(r: Registers, operation: number, d: number, s: number): void {
  const a = r[d]!;
  const b = r[s]!;
  r[d] = compute32(operation, a, b);
  r[d + 1] = 0;
}

function compute32(operation: number, a: number, b: number): number {
  switch (operation) {
    case BPF_ADD: return a + b;
    case BPF_SUB: return a - b;
    case BPF_MUL: return Math.imul(a, b);
    case BPF_DIV: return b === 0 ? 0 : Math.floor(a / b);
    case BPF_MOD: return b === 0 ? a : a % b;
    case BPF_OR: return a | b;
    case BPF_AND: return a & b;
    case BPF_XOR: return a ^ b;
    case BPF_LSH: return a << (b & 31);
    case BPF_RSH: return a >>> (b & 31);
    case BPF_ARSH: return (a | 0) >> (b & 31);
    case BPF_MOV: return b;
    case BPF_NEG: return -a;
    default: throw new Fault("is no instruction");
  }
}

export function arithmetic64(r: Registers, operation: number, d: number, s: number): void {
  const low = r[d]!;
  const high = r[d + 1]!;
  const operandLow = r[s]!;
  const operandHigh = r[s + 1]!;
  switch (operation) {
    case BPF_MOV:
      r[d] = operandLow;
      r[d + 1] = operandHigh;
      return;
    case BPF_ADD:
      r[d] = low + operandLow;
      r[d + 1] = high + operandHigh + (low + operandLow > 0xffff_ffff ? 1 : 0);
      return;
    case BPF_SUB:
      r[d] = low - operandLow;
      r[d + 1] = high - operandHigh - (low < operandLow ? 1 : 0);
      return;
    case BPF_NEG:
      r[d] = -low;
      r[d + 1] = -high - (low > 0 ? 1 : 0);
      return;
    case BPF_OR:
      r[d] = low | operandLow;
      r[d + 1] = high | operandHigh;
      return;
    case BPF_AND:
      r[d] = low & operandLow;
      r[d + 1] = high & operandHigh;
      return;
    case BPF_XOR:
      r[d] = low ^ operandLow;
      r[d + 1] = high ^ operandHigh;
      return;
    case BPF_LSH: return shiftLeft(r, d, low, high, operandLow & 63);
    case BPF_RSH: return shiftRight(r, d, low, high, operandLow & 63);
    case BPF_ARSH: return shiftRightSigned(r, d, low, high, operandLow & 63);
    case BPF_MUL: return multiply(r, d, s);
    case BPF_DIV: return divide(r, d, s);
    case BPF_MOD: return modulo(r, d, s);
    default: throw new Fault("is no instruction");
  }
}

// JavaScript cuts shift counts to five bits, so a shift by zero and one by 32 or more go their own ways.

function shiftLeft(r: Registers, d: number, low: number, high: number, count: number): void {
  if (count === 0) return;
  r[d] = count < 32 ? low << count : 0;
  r[d + 1] = count < 32 ? (high << count) | (low >>> (32 - count)) : low << (count - 32);
}

function shiftRight(r: Registers, d: number, low: number, high: number, count: number): void {
  if (count === 0) return;
  r[d] = count < 32 ? (low >>> count) | (high << (32 - count)) : high >>> (count - 32);
  r[d + 1] = count < 32 ? high >>> count : 0;
}

function shiftRightSigned(r: Registers, d: number, low: number, high: number, count: number): void {
  if (count === 0) return;
  r[d] = count < 32 ? (low >>> count) | (high << (32 - count)) : (high | 0) >> (count - 32);
  r[d + 1] = count < 32 ? (high | 0) >> count : (high | 0) >> 31;
}

function multiply(r: Registers, d: number, s: number): void {
  const small = r[d + 1] === 0 && r[s + 1] === 0;
  const product = small ? r[d]! * r[s]! : Infinity;
  if (product > Number.MAX_SAFE_INTEGER) return set64(r, d, get64(r, d) * get64(r, s));
  r[d] = product;
  r[d + 1] = product / 0x1_0000_0000;
}

function divide(r: Registers, d: number, s: number): void {
  if (r[s] === 0 && r[s + 1] === 0) return set64(r, d, 0n);
  if (r[d + 1] !== 0 || r[s + 1] !== 0) return set64(r, d, get64(r, d) / get64(r, s));
  r[d] = r[d]! / r[s]!;
}

function modulo(r: Registers, d: number, s: number): void {
  if (r[s] === 0 && r[s + 1] === 0) return;
  if (r[d + 1] !== 0 || r[s + 1] !== 0) return set64(r, d, get64(r, d) % get64(r, s));
  r[d] = r[d]! % r[s]!;
}

/** Reverses the lowest `bits` of the register, or only cuts it to them; what lies above becomes zero. */
export function swapBytes(r: Registers, d: number, bits: number, reverse: boolean): void {
  const low = r[d]!;
  const high = r[d + 1]!;
  switch (bits) {
    case 16:
      r[d] = reverse ? reverse32(low) >>> 16 : low & 0xffff;
      r[d + 1] = 0;
      return;
    case 32:
      r[d] = reverse ? reverse32(low) : low;
      r[d + 1] = 0;
      return;
    case 64:
      if (!reverse) return;
      r[d] = reverse32(high);
      r[d + 1] = reverse32(low);
      return;
    default: throw new Fault(`swaps ${bits} bits; 16, 32 and 64 can be swapped`);
  }
}

const reverse32 = (value: number): number =>
  ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

export function holds32(r: Registers, operation: number, d: number, s: number): boolean {
  const a = r[d]!;
  const b = r[s]!;
  switch (operation) {
    case BPF_JEQ: return a === b;
    case BPF_JNE: return a !== b;
    case BPF_JGT: return a > b;
    case BPF_JGE: return a >= b;
    case BPF_JLT: return a < b;
    case BPF_JLE: return a <= b;
    case BPF_JSET: return (a & b) !== 0;
    case BPF_JSGT: return (a | 0) > (b | 0);
    case BPF_JSGE: return (a | 0) >= (b | 0);
    case BPF_JSLT: return (a | 0) < (b | 0);
    case BPF_JSLE: return (a | 0) <= (b | 0);
    default: throw new Fault("is no instruction");
  }
}

export function holds64(r: Registers, operation: number, d: number, s: number): boolean {
  const low = r[d]!;
  const high = r[d + 1]!;
  const operandLow = r[s]!;
  const operandHigh = r[s + 1]!;
  switch (operation) {
    case BPF_JEQ: return low === operandLow && high === operandHigh;
    case BPF_JNE: return low !== operandLow || high !== operandHigh;
    case BPF_JSET: return ((low & operandLow) | (high & operandHigh)) !== 0;
    case BPF_JGT: return high === operandHigh ? low > operandLow : high > operandHigh;
    case BPF_JGE: return high === operandHigh ? low >= operandLow : high > operandHigh;
    case BPF_JLT: return high === operandHigh ? low < operandLow : high < operandHigh;
    case BPF_JLE: return high === operandHigh ? low <= operandLow : high < operandHigh;
    case BPF_JSGT: return high === operandHigh ? low > operandLow : (high | 0) > (operandHigh | 0);
    case BPF_JSGE: return high === operandHigh ? low >= operandLow : (high | 0) > (operandHigh | 0);
    case BPF_JSLT: return high === operandHigh ? low < operandLow : (high | 0) < (operandHigh | 0);
    case BPF_JSLE: return high === operandHigh ? low <= operandLow : (high | 0) < (operandHigh | 0);
    default: throw new Fault("is no instruction");
  }
}
