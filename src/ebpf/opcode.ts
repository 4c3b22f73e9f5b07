// The numbers of eBPF's instruction set, under the names that Linux gives them in include/uapi/linux/bpf_common.h and
// include/uapi/linux/bpf.h. RFC 9669 describes what they do. An opcode is a sum: class | operation | source, or
// class | mode | size. weir emits version 3 of the set (32-bit jumps and arithmetic, atomics), in kernels since 5.12.

/** Instruction classes: opcode & 0x07. */
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_JMP32 = 0x06;
export const BPF_ALU64 = 0x07;

/** Widths of loads and stores: opcode & 0x18. */
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_DW = 0x18;

/** Modes of loads and stores: opcode & 0xe0. */
export const BPF_IMM = 0x00;
export const BPF_MEM = 0x60;
export const BPF_ATOMIC = 0xc0;

/** Source of arithmetic's and jumps' second operand: the immediate (K) or the source register (X). */
export const BPF_K = 0x00;
export const BPF_X = 0x08;

/** Arithmetic: opcode & 0xf0. */
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_MOV = 0xb0;
export const BPF_ARSH = 0xc0;
/** Byte swaps, of the width in imm; class BPF_ALU. */
export const BPF_END = 0xd0;
export const BPF_TO_LE = 0x00;
export const BPF_TO_BE = 0x08;

/** Jumps: opcode & 0xf0. */
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_JNE = 0x50;
export const BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JLT = 0xa0;
export const BPF_JLE = 0xb0;
export const BPF_JSLT = 0xc0;
export const BPF_JSLE = 0xd0;

/** Atomic operations stand in imm: BPF_ADD, BPF_OR, BPF_AND, BPF_XOR, each with or without BPF_FETCH, and these two. */
export const BPF_FETCH = 0x01;
export const BPF_XCHG = 0xe0 | BPF_FETCH;
export const BPF_CMPXCHG = 0xf0 | BPF_FETCH;

/** The 64-bit immediate load, two slots long; its source register says what the immediate is. */
export const BPF_LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;
export const BPF_PSEUDO_MAP_FD = 1;
export const BPF_PSEUDO_MAP_VALUE = 2;
export const BPF_PSEUDO_FUNC = 4;
/** In the source register of BPF_CALL: imm is a distance to a function of the program, not a helper's number. */
export const BPF_PSEUDO_CALL = 1;

/** The registers; R10 is the frame's end and cannot be written. */
export const BPF_REG_0 = 0;
export const BPF_REG_1 = 1;
export const BPF_REG_2 = 2;
export const BPF_REG_3 = 3;
export const BPF_REG_4 = 4;
export const BPF_REG_5 = 5;
export const BPF_REG_6 = 6;
export const BPF_REG_7 = 7;
export const BPF_REG_8 = 8;
export const BPF_REG_9 = 9;
export const BPF_REG_10 = 10;

/** Bytes of stack for a function's frame, below R10. */
export const MAX_BPF_STACK = 512;

export const classOf = (opcode: number): number => opcode & 0x07;
/** Of arithmetic and jumps. */
export const operationOf = (opcode: number): number => opcode & 0xf0;
export const sourceOf = (opcode: number): number => opcode & 0x08;
/** Of loads and stores. */
export const modeOf = (opcode: number): number => opcode & 0xe0;

/** Bytes that a load or store of this opcode moves. */
export function accessBytes(opcode: number): 1 | 2 | 4 | 8 {
  switch (opcode & 0x18) {
    case BPF_B: return 1;
    case BPF_H: return 2;
    case BPF_W: return 4;
    default: return 8;
  }
}
