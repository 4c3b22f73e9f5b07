// Makes IR: blocks, edges and instructions, with ids, `block` and `predecessors` kept right. Lowering builds with the
// Builder; passes and tests use the functions below it. Constant operands fold at once, so that a condition known when
// compiling is a constant by the time somebody asks.

import type { MapSpec } from "#ebpf/spec.js";
import type {
  AccessBits, AtomicOperator, BinaryOperator, Block, Instruction, InstructionKind, IrFunction, IrType, Predicate, Space, Span,
  StackSlot, Terminator,
} from "./ir.js";
import { foldBinary, foldByteSwap, foldCompare, wrap } from "./ir-arithmetic.js";

type HelperOf = Extract<InstructionKind, { op: "callHelper" }>["helper"];

/** The last id given out in each function, to instructions, blocks and slots. */
const lastIds = new WeakMap<IrFunction, { instruction: number; block: number; slot: number }>();

function idsOf(fn: IrFunction) {
  let ids = lastIds.get(fn);
  if (ids === undefined) {
    const top = (all: readonly { readonly id: number }[]) => all.reduce((most, { id }) => Math.max(most, id), -1);
    ids = { instruction: top(fn.blocks.flatMap((block) => block.instructions)), block: top(fn.blocks), slot: top(fn.slots) };
    lastIds.set(fn, ids);
  }
  return ids;
}

/** A function with no blocks yet; the first newBlock() is its entry. */
export function newFunction(
  name: string,
  signature: Pick<IrFunction, "parameters" | "returnType" | "returnKernelType">,
  span?: Span,
): IrFunction {
  return { name, ...signature, blocks: [], slots: [], span };
}

export function newBlock(fn: IrFunction, unlikely = false): Block {
  const block: Block = { id: ++idsOf(fn).block, instructions: [], terminator: undefined, predecessors: [], unlikely };
  fn.blocks.push(block);
  return block;
}

export function newSlot(fn: IrFunction, size: number, name: string): StackSlot {
  const slot: StackSlot = { id: ++idsOf(fn).slot, size, name };
  fn.slots.push(slot);
  return slot;
}

/** An instruction that belongs to `block` but does not stand in it yet. */
export function newInstruction<K extends InstructionKind>(
  fn: IrFunction, block: Block, type: IrType, kind: K, span?: Span,
): Instruction & K {
  return { id: ++idsOf(fn).instruction, type, block, span, ...kind } as Instruction & K;
}

/** The blocks that a terminator leads to, one for each edge. */
export function targetsOf(terminator: Terminator | undefined): Block[] {
  if (terminator?.op === "jump") return [terminator.target];
  if (terminator?.op === "branch") return [terminator.ifTrue, terminator.ifFalse];
  return [];
}

export const successorsOf = (block: Block): Block[] => targetsOf(block.terminator);

/**
 * Gives `block` its terminator and enters it among the targets' predecessors, one entry an edge. A block that had one
 * loses its old edges first. Phis of new targets are the caller's to extend.
 */
export function setTerminator(block: Block, terminator: Terminator): void {
  for (const target of successorsOf(block)) removePredecessor(target, block);
  block.terminator = terminator;
  for (const target of targetsOf(terminator)) target.predecessors.push(block);
}

/** `block`, which has no terminator yet, ends as `from` did: its edges begin here now, in the same places. */
export function takeTerminator(block: Block, from: Block): void {
  for (const target of successorsOf(from)) {
    target.predecessors = target.predecessors.map((predecessor) => (predecessor === from ? block : predecessor));
  }
  block.terminator = from.terminator;
  from.terminator = undefined;
}

/** Removes one edge `predecessor` → `block`, with its argument in each phi. */
export function removePredecessor(block: Block, predecessor: Block): void {
  const at = block.predecessors.indexOf(predecessor);
  if (at < 0) return;
  block.predecessors.splice(at, 1);
  for (const instruction of block.instructions) {
    if (instruction.op === "phi") instruction.args.splice(at, 1);
  }
}

/** The value of a constant, or undefined. */
export const constantOf = (value: Instruction): bigint | undefined => (value.op === "constant" ? value.value : undefined);

/** Appends to `block`, the current block; `span` goes to each instruction. Set both as you go. */
export class Builder {
  block: Block;
  span: Span | undefined;

  constructor(readonly fn: IrFunction) {
    this.block = fn.blocks[0] ?? newBlock(fn);
  }

  emit<K extends InstructionKind>(type: IrType, kind: K): Instruction & K {
    const instruction = newInstruction(this.fn, this.block, type, kind, this.span);
    this.block.instructions.push(instruction);
    return instruction;
  }

  constant(type: "i32" | "i64" | "bool" | "pointer", value: bigint | number | boolean): Instruction {
    return this.emit(type, { op: "constant", value: wrap(type, BigInt(value)), args: [] });
  }

  parameter(index: number): Instruction {
    const parameter = this.fn.parameters[index];
    if (parameter === undefined) throw new RangeError(`function ${this.fn.name} has no parameter ${index}`);
    return this.emit(parameter.type, { op: "parameter", index, args: [] });
  }

  mapReference(map: MapSpec): Instruction {
    return this.emit("pointer", { op: "mapReference", map, args: [] });
  }

  mapValue(map: MapSpec, offset = 0): Instruction {
    return this.emit("pointer", { op: "mapValue", map, offset, args: [] });
  }

  mapBank(map: MapSpec, bank: Instruction): Instruction {
    return this.emit("pointer", { op: "mapBank", map, args: [bank] });
  }

  functionReference(callee: IrFunction): Instruction {
    return this.emit("pointer", { op: "functionReference", callee, args: [] });
  }

  stackAddress(slot: StackSlot): Instruction {
    return this.emit("pointer", { op: "stackAddress", slot, args: [] });
  }

  binary(operator: BinaryOperator, left: Instruction, right: Instruction): Instruction {
    const [a, b] = [constantOf(left), constantOf(right)];
    if (a !== undefined && b !== undefined) return this.constant(left.type as "i32", foldBinary(operator, left.type, a, b));
    return this.emit(left.type, { op: "binary", operator, args: [left, right] });
  }

  compare(predicate: Predicate, left: Instruction, right: Instruction): Instruction {
    const [a, b] = [constantOf(left), constantOf(right)];
    if (a !== undefined && b !== undefined) return this.constant("bool", foldCompare(predicate, left.type, a, b));
    return this.emit("bool", { op: "compare", predicate, args: [left, right] });
  }

  /** `boolToInt` gives an i32, `zeroExtend` and `signExtend` an i64, `truncate` an i32. */
  convert(op: "zeroExtend" | "signExtend" | "truncate" | "boolToInt", value: Instruction): Instruction {
    const type = op === "zeroExtend" || op === "signExtend" ? "i64" : "i32";
    const constant = constantOf(value);
    if (constant !== undefined) return this.constant(type, op === "signExtend" ? BigInt.asIntN(32, constant) : constant);
    return this.emit(type, { op, args: [value] });
  }

  byteSwap(bits: 16 | 32 | 64, value: Instruction): Instruction {
    const constant = constantOf(value);
    if (constant !== undefined) return this.constant(value.type as "i32", foldByteSwap(bits, constant));
    return this.emit(value.type, { op: "byteSwap", bits, args: [value] });
  }

  /** pointer + offset (+ index, an i64). A constant index joins the offset; adding nothing gives the pointer itself. */
  pointerAdd(pointer: Instruction, offset: number, index?: Instruction): Instruction {
    const constant = index === undefined ? 0n : constantOf(index);
    if (constant !== undefined) {
      const sum = offset + Number(constant);
      return sum === 0 ? pointer : this.emit("pointer", { op: "pointerAdd", offset: sum, args: [pointer] });
    }
    return this.emit("pointer", { op: "pointerAdd", offset, args: [pointer, index!] });
  }

  pointerDifference(left: Instruction, right: Instruction): Instruction {
    return this.emit("i64", { op: "pointerDifference", args: [left, right] });
  }

  load(bits: AccessBits, pointer: Instruction, offset: number, space: Space): Instruction {
    return this.emit(bits === 64 ? "i64" : "i32", { op: "load", bits, offset, space, args: [pointer] });
  }

  /** The context's data or data_end. */
  loadPointer(context: Instruction, offset: number): Instruction {
    return this.emit("pointer", { op: "load", bits: 32, offset, space: "context", args: [context] });
  }

  store(bits: AccessBits, pointer: Instruction, offset: number, value: Instruction, space: Space): void {
    this.emit("void", { op: "store", bits, offset, space, args: [pointer, value] });
  }

  atomic(operator: AtomicOperator, bits: 32 | 64, pointer: Instruction, offset: number, ...values: Instruction[]): Instruction {
    const givesNothing = operator === "add" || operator === "or" || operator === "and" || operator === "xor";
    return this.emit(givesNothing ? "void" : bits === 64 ? "i64" : "i32", { op: "atomic", operator, bits, offset, args: [pointer, ...values] });
  }

  callHelper(type: IrType, helper: HelperOf, args: Instruction[],
    effects: { reads?: StackSlot[]; writes?: StackSlot[]; pure?: boolean } = {}): Instruction {
    const { reads = [], writes = [], pure = false } = effects;
    return this.emit(type, { op: "callHelper", helper, args, reads, writes, pure });
  }

  callFunction(callee: IrFunction, args: Instruction[]): Instruction {
    return this.emit(callee.returnType, { op: "callFunction", callee, args });
  }

  /** Stands at the block's head, after the other phis, wherever the block has grown to. */
  phi(type: IrType, args: Instruction[] = [], block = this.block): Instruction & { op: "phi" } {
    const phi = newInstruction(this.fn, block, type, { op: "phi", args }, this.span);
    const at = block.instructions.findIndex(({ op }) => op !== "phi");
    block.instructions.splice(at < 0 ? block.instructions.length : at, 0, phi);
    return phi;
  }

  jump(target: Block): void {
    setTerminator(this.block, { op: "jump", target, span: this.span });
  }

  branch(condition: Instruction, ifTrue: Block, ifFalse: Block, likely?: boolean): void {
    setTerminator(this.block, { op: "branch", condition, ifTrue, ifFalse, ...(likely === undefined ? {} : { likely }), span: this.span });
  }

  return(value?: Instruction): void {
    setTerminator(this.block, { op: "return", value, span: this.span });
  }
}
