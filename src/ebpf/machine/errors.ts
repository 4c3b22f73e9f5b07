// What stops the machine, and the numbers that helpers answer instead.

import { disassembleInstruction } from "../disassemble.js";
import { decodeInstructions } from "../instruction.js";
import { sourceOfInstruction } from "../program.js";
import type { ProgramSpec } from "../spec.js";

/** Something that the kernel's verifier would have refused, before it is known at which instruction. */
export class Fault extends Error {
  override readonly name = "Fault";
}

/** A program did what none may do: where, and what. */
export class MachineError extends Error {
  override readonly name = "MachineError";
  constructor(
    readonly program: string,
    /** The instruction's number in the program. */
    readonly instruction: number,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 *     Program "dr", instruction 12, r2 = *(u16 *)(r1 +12):
 *       reads 2 bytes at 12 of the packet, which has 10
 *       at dataplane/parse.ts:31:9: const etherType = ethernet.etherType;
 */
export function machineError(program: ProgramSpec, instruction: number, fault: Error): MachineError {
  const instructions = decodeInstructions(program.instructions);
  const relocation = program.relocations.find((candidate) => candidate.at === instruction);
  const text = disassembleInstruction(instructions, instruction, relocation);
  const source = sourceOfInstruction(program, instruction);
  const place = source === undefined ? "" : `\n  at ${source.file}:${source.line}:${source.column}: ${source.text.trim()}`;
  return new MachineError(program.name, instruction,
    `Program "${program.name}", instruction ${instruction}, ${text}:\n  ${fault.message}${place}`, { cause: fault });
}

/** Linux include/uapi/asm-generic/errno-base.h, errno.h, and include/linux/errno.h for ENOTSUPP. */
export const ENOENT = 2;
export const E2BIG = 7;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const EINVAL = 22;
export const ENOSPC = 28;
export const EALREADY = 114;
export const ENOTSUPP = 524;
