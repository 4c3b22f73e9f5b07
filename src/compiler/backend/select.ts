// Instruction selection: IR to eBPF operations on virtual registers. A compare becomes part of the branch that asks for
// it, a constant an immediate where it fits, and two-address form is reached by copying the left operand first:
//
//   v3 = add v1 v2     →   r3 = r1; r3 += r2
//
// The copies are for registers.ts to remove.

import type { BinaryOperator, Block, Instruction, IrFunction, Span, Terminator } from "../ir.js";
import { swapped } from "../ir-arithmetic.js";
import { isMadeAtUse } from "../analysis/constants.js";
import { dominatorsOf } from "../analysis/dominators.js";
import { loopDepths } from "../analysis/loops.js";
import type { Uses } from "../analysis/uses.js";
import type { AluOperator, CodeBlock, CodeFunction, Condition, Exit, Operand, Operation, OperationKind, Register, Width } from "./code.js";
import { ARGUMENTS_MAX, R0, R1, VIRTUAL } from "./code.js";
import { onlyLowBitsUsed } from "./low-bits.js";
import { sequence } from "./parallel-moves.js";
import { coldBlocks } from "./temperature.js";
import { Values } from "./values.js";

/** Requires: critical edges split, unreachable blocks removed. */
export function select(fn: IrFunction): CodeFunction {
  return new Selector(fn).run();
}

const aluOperators: { readonly [O in BinaryOperator]: AluOperator } = {
  add: "add", sub: "sub", mul: "mul", udiv: "div", umod: "mod", and: "and", or: "or", xor: "xor", shl: "lsh", lshr: "rsh", ashr: "arsh",
};
const commutative: ReadonlySet<BinaryOperator> = new Set(["add", "mul", "and", "or", "xor"] as const);

class Selector {
  private readonly code: CodeFunction;
  private readonly blocks = new Map<Block, CodeBlock>();
  private readonly values: Values;
  private operations: Operation[] = [];
  /** Of the IR instruction in hand. */
  private span: Span | undefined;

  constructor(private readonly fn: IrFunction) {
    this.code = { source: fn, blocks: [], nextRegister: VIRTUAL };
    this.values = new Values(fn, this.code, (operation) => this.emit(operation));
  }

  run(): CodeFunction {
    const dominators = dominatorsOf(this.fn);
    const depths = loopDepths(dominators);
    const cold = coldBlocks(dominators.order);
    for (const block of dominators.order) {
      const unlikely = cold.has(block);
      const frequency = 8 ** depths.get(block)! * (unlikely ? 1 / 64 : 1);
      const placeholder: Exit = { op: "exit", hasValue: false, span: undefined };
      const code: CodeBlock = { id: block.id, operations: [], exit: placeholder, frequency, unlikely };
      this.blocks.set(block, code);
      this.code.blocks.push(code);
    }
    for (const block of dominators.order) this.block(block);
    return this.code;
  }

  private block(block: Block): void {
    const code = this.blocks.get(block)!;
    this.operations = code.operations;
    this.values.forgetConstants();
    for (const instruction of block.instructions) this.instruction(instruction);
    this.span = block.terminator!.span;
    this.phiMoves(block);
    code.exit = this.exit(block.terminator!);
  }

  private instruction(instruction: Instruction): void {
    if (isMadeAtUse(instruction) || this.values.sameRegisterAs(instruction) !== undefined) return;
    this.span = instruction.span;
    const to = () => this.values.register(instruction);
    switch (instruction.op) {
      case "phi": return;
      case "parameter": return this.result(instruction, R1 + instruction.index);
      case "binary": return this.isPartOfTest(instruction) ? undefined : this.binary(instruction);
      case "truncate": return this.emit({ op: "move", width: 32, to: to(), from: this.values.register(instruction.args[0]) });
      case "signExtend": return this.signExtend(to(), instruction.args[0]);
      case "byteSwap":
        this.values.put(to(), instruction.args[0]);
        return this.emit({ op: "swap", bits: instruction.bits, to: to() });
      case "pointerAdd": return this.pointerAdd(instruction);
      case "pointerDifference":
        this.values.put(to(), instruction.args[0]);
        return this.alu("sub", 64, to(), this.values.register(instruction.args[1]));
      case "load": {
        const address = this.values.address(instruction.args[0], instruction.offset);
        return this.emit({ op: "load", bits: instruction.bits, to: to(), address });
      }
      case "store": return this.store(instruction);
      case "atomic": return this.atomic(instruction);
      case "callHelper":
        this.arguments(instruction);
        this.emit({ op: "call", callee: { helper: instruction.helper.id, name: instruction.helper.helper }, argumentCount: instruction.args.length });
        return this.afterCall(instruction);
      case "callFunction":
        this.arguments(instruction);
        this.emit({ op: "call", callee: instruction.callee, argumentCount: instruction.args.length });
        return this.afterCall(instruction);
      case "compare":
        if (this.isAskedByBranchesOnly(instruction)) return;
        return this.emit({ op: "set", to: to(), condition: this.condition(instruction) });
      default: throw new TypeError(`Cannot select instructions for IR operation ${instruction.op}`);
    }
  }

  private binary(instruction: Instruction & { op: "binary" }): void {
    const { operator } = instruction;
    let [left, right] = instruction.args;
    const width = widthOf(instruction);
    if (commutative.has(operator) && this.isBetterFirst(right, left)) [left, right] = [right, left];
    const to = this.values.register(instruction);
    if (right.op === "constant" && right.value === 0n && (operator === "udiv" || operator === "umod")) {
      // Verifier: division by an immediate zero is refused; the kernel's rule for it is in ir-arithmetic.ts.
      return this.emit({ op: "move", width, to, from: operator === "umod" ? this.values.register(left) : { immediate: 0 } });
    }
    if (operator === "sub" && left.op === "constant" && left.value === 0n) {
      this.values.put(to, right);
      return this.emit({ op: "negate", width, to });
    }
    this.values.put(to, left);
    this.alu(aluOperators[operator], width, to, this.binaryOperand(operator, right, width));
  }

  private binaryOperand(operator: BinaryOperator, right: Instruction, width: Width): Operand {
    const isShift = operator === "shl" || operator === "lshr" || operator === "ashr";
    // Verifier: an immediate count must be less than the width.
    if (isShift && right.op === "constant") return { immediate: Number(right.value & BigInt(width - 1)) };
    return this.values.operand(right, width);
  }

  /** The copy of the first operand costs nothing when that operand is not used again; an immediate can only be second. */
  private isBetterFirst(candidate: Instruction, first: Instruction): boolean {
    if (candidate.op === "constant") return false;
    if (first.op === "constant") return true;
    return this.values.uses.of(candidate).length === 1 && this.values.uses.of(first).length > 1;
  }

  private signExtend(to: Register, value: Instruction): void {
    this.values.put(to, value);
    this.alu("lsh", 64, to, { immediate: 32 });
    this.alu("arsh", 64, to, { immediate: 32 });
  }

  private pointerAdd(instruction: Instruction & { op: "pointerAdd" }): void {
    const [pointer, index] = instruction.args;
    const to = this.values.register(instruction);
    if (pointer.op === "stackAddress" && index === undefined) {
      return this.emit({ op: "slotAddress", to, slot: this.values.frameSlot(pointer.slot), offset: instruction.offset });
    }
    if (pointer.op === "mapValue" && index === undefined) {
      return this.emit({ op: "wide", to, value: { kind: "mapValue", map: pointer.map, offset: pointer.offset + instruction.offset } });
    }
    this.values.put(to, pointer);
    if (index !== undefined) this.alu("add", 64, to, this.values.operand(index, 64));
    if (instruction.offset !== 0) this.alu("add", 64, to, { immediate: instruction.offset });
  }

  private store({ args: [pointer, value], bits, offset, space }: Instruction & { op: "store" }): void {
    // Verifier: a constant cannot be stored into the context ("BPF_ST stores into R1 ctx is not allowed", until Linux 6.4).
    const from = space === "context" ? this.values.register(value) : this.values.operand(value, bits === 64 ? 64 : 32);
    this.emit({ op: "store", bits, address: this.values.address(pointer, offset), from });
  }

  private atomic(instruction: Instruction & { op: "atomic" }): void {
    const { operator, bits, offset } = instruction;
    const pointer = instruction.args[0]!;
    const isUsed = this.values.uses.of(instruction).length > 0;
    if (operator === "compareExchange") {
      const from = this.values.register(instruction.args[2]!);
      const address = this.values.address(pointer, offset);
      this.values.put(R0, instruction.args[1]!);
      this.emit({ op: "atomic", operator, bits, address, from });
      if (isUsed) this.emit({ op: "move", width: 64, to: this.values.register(instruction), from: R0 });
      return;
    }
    const value = instruction.args[1]!;
    if (instruction.type === "void") {
      this.emit({ op: "atomic", operator, bits, address: this.values.address(pointer, offset), from: this.values.register(value) });
      return;
    }
    const old = this.values.register(instruction);
    const address = this.values.address(pointer, offset);
    this.values.put(old, value);
    this.emit({ op: "atomic", operator, bits, address, from: old });
  }

  private arguments({ args }: Instruction): void {
    if (args.length > ARGUMENTS_MAX) throw new RangeError(`A call with ${args.length} arguments; eBPF has registers for ${ARGUMENTS_MAX}`);
    args.forEach((arg, i) => this.values.put(R1 + i, arg));
  }

  private afterCall(instruction: Instruction): void {
    this.values.forgetConstants();
    if (instruction.type !== "void" && this.values.uses.of(instruction).length > 0) this.result(instruction, R0);
  }

  /** Takes what a register holds from outside. The upper half of an i32 is not known to be zero there. */
  private result(instruction: Instruction, from: Register): void {
    const isCut = instruction.type === "i32" && !onlyLowBitsUsed(instruction, this.values.uses);
    this.emit({ op: "move", width: isCut ? 32 : 64, to: this.values.register(instruction), from });
  }

  private isPartOfTest(and: Instruction): boolean {
    const [user] = this.values.uses.of(and);
    return user?.op === "compare" && testedBits(user, this.values.uses) === and && this.isAskedByBranchesOnly(user);
  }

  private isAskedByBranchesOnly(compare: Instruction): boolean {
    return this.values.uses.of(compare).every(({ op }) => op === "branch");
  }

  private condition({ predicate, args: [left, right] }: Instruction & { op: "compare" }): Condition {
    const width = widthOf(left);
    if (left.op === "constant" && right.op !== "constant") {
      return { predicate: swapped[predicate], width, left: this.values.register(right), right: this.values.operand(left, width) };
    }
    return { predicate, width, left: this.values.register(left), right: this.values.operand(right, width) };
  }

  private phiMoves(block: Block): void {
    const terminator = block.terminator!;
    if (terminator.op !== "jump") return;
    const edge = terminator.target.predecessors.indexOf(block);
    const phis = terminator.target.instructions.filter((instruction) => instruction.op === "phi");
    const constants = phis.filter((phi) => isMadeAtUse(phi.args[edge]!));
    const moves = phis.filter((phi) => !constants.includes(phi)).map((phi) => ({
      to: this.values.register(phi), from: this.values.register(phi.args[edge]!),
    }));
    for (const move of sequence(moves, () => this.values.newRegister())) {
      this.emit({ op: "move", width: 64, ...move });
    }
    for (const phi of constants) this.values.put(this.values.register(phi), phi.args[edge]!);
  }

  private exit(terminator: Terminator): Exit {
    const { span } = terminator;
    if (terminator.op === "jump") return { op: "jump", target: this.blocks.get(terminator.target)!, span };
    if (terminator.op === "branch") return this.branch(terminator);
    if (terminator.value !== undefined) this.values.put(R0, terminator.value);
    return { op: "exit", hasValue: terminator.value !== undefined, span };
  }

  private branch({ condition, ifTrue, ifFalse, likely, span }: Terminator & { op: "branch" }): Exit {
    const [yes, no] = [this.blocks.get(ifTrue)!, this.blocks.get(ifFalse)!];
    if (condition.op === "constant") return { op: "jump", target: condition.value === 0n ? no : yes, span };
    const { asked, isOpposite } = this.asked(condition);
    if (!isOpposite) return { op: "branch", condition: asked, ifTrue: yes, ifFalse: no, likely, span };
    return { op: "branch", condition: asked, ifTrue: no, ifFalse: yes, likely: likely === undefined ? undefined : !likely, span };
  }

  /** A condition as a jump can ask it; a test of bits only asks whether any is set. */
  private asked(condition: Instruction): { readonly asked: Condition; readonly isOpposite: boolean } {
    if (condition.op !== "compare") {
      return { asked: { predicate: "ne", width: 32, left: this.values.register(condition), right: { immediate: 0 } }, isOpposite: false };
    }
    const tested = testedBits(condition, this.values.uses);
    if (tested === undefined || !this.isAskedByBranchesOnly(condition)) return { asked: this.condition(condition), isOpposite: false };
    const [value, mask] = tested.args;
    const width = widthOf(value);
    const asked = { predicate: "bits", width, left: this.values.register(value), right: this.values.operand(mask, width) } as const;
    return { asked, isOpposite: condition.predicate === "eq" };
  }

  private alu(operator: AluOperator, width: Width, to: Register, from: Operand): void {
    this.emit({ op: "alu", operator, width, to, from });
  }

  private emit(operation: OperationKind): void {
    this.operations.push({ ...operation, span: this.span });
  }
}

/** The `and` of a comparison (a & b) = 0 or ≠ 0 that nobody else uses: one jump tests it. */
function testedBits(compare: Instruction & { op: "compare" }, uses: Uses): (Instruction & { op: "binary" }) | undefined {
  const { predicate, args: [left, right] } = compare;
  if (predicate !== "eq" && predicate !== "ne" || right.op !== "constant" || right.value !== 0n) return undefined;
  return left.op === "binary" && left.operator === "and" && uses.of(left).length === 1 ? left : undefined;
}

const widthOf = ({ type }: Instruction): Width => (type === "i64" || type === "pointer" ? 64 : 32);

