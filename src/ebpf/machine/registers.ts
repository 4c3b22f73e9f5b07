// The machine's registers: 64 bits each, kept as two 32-bit halves because JavaScript computes with those much faster
// than with bigints. Register n has its lower half at 2n and its upper half at 2n + 1.

/** The place of an instruction's immediate, sign-extended, when it is an operand. */
export const IMMEDIATE = 22;

/** Written to registers and stacks that hold nothing: what a program reads there is no zero by luck. */
export const POISON_BYTE = 0xa5;
export const POISON = 0xa5a5a5a5;

export type Registers = Uint32Array;

export function createRegisters(): Registers {
  return new Uint32Array(24).fill(POISON);
}

export function get64(registers: Registers, at: number): bigint {
  return (BigInt(registers[at + 1]!) << 32n) | BigInt(registers[at]!);
}

export function set64(registers: Registers, at: number, value: bigint): void {
  registers[at] = Number(value & 0xffff_ffffn);
  registers[at + 1] = Number((value >> 32n) & 0xffff_ffffn);
}

/** A safe integer, sign-extended to 64 bits. */
export function setNumber(registers: Registers, at: number, value: number): void {
  registers[at] = value;
  registers[at + 1] = Math.floor(value / 0x1_0000_0000);
}
