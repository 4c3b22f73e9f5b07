// A small typed assembler, for tests, the bench and fixed programs: each function is one instruction, labels are
// strings, assemble() resolves them.
//
//   const program = assembleProgram({ name: "pass", type: "xdp" }, [
//     load32(r2, r1, 0), jeq(r2, 0, "drop"),
//     mov64(r0, XDP_PASS), exit(),
//     label("drop"), mov64(r0, XDP_DROP), exit(),
//   ]);

import type { Instruction } from "./instruction.js";
import { encodeInstructions } from "./instruction.js";
import * as op from "./opcode.js";
import type { MapSpec, ProgramSpec, ProgramType, Relocation } from "./spec.js";

export interface Register {
  readonly register: number;
}
export const [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10] =
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((register) => ({ register })) as [
    Register, Register, Register, Register, Register, Register, Register, Register, Register, Register, Register];

/** A register or an immediate. */
export type Operand = Register | number;
/** A label, or a distance in slots from the next instruction. */
export type Target = string | number;

/** Where a label's distance goes: a jump's offset, a call's or an address's immediate. */
interface Reference {
  readonly label: string;
  readonly field: "offset" | "imm";
}

/** A line of a program: a label, or an instruction that may refer to a label or a map. */
export type Statement =
  | { readonly label: string }
  | {
      readonly slots: readonly Instruction[];
      readonly reference?: Reference;
      readonly map?: { readonly spec: MapSpec; readonly kind: Relocation["kind"]; readonly offset: number };
    };

export interface Assembled {
  readonly instructions: Uint8Array;
  readonly relocations: readonly Relocation[];
  readonly maps: readonly MapSpec[];
}

export function assemble(statements: readonly Statement[]): Assembled {
  const labels = placeLabels(statements);
  const slots: Instruction[] = [];
  const relocations: Relocation[] = [];
  const maps = new Map<string, MapSpec>();
  for (const statement of statements) {
    if ("label" in statement) continue;
    if (statement.map !== undefined) {
      const { spec, kind, offset } = statement.map;
      relocations.push({ at: slots.length, map: spec.name, kind, offset });
      maps.set(spec.name, spec);
    }
    const [first, ...rest] = statement.slots;
    slots.push(resolve(first!, statement.reference, labels, slots.length), ...rest);
  }
  return { instructions: encodeInstructions(slots), relocations, maps: [...maps.values()] };
}

/** A program without BTF; callbacks, which the kernel takes only with it, run in the machine alone. */
export function assembleProgram(
  options: { readonly name: string; readonly type: ProgramType; readonly license?: string },
  statements: readonly Statement[],
): ProgramSpec {
  const { name, type, license = "GPL" } = options;
  return { name, type, license, ...assemble(statements), btf: new Uint8Array(), functionInfo: [], lineInfo: [], files: [] };
}

function placeLabels(statements: readonly Statement[]): Map<string, number> {
  const labels = new Map<string, number>();
  let slot = 0;
  for (const statement of statements) {
    if (!("label" in statement)) {
      slot += statement.slots.length;
      continue;
    }
    if (labels.has(statement.label)) throw new RangeError(`Cannot assemble: label "${statement.label}" stands twice`);
    labels.set(statement.label, slot);
  }
  return labels;
}

function resolve(instruction: Instruction, reference: Reference | undefined, labels: Map<string, number>, slot: number): Instruction {
  if (reference === undefined) return instruction;
  const target = labels.get(reference.label);
  if (target === undefined) throw new RangeError(`Cannot assemble instruction ${slot}: there is no label "${reference.label}"`);
  return { ...instruction, [reference.field]: target - slot - 1 };
}

export const label = (name: string): Statement => ({ label: name });

const slot = (opcode: number, fields: Partial<Omit<Instruction, "opcode">> = {}): Instruction =>
  ({ opcode, dst: 0, src: 0, offset: 0, imm: 0, ...fields });
const one = (opcode: number, fields: Partial<Omit<Instruction, "opcode">> = {}): Statement => ({ slots: [slot(opcode, fields)] });

/** How an operand stands in an instruction. */
const operand = (value: Operand): { source: number; src: number; imm: number } =>
  typeof value === "number" ? { source: op.BPF_K, src: 0, imm: value } : { source: op.BPF_X, src: value.register, imm: 0 };

// Arithmetic: dst = dst (operation) operand.

const arithmetic = (operation: number, arithmeticClass: number) => (dst: Register, value: Operand): Statement => {
  const { source, src, imm } = operand(value);
  return one(arithmeticClass | operation | source, { dst: dst.register, src, imm });
};
export const mov64 = arithmetic(op.BPF_MOV, op.BPF_ALU64);
export const add64 = arithmetic(op.BPF_ADD, op.BPF_ALU64);
export const sub64 = arithmetic(op.BPF_SUB, op.BPF_ALU64);
export const mul64 = arithmetic(op.BPF_MUL, op.BPF_ALU64);
export const div64 = arithmetic(op.BPF_DIV, op.BPF_ALU64);
export const mod64 = arithmetic(op.BPF_MOD, op.BPF_ALU64);
export const or64 = arithmetic(op.BPF_OR, op.BPF_ALU64);
export const and64 = arithmetic(op.BPF_AND, op.BPF_ALU64);
export const xor64 = arithmetic(op.BPF_XOR, op.BPF_ALU64);
export const lsh64 = arithmetic(op.BPF_LSH, op.BPF_ALU64);
export const rsh64 = arithmetic(op.BPF_RSH, op.BPF_ALU64);
export const arsh64 = arithmetic(op.BPF_ARSH, op.BPF_ALU64);
export const mov32 = arithmetic(op.BPF_MOV, op.BPF_ALU);
export const add32 = arithmetic(op.BPF_ADD, op.BPF_ALU);
export const sub32 = arithmetic(op.BPF_SUB, op.BPF_ALU);
export const mul32 = arithmetic(op.BPF_MUL, op.BPF_ALU);
export const div32 = arithmetic(op.BPF_DIV, op.BPF_ALU);
export const mod32 = arithmetic(op.BPF_MOD, op.BPF_ALU);
export const or32 = arithmetic(op.BPF_OR, op.BPF_ALU);
export const and32 = arithmetic(op.BPF_AND, op.BPF_ALU);
export const xor32 = arithmetic(op.BPF_XOR, op.BPF_ALU);
export const lsh32 = arithmetic(op.BPF_LSH, op.BPF_ALU);
export const rsh32 = arithmetic(op.BPF_RSH, op.BPF_ALU);
export const arsh32 = arithmetic(op.BPF_ARSH, op.BPF_ALU);
export const neg64 = (dst: Register): Statement => one(op.BPF_ALU64 | op.BPF_NEG, { dst: dst.register });
export const neg32 = (dst: Register): Statement => one(op.BPF_ALU | op.BPF_NEG, { dst: dst.register });

/** The lowest `bits` of the register, to or from network order; what lies above becomes zero. */
export const bigEndian = (dst: Register, bits: 16 | 32 | 64): Statement =>
  one(op.BPF_ALU | op.BPF_END | op.BPF_TO_BE, { dst: dst.register, imm: bits });
export const littleEndian = (dst: Register, bits: 16 | 32 | 64): Statement =>
  one(op.BPF_ALU | op.BPF_END | op.BPF_TO_LE, { dst: dst.register, imm: bits });

// Constants of 64 bits, maps and functions.

const wide = (dst: Register, src: number, low: number, high: number): readonly Instruction[] =>
  [slot(op.BPF_LD_IMM64, { dst: dst.register, src, imm: low }), slot(0, { imm: high })];
export const loadImmediate64 = (dst: Register, value: bigint): Statement =>
  ({ slots: wide(dst, 0, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))) });
export const mapReference = (dst: Register, spec: MapSpec): Statement =>
  ({ slots: wide(dst, op.BPF_PSEUDO_MAP_FD, 0, 0), map: { spec, kind: "map", offset: 0 } });
/** The address of the map's first value plus `offset` bytes. */
export const mapValue = (dst: Register, spec: MapSpec, offset = 0): Statement =>
  ({ slots: wide(dst, op.BPF_PSEUDO_MAP_VALUE, 0, offset), map: { spec, kind: "value", offset } });
export const functionAddress = (dst: Register, name: string): Statement =>
  ({ slots: wide(dst, op.BPF_PSEUDO_FUNC, 0, 0), reference: { label: name, field: "imm" } });

// Memory: *(base + offset).

const load = (size: number) => (dst: Register, base: Register, offset: number): Statement =>
  one(op.BPF_LDX | op.BPF_MEM | size, { dst: dst.register, src: base.register, offset });
export const load8 = load(op.BPF_B);
export const load16 = load(op.BPF_H);
export const load32 = load(op.BPF_W);
export const load64 = load(op.BPF_DW);

const store = (size: number) => (base: Register, offset: number, value: Operand): Statement => {
  const { source, src, imm } = operand(value);
  return one((source === op.BPF_X ? op.BPF_STX : op.BPF_ST) | op.BPF_MEM | size, { dst: base.register, src, offset, imm });
};
export const store8 = store(op.BPF_B);
export const store16 = store(op.BPF_H);
export const store32 = store(op.BPF_W);
export const store64 = store(op.BPF_DW);

/** `operation`: BPF_ADD, BPF_OR, BPF_AND, BPF_XOR, alone or with BPF_FETCH; BPF_XCHG; BPF_CMPXCHG (expects R0). */
const atomic = (size: number) => (operation: number, base: Register, offset: number, value: Register): Statement =>
  one(op.BPF_STX | op.BPF_ATOMIC | size, { dst: base.register, src: value.register, offset, imm: operation });
export const atomic32 = atomic(op.BPF_W);
export const atomic64 = atomic(op.BPF_DW);

// Jumps and calls.

const goTo = (instruction: Instruction, target: Target): Statement => typeof target === "number"
  ? { slots: [{ ...instruction, offset: target }] }
  : { slots: [instruction], reference: { label: target, field: "offset" } };
export const jump = (target: Target): Statement => goTo(slot(op.BPF_JMP | op.BPF_JA), target);

const branch = (operation: number, jumpClass: number) => (left: Register, right: Operand, target: Target): Statement => {
  const { source, src, imm } = operand(right);
  return goTo(slot(jumpClass | operation | source, { dst: left.register, src, imm }), target);
};
export const jeq = branch(op.BPF_JEQ, op.BPF_JMP);
export const jne = branch(op.BPF_JNE, op.BPF_JMP);
export const jgt = branch(op.BPF_JGT, op.BPF_JMP);
export const jge = branch(op.BPF_JGE, op.BPF_JMP);
export const jlt = branch(op.BPF_JLT, op.BPF_JMP);
export const jle = branch(op.BPF_JLE, op.BPF_JMP);
export const jset = branch(op.BPF_JSET, op.BPF_JMP);
export const jsgt = branch(op.BPF_JSGT, op.BPF_JMP);
export const jsge = branch(op.BPF_JSGE, op.BPF_JMP);
export const jslt = branch(op.BPF_JSLT, op.BPF_JMP);
export const jsle = branch(op.BPF_JSLE, op.BPF_JMP);
export const jeq32 = branch(op.BPF_JEQ, op.BPF_JMP32);
export const jne32 = branch(op.BPF_JNE, op.BPF_JMP32);
export const jgt32 = branch(op.BPF_JGT, op.BPF_JMP32);
export const jge32 = branch(op.BPF_JGE, op.BPF_JMP32);
export const jlt32 = branch(op.BPF_JLT, op.BPF_JMP32);
export const jle32 = branch(op.BPF_JLE, op.BPF_JMP32);
export const jset32 = branch(op.BPF_JSET, op.BPF_JMP32);
export const jsgt32 = branch(op.BPF_JSGT, op.BPF_JMP32);
export const jsge32 = branch(op.BPF_JSGE, op.BPF_JMP32);
export const jslt32 = branch(op.BPF_JSLT, op.BPF_JMP32);
export const jsle32 = branch(op.BPF_JSLE, op.BPF_JMP32);

/** By number: see helperId() of helper-names. */
export const callHelper = (id: number): Statement => one(op.BPF_JMP | op.BPF_CALL, { imm: id });
export const callFunction = (name: string): Statement =>
  ({ slots: [slot(op.BPF_JMP | op.BPF_CALL, { src: op.BPF_PSEUDO_CALL })], reference: { label: name, field: "imm" } });
export const exit = (): Statement => one(op.BPF_JMP | op.BPF_EXIT);
