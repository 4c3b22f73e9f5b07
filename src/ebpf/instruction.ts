// One instruction slot as data, and its eight bytes:
//
//    byte 0      1          2–3           4–7
//    opcode | src<<4|dst | offset (i16) | imm (i32)
//
// A 64-bit immediate load takes two slots; the second has opcode 0 and the upper half in imm. Positions in a program
// count slots, as the kernel's do. Bytes are little-endian, as on every machine that weir runs on (x86-64, arm64).

import { BPF_LD_IMM64 } from "./opcode.js";

export interface Instruction {
  readonly opcode: number;
  /** Register number, 0 … 10. */
  readonly dst: number;
  /** Register number, or what BPF_PSEUDO_… says. */
  readonly src: number;
  /** Signed, 16 bits: of memory in bytes, of a jump in slots after this one. */
  readonly offset: number;
  /** Signed, 32 bits. */
  readonly imm: number;
}

export const INSTRUCTION_BYTES = 8;

export function encodeInstructions(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  instructions.forEach((instruction, slot) => encodeInstruction(instruction, view, slot));
  return bytes;
}

/** Writes one slot; throws RangeError when a field does not fit. */
export function encodeInstruction(instruction: Instruction, view: DataView, slot: number): void {
  const { opcode, dst, src, offset, imm } = instruction;
  expectWithin("opcode", opcode, 0, 0xff, slot);
  expectWithin("destination register", dst, 0, 15, slot);
  expectWithin("source register", src, 0, 15, slot);
  expectWithin("offset", offset, -0x8000, 0x7fff, slot);
  expectWithin("immediate", imm, -0x8000_0000, 0x7fff_ffff, slot);
  const at = slot * INSTRUCTION_BYTES;
  view.setUint8(at, opcode);
  view.setUint8(at + 1, (src << 4) | dst);
  view.setInt16(at + 2, offset, true);
  view.setInt32(at + 4, imm, true);
}

export function decodeInstructions(bytes: Uint8Array): Instruction[] {
  if (bytes.length % INSTRUCTION_BYTES !== 0) {
    throw new RangeError(`Cannot decode ${bytes.length} bytes of instructions: each has ${INSTRUCTION_BYTES} bytes`);
  }
  return Array.from({ length: bytes.length / INSTRUCTION_BYTES }, (_, slot) => decodeInstruction(bytes, slot));
}

export function decodeInstruction(bytes: Uint8Array, slot: number): Instruction {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = slot * INSTRUCTION_BYTES;
  const registers = view.getUint8(at + 1);
  return {
    opcode: view.getUint8(at), dst: registers & 15, src: registers >> 4,
    offset: view.getInt16(at + 2, true), imm: view.getInt32(at + 4, true),
  };
}

/** How many slots the instruction takes that starts with this one. */
export const slotsOf = (opcode: number): 1 | 2 => (opcode === BPF_LD_IMM64 ? 2 : 1);

/** The value of a 64-bit immediate load from its two slots. */
export function wideImmediate(first: Instruction, second: Instruction): bigint {
  return (BigInt.asUintN(32, BigInt(second.imm)) << 32n) | BigInt.asUintN(32, BigInt(first.imm));
}

function expectWithin(what: string, value: number, least: number, most: number, slot: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`Cannot encode instruction ${slot}: its ${what} is ${value}, and ${least} to ${most} fit`);
}
