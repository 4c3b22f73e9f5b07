// Instructions as text, in the words of the kernel's verifier log and of bpftool (Linux kernel/bpf/disasm.c):
//
//    2: r2 = *(u32 *)(r6 +76)
//    3: if r2 > r3 goto pc+5
//    4: call bpf_redirect#23

import { helperName } from "./helper-names.js";
import type { Instruction } from "./instruction.js";
import { decodeInstructions, slotsOf, wideImmediate } from "./instruction.js";
import * as op from "./opcode.js";
import { lineAt } from "./program.js";
import type { ProgramSpec, Relocation } from "./spec.js";

/** The whole program, a numbered instruction a line, under the names of its functions and the source lines it knows. */
export function disassemble(program: ProgramSpec): string {
  const instructions = decodeInstructions(program.instructions);
  const relocations = new Map(program.relocations.map((relocation) => [relocation.at, relocation]));
  const functions = new Map(program.functionInfo.map((info) => [info.at, info.name]));
  const sources = new Map(program.lineInfo.map((info) => [info.at, info]));
  const lines: string[] = [];
  for (let slot = 0; slot < instructions.length; slot += slotsOf(instructions[slot]!.opcode)) {
    const name = functions.get(slot);
    if (name !== undefined) lines.push(`${name}:`);
    const source = sources.get(slot);
    if (source !== undefined) lines.push(`; ${lineAt(program, source).text.trim()}`);
    lines.push(`${String(slot).padStart(4)}: ${disassembleInstruction(instructions, slot, relocations.get(slot))}`);
  }
  return lines.join("\n");
}

/** The instruction that starts at `slot`; a relocation names the map that it refers to. */
export function disassembleInstruction(instructions: readonly Instruction[], slot: number, relocation?: Relocation): string {
  const instruction = instructions[slot];
  if (instruction === undefined) return "(beyond the end)";
  switch (op.classOf(instruction.opcode)) {
    case op.BPF_ALU:
    case op.BPF_ALU64: return arithmetic(instruction);
    case op.BPF_JMP:
    case op.BPF_JMP32: return jump(instruction);
    case op.BPF_LDX: return load(instruction);
    case op.BPF_ST: return store(instruction, String(instruction.imm));
    case op.BPF_STX: return op.modeOf(instruction.opcode) === op.BPF_ATOMIC ? atomic(instruction) : store(instruction, `r${instruction.src}`);
    default: return wideLoad(instruction, instructions[slot + 1], relocation);
  }
}

const arithmeticSigns: { readonly [operation: number]: string } = {
  [op.BPF_ADD]: "+=", [op.BPF_SUB]: "-=", [op.BPF_MUL]: "*=", [op.BPF_DIV]: "/=", [op.BPF_OR]: "|=", [op.BPF_AND]: "&=",
  [op.BPF_LSH]: "<<=", [op.BPF_RSH]: ">>=", [op.BPF_MOD]: "%=", [op.BPF_XOR]: "^=", [op.BPF_MOV]: "=", [op.BPF_ARSH]: "s>>=",
};

function arithmetic(instruction: Instruction): string {
  const { opcode, dst, src, imm } = instruction;
  const wide = op.classOf(opcode) === op.BPF_ALU64;
  const letter = wide ? "r" : "w";
  const operation = op.operationOf(opcode);
  if (operation === op.BPF_NEG) return `${letter}${dst} = -${letter}${dst}`;
  if (operation === op.BPF_END && !wide) return `r${dst} = ${op.sourceOf(opcode) === op.BPF_TO_BE ? "be" : "le"}${imm} r${dst}`;
  const sign = arithmeticSigns[operation];
  if (sign === undefined) return unknown(instruction);
  return `${letter}${dst} ${sign} ${op.sourceOf(opcode) === op.BPF_X ? `${letter}${src}` : imm}`;
}

const comparisonSigns: { readonly [operation: number]: string } = {
  [op.BPF_JEQ]: "==", [op.BPF_JGT]: ">", [op.BPF_JGE]: ">=", [op.BPF_JSET]: "&", [op.BPF_JNE]: "!=", [op.BPF_JSGT]: "s>",
  [op.BPF_JSGE]: "s>=", [op.BPF_JLT]: "<", [op.BPF_JLE]: "<=", [op.BPF_JSLT]: "s<", [op.BPF_JSLE]: "s<=",
};

function jump(instruction: Instruction): string {
  const { opcode, dst, src, offset, imm } = instruction;
  const wide = op.classOf(opcode) === op.BPF_JMP;
  const letter = wide ? "r" : "w";
  const operation = op.operationOf(opcode);
  if (wide && operation === op.BPF_EXIT) return "exit";
  if (wide && operation === op.BPF_JA) return `goto pc${signed(offset)}`;
  if (wide && operation === op.BPF_CALL) {
    if (src === op.BPF_PSEUDO_CALL) return `call pc${signed(imm)}`;
    return src === 0 ? `call ${helperName(imm)}#${imm}` : unknown(instruction);
  }
  const sign = comparisonSigns[operation];
  if (sign === undefined) return unknown(instruction);
  const right = op.sourceOf(opcode) === op.BPF_X ? `${letter}${src}` : `0x${(imm >>> 0).toString(16)}`;
  return `if ${letter}${dst} ${sign} ${right} goto pc${signed(offset)}`;
}

function load(instruction: Instruction): string {
  const { opcode, dst, src, offset } = instruction;
  return op.modeOf(opcode) === op.BPF_MEM ? `r${dst} = *${memory(opcode, src, offset)}` : unknown(instruction);
}

function store(instruction: Instruction, value: string): string {
  const { opcode, dst, offset } = instruction;
  return op.modeOf(opcode) === op.BPF_MEM ? `*${memory(opcode, dst, offset)} = ${value}` : unknown(instruction);
}

const atomicWords: { readonly [operation: number]: readonly [sign: string, word: string] } = {
  [op.BPF_ADD]: ["+=", "add"], [op.BPF_OR]: ["|=", "or"], [op.BPF_AND]: ["&=", "and"], [op.BPF_XOR]: ["^=", "xor"],
};

function atomic(instruction: Instruction): string {
  const { opcode, dst, src, offset, imm } = instruction;
  const place = memory(opcode, dst, offset);
  const width = op.accessBytes(opcode) === 8 ? "64" : "";
  if (imm === op.BPF_CMPXCHG) return `r0 = atomic${width}_cmpxchg(${place}, r0, r${src})`;
  if (imm === op.BPF_XCHG) return `r${src} = atomic${width}_xchg(${place}, r${src})`;
  const words = atomicWords[imm & ~op.BPF_FETCH];
  if (words === undefined) return unknown(instruction);
  return imm & op.BPF_FETCH ? `r${src} = atomic${width}_fetch_${words[1]}(${place}, r${src})` : `lock *${place} ${words[0]} r${src}`;
}

function wideLoad(instruction: Instruction, second: Instruction | undefined, relocation: Relocation | undefined): string {
  if (instruction.opcode !== op.BPF_LD_IMM64 || second === undefined) return unknown(instruction);
  const { dst, src, imm } = instruction;
  if (relocation?.kind === "map") return `r${dst} = map[${relocation.map}]`;
  if (relocation?.kind === "value") return `r${dst} = map[${relocation.map}][0]+${relocation.offset}`;
  if (src === op.BPF_PSEUDO_MAP_FD) return `r${dst} = map[fd:${imm}]`;
  if (src === op.BPF_PSEUDO_MAP_VALUE) return `r${dst} = map[fd:${imm}][0]+${second.imm}`;
  if (src === op.BPF_PSEUDO_FUNC) return `r${dst} = subprog[${signed(imm)}]`;
  return src === 0 ? `r${dst} = 0x${wideImmediate(instruction, second).toString(16)}` : unknown(instruction);
}

const memory = (opcode: number, base: number, offset: number): string => `(u${op.accessBytes(opcode) * 8} *)(r${base} ${signed(offset)})`;

const signed = (value: number): string => (value < 0 ? `${value}` : `+${value}`);

function unknown({ opcode, dst, src, offset, imm }: Instruction): string {
  return `(0x${opcode.toString(16).padStart(2, "0")}, dst ${dst}, src ${src}, offset ${offset}, imm ${imm})`;
}
