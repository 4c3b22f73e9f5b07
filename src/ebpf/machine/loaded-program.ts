// A program ready to run in the machine: its instructions' fields in arrays of their own, references to maps and
// functions replaced by addresses, as the kernel's loader does.

import { decodeInstructions } from "../instruction.js";
import { BPF_LD_IMM64, BPF_PSEUDO_FUNC } from "../opcode.js";
import type { ProgramSpec } from "../spec.js";
import { CODE_REGION } from "./memory.js";

export interface LoadedProgram {
  readonly spec: ProgramSpec;
  readonly opcodes: Uint8Array;
  /** Registers as places in the registers' array: 2n. */
  readonly destinations: Uint8Array;
  readonly sources: Uint8Array;
  readonly offsets: Int16Array;
  /** Of a 64-bit load the lower half; the upper is the next slot's. */
  readonly immediates: Int32Array;
}

/** The halves of an address. */
export interface Address {
  readonly high: number;
  readonly low: number;
}

/** `mapAddress` gives what stands for a map, or for the byte at an offset of its first value. */
export function loadProgram(spec: ProgramSpec, mapAddress: (map: string, kind: "map" | "value", offset: number) => Address): LoadedProgram {
  const instructions = decodeInstructions(spec.instructions);
  const program: LoadedProgram = {
    spec,
    opcodes: Uint8Array.from(instructions, (instruction) => instruction.opcode),
    destinations: Uint8Array.from(instructions, (instruction) => instruction.dst * 2),
    sources: Uint8Array.from(instructions, (instruction) => instruction.src * 2),
    offsets: Int16Array.from(instructions, (instruction) => instruction.offset),
    immediates: Int32Array.from(instructions, (instruction) => instruction.imm),
  };
  for (const { at, map, kind, offset } of spec.relocations) setWide(program, at, mapAddress(map, kind, offset));
  const relocated = new Set(spec.relocations.map((relocation) => relocation.at));
  instructions.forEach(({ opcode, src, imm }, at) => {
    if (opcode !== BPF_LD_IMM64 || src === 0 || relocated.has(at)) return;
    if (src !== BPF_PSEUDO_FUNC) {
      throw new RangeError(`Cannot load program "${spec.name}": instruction ${at} refers to a map, but no relocation says which`);
    }
    setWide(program, at, { high: CODE_REGION, low: at + 1 + imm });
  });
  return program;
}

function setWide(program: LoadedProgram, at: number, address: Address): void {
  if (program.opcodes[at] !== BPF_LD_IMM64) {
    throw new RangeError(`Cannot load program "${program.spec.name}": instruction ${at} has a relocation, but is no 64-bit load`);
  }
  program.immediates[at] = address.low;
  program.immediates[at + 1] = address.high;
}
