// Operations on real registers become instruction slots; blocks in their final order become jump distances. What depends
// on other functions or on maps is listed for link.ts.

import type { IrFunction, Span } from "../ir.js";
import { negated } from "../ir-arithmetic.js";
import type { Instruction } from "#ebpf/instruction.js";
import * as op from "#ebpf/opcode.js";
import type { Address, AluOperator, CodeBlock, CodeFunction, Condition, Exit, Operand, Operation, Register, Wide, Width } from "./code.js";
import { FRAME, isRegister } from "./code.js";
import type { Frame } from "./frame.js";

export interface Emitted {
  readonly source: IrFunction;
  readonly instructions: Instruction[];
  /** Where each slot came from. */
  readonly spans: (Span | undefined)[];
  /** Calls of functions and loads of their addresses, to be given the distance. */
  readonly functions: { readonly at: number; readonly callee: IrFunction }[];
  readonly maps: { readonly at: number; readonly value: Wide & { kind: "map" | "mapValue" } }[];
}

/** `blocks` in the order of the program. */
export function emit(code: CodeFunction, blocks: readonly CodeBlock[], frame: Frame): Emitted {
  const emitted: Emitted = { source: code.source, instructions: [], spans: [], functions: [], maps: [] };
  const starts = blockStarts(blocks);
  blocks.forEach((block, i) => {
    const writer = new Writer(emitted, frame, starts);
    for (const operation of block.operations) writer.operation(operation);
    writer.exit(block.exit, blocks[i + 1]);
  });
  return emitted;
}

function blockStarts(blocks: readonly CodeBlock[]): ReadonlyMap<CodeBlock, number> {
  const starts = new Map<CodeBlock, number>();
  let at = 0;
  blocks.forEach((block, i) => {
    starts.set(block, at);
    at += block.operations.reduce((size, operation) => size + operationSize(operation), 0) + exitSize(block.exit, blocks[i + 1]);
  });
  return starts;
}

/** In slots. */
function operationSize({ op }: Operation): number {
  if (op === "wide" || op === "slotAddress") return 2;
  return op === "set" ? 3 : 1;
}

function exitSize(exit: Exit, next: CodeBlock | undefined): number {
  if (exit.op === "exit") return 1;
  if (exit.op === "jump") return exit.target === next ? 0 : 1;
  return exit.ifFalse === next || exit.ifTrue === next && exit.condition.predicate !== "bits" ? 1 : 2;
}

const aluCodes: { readonly [O in AluOperator]: number } = {
  add: op.BPF_ADD, sub: op.BPF_SUB, mul: op.BPF_MUL, div: op.BPF_DIV, mod: op.BPF_MOD, and: op.BPF_AND, or: op.BPF_OR, xor: op.BPF_XOR,
  lsh: op.BPF_LSH, rsh: op.BPF_RSH, arsh: op.BPF_ARSH,
};
const jumpCodes: { readonly [P in Condition["predicate"]]: number } = {
  eq: op.BPF_JEQ, ne: op.BPF_JNE, ult: op.BPF_JLT, ule: op.BPF_JLE, ugt: op.BPF_JGT, uge: op.BPF_JGE,
  slt: op.BPF_JSLT, sle: op.BPF_JSLE, sgt: op.BPF_JSGT, sge: op.BPF_JSGE, bits: op.BPF_JSET,
};
const atomicCodes = {
  add: op.BPF_ADD, or: op.BPF_OR, and: op.BPF_AND, xor: op.BPF_XOR,
  fetchAdd: op.BPF_ADD | op.BPF_FETCH, fetchOr: op.BPF_OR | op.BPF_FETCH, fetchAnd: op.BPF_AND | op.BPF_FETCH, fetchXor: op.BPF_XOR | op.BPF_FETCH,
  exchange: op.BPF_XCHG, compareExchange: op.BPF_CMPXCHG,
} as const;
const sizes = { 8: op.BPF_B, 16: op.BPF_H, 32: op.BPF_W, 64: op.BPF_DW } as const;

class Writer {
  private span: Span | undefined;

  constructor(private readonly emitted: Emitted, private readonly frame: Frame, private readonly starts: ReadonlyMap<CodeBlock, number>) {}

  operation(operation: Operation): void {
    this.span = operation.span;
    switch (operation.op) {
      case "move": return this.alu(op.BPF_MOV, operation.width, operation.to, operation.from);
      case "alu": return this.alu(aluCodes[operation.operator], operation.width, operation.to, operation.from);
      case "wide": return this.wide(operation.to, operation.value);
      case "slotAddress":
        this.alu(op.BPF_MOV, 64, operation.to, FRAME);
        return this.alu(op.BPF_ADD, 64, operation.to, { immediate: this.frame.offsetOf(operation.slot) + operation.offset });
      case "negate":
        return this.write((operation.width === 64 ? op.BPF_ALU64 : op.BPF_ALU) | op.BPF_NEG, operation.to, 0, 0, 0);
      case "swap": return this.write(op.BPF_ALU | op.BPF_END | op.BPF_TO_BE, operation.to, 0, 0, operation.bits);
      case "load":
        return this.write(op.BPF_LDX | op.BPF_MEM | sizes[operation.bits], operation.to, operation.address.base, this.offset(operation.address), 0);
      case "store": return this.store(operation);
      case "atomic":
        return this.write(op.BPF_STX | op.BPF_ATOMIC | sizes[operation.bits], operation.address.base, operation.from,
          this.offset(operation.address), atomicCodes[operation.operator]);
      case "set":
        this.alu(op.BPF_MOV, 64, operation.to, { immediate: 1 });
        this.jumpIf(operation.condition, operation.condition.predicate, 1);
        return this.alu(op.BPF_MOV, 64, operation.to, { immediate: 0 });
      case "call": return this.call(operation.callee);
    }
  }

  exit(exit: Exit, next: CodeBlock | undefined): void {
    this.span = exit.span;
    if (exit.op === "exit") return this.write(op.BPF_JMP | op.BPF_EXIT, 0, 0, 0, 0);
    if (exit.op === "jump") {
      if (exit.target !== next) this.jump(exit.target);
      return;
    }
    const { condition, ifTrue, ifFalse } = exit;
    if (ifTrue === next && condition.predicate !== "bits") {
      return this.jumpIf(condition, negated[condition.predicate], this.distance(ifFalse));
    }
    this.jumpIf(condition, condition.predicate, this.distance(ifTrue));
    if (ifFalse !== next) this.jump(ifFalse);
  }

  private alu(code: number, width: Width, to: Register, from: Operand): void {
    const opcode = (width === 64 ? op.BPF_ALU64 : op.BPF_ALU) | code;
    if (isRegister(from)) this.write(opcode | op.BPF_X, to, from, 0, 0);
    else this.write(opcode | op.BPF_K, to, 0, 0, from.immediate);
  }

  private wide(to: Register, value: Wide): void {
    const at = this.emitted.instructions.length;
    let [source, low, high] = [0, 0, 0];
    if (value.kind === "number") {
      [low, high] = [Number(BigInt.asIntN(32, value.value)), Number(BigInt.asIntN(32, value.value >> 32n))];
    } else if (value.kind === "function") {
      source = op.BPF_PSEUDO_FUNC;
      this.emitted.functions.push({ at, callee: value.callee });
    } else {
      source = value.kind === "map" ? op.BPF_PSEUDO_MAP_FD : op.BPF_PSEUDO_MAP_VALUE;
      if (value.kind === "mapValue") high = value.offset;
      this.emitted.maps.push({ at, value });
    }
    this.write(op.BPF_LD_IMM64, to, source, 0, low);
    this.write(0, 0, 0, 0, high);
  }

  private store({ bits, address, from }: Operation & { op: "store" }): void {
    const offset = this.offset(address);
    if (isRegister(from)) this.write(op.BPF_STX | op.BPF_MEM | sizes[bits], address.base, from, offset, 0);
    else this.write(op.BPF_ST | op.BPF_MEM | sizes[bits], address.base, 0, offset, from.immediate);
  }

  private call(callee: (Operation & { op: "call" })["callee"]): void {
    if ("helper" in callee) return this.write(op.BPF_JMP | op.BPF_CALL, 0, 0, 0, callee.helper);
    this.emitted.functions.push({ at: this.emitted.instructions.length, callee });
    this.write(op.BPF_JMP | op.BPF_CALL, 0, op.BPF_PSEUDO_CALL, 0, 0);
  }

  private jump(target: CodeBlock): void {
    this.write(op.BPF_JMP | op.BPF_JA, 0, 0, this.distance(target), 0);
  }

  private jumpIf({ width, left, right }: Condition, predicate: Condition["predicate"], distance: number): void {
    const opcode = (width === 64 ? op.BPF_JMP : op.BPF_JMP32) | jumpCodes[predicate];
    if (isRegister(right)) this.write(opcode | op.BPF_X, left, right, distance, 0);
    else this.write(opcode | op.BPF_K, left, 0, distance, right.immediate);
  }

  /** From after the next instruction to the block. */
  private distance(target: CodeBlock): number {
    const distance = this.starts.get(target)! - (this.emitted.instructions.length + 1);
    if (distance === (distance << 16) >> 16) return distance;
    throw new RangeError(`Function ${this.emitted.source.name} needs a jump over ${Math.abs(distance)} instructions, and eBPF's reach 32767; ` +
      `make a part of it a function of its own with "use subprogram"`);
  }

  private offset({ slot, offset }: Address): number {
    return slot === undefined ? offset : this.frame.offsetOf(slot) + offset;
  }

  private write(opcode: number, dst: Register, src: Register, offset: number, imm: number): void {
    this.emitted.instructions.push({ opcode, dst, src, offset, imm });
    this.emitted.spans.push(this.span);
  }
}
