// Runs IR as it stands, slowly and plainly, so that tests can tell whether passes and the back end kept its meaning.
// Helpers: map look-ups of arrays. Memory: the packet, tables, array values, stack slots, each a byte array.

import type { Block, Instruction, IrFunction, IrProgram, StackSlot } from "./ir.js";
import { foldBinary, foldByteSwap, foldCompare, wrap } from "./ir-arithmetic.js";
import type { MapSpec } from "#ebpf/spec.js";

interface Pointer {
  readonly memory: Uint8Array;
  readonly offset: number;
}
type Value = bigint | Pointer | MapSpec | IrFunction | undefined;

/** More than any test's loops need. */
const STEPS_MAX = 1_000_000;

/** Linux include/uapi/linux/bpf.h, ___BPF_FUNC_MAPPER. */
const MAP_LOOKUP_ELEM = 1;
const JIFFIES64 = 118;

export class Interpreter {
  private steps = 0;
  private readonly maps = new Map<string, Uint8Array>();

  constructor(private readonly program: IrProgram, private readonly packet: Uint8Array) {}

  /** The bytes of a map's values, one after another. */
  map(spec: MapSpec): Uint8Array {
    let bytes = this.maps.get(spec.name);
    if (bytes === undefined) this.maps.set(spec.name, (bytes = new Uint8Array(spec.valueSize * spec.maxEntries)));
    return bytes;
  }

  /** What the entry function returns. */
  run(): number {
    const context: Pointer = { memory: new Uint8Array(0), offset: 0 };
    return Number(this.call(this.program.functions[0]!, [context]) as bigint);
  }

  private call(fn: IrFunction, args: readonly Value[]): Value {
    const values = new Map<Instruction, Value>();
    const slots = new Map<StackSlot, Uint8Array>(fn.slots.map((slot) => [slot, new Uint8Array(slot.size)]));
    let previous: Block | undefined;
    let block = fn.blocks[0]!;
    for (;;) {
      const phis = block.instructions.filter((instruction) => instruction.op === "phi");
      const edge = previous === undefined ? -1 : block.predecessors.indexOf(previous);
      const incoming = phis.map((phi) => values.get(phi.args[edge]!));
      phis.forEach((phi, i) => values.set(phi, incoming[i]));
      for (const instruction of block.instructions) {
        if (++this.steps > STEPS_MAX) throw new Error("The program does not end");
        if (instruction.op !== "phi") values.set(instruction, this.evaluate(instruction, values, args, slots));
      }
      const terminator = block.terminator!;
      previous = block;
      if (terminator.op === "return") return terminator.value === undefined ? undefined : values.get(terminator.value);
      if (terminator.op === "jump") block = terminator.target;
      else block = values.get(terminator.condition) === 0n ? terminator.ifFalse : terminator.ifTrue;
    }
  }

  private evaluate(instruction: Instruction, values: ReadonlyMap<Instruction, Value>, args: readonly Value[], slots: ReadonlyMap<StackSlot, Uint8Array>): Value {
    const value = (i: number): Value => values.get(instruction.args[i]!);
    const integer = (i: number): bigint => value(i) as bigint;
    const pointer = (i: number, offset = 0): Pointer => moved(value(i) as Pointer, offset);
    const typeOf = (i: number) => instruction.args[i]!.type;
    switch (instruction.op) {
      case "constant": return instruction.value;
      case "parameter": return args[instruction.index];
      case "mapReference": return instruction.map;
      case "functionReference": return instruction.callee;
      case "mapValue": return { memory: this.map(instruction.map), offset: instruction.offset };
      case "mapBank": return { memory: this.map(instruction.map), offset: Number(integer(0)) * instruction.map.valueSize };
      case "stackAddress": return { memory: slots.get(instruction.slot)!, offset: 0 };
      case "binary": return foldBinary(instruction.operator, instruction.type, integer(0), integer(1));
      case "zeroExtend":
      case "boolToInt": return integer(0);
      case "signExtend": return BigInt.asUintN(64, BigInt.asIntN(32, integer(0)));
      case "truncate": return wrap("i32", integer(0));
      case "byteSwap": return foldByteSwap(instruction.bits, integer(0));
      case "pointerAdd": return pointer(0, instruction.offset + (instruction.args.length > 1 ? Number(integer(1)) : 0));
      case "pointerDifference": return BigInt.asUintN(64, BigInt(pointer(0).offset - pointer(1).offset));
      case "load": {
        // The context holds data at 0 and data_end at 4, as XDP's does.
        if (instruction.space === "context") return { memory: this.packet, offset: instruction.offset === 0 ? 0 : this.packet.length };
        return read(pointer(0, instruction.offset), instruction.bits);
      }
      case "store": return write(pointer(0, instruction.offset), instruction.bits, integer(1));
      case "atomic": {
        const at = pointer(0, instruction.offset);
        const old = read(at, instruction.bits);
        const [operand, desired] = [integer(1), instruction.args.length > 2 ? integer(2) : 0n];
        write(at, instruction.bits, atomicResult(instruction.operator, old, operand, desired));
        return old;
      }
      case "callHelper": {
        if (instruction.helper.id === JIFFIES64) return 0n;
        if (instruction.helper.id !== MAP_LOOKUP_ELEM) throw new Error(`No helper ${instruction.helper.helper} here`);
        const map = value(0) as MapSpec;
        const index = Number(read(pointer(1), 32));
        return index < map.maxEntries ? { memory: this.map(map), offset: index * map.valueSize } : 0n;
      }
      case "callFunction": return this.call(instruction.callee, instruction.args.map((_, i) => value(i)));
      case "compare": {
        const [left, right] = [value(0), value(1)];
        if (typeof left === "bigint" && typeof right === "bigint") return BigInt(foldCompare(instruction.predicate, typeOf(0), left, right));
        return BigInt(foldCompare(instruction.predicate, "i64", address(left), address(right)));
      }
      case "phi": throw new Error("Phis are evaluated at once, before the rest of their block");
    }
  }
}

const moved = ({ memory, offset }: Pointer, by: number): Pointer => ({ memory, offset: offset + by });

/** Pointers compare by offset; null is below all. */
const address = (value: Value): bigint => (typeof value === "bigint" ? value : BigInt((value as Pointer).offset) + 0x1000n);

function atomicResult(operator: string, old: bigint, operand: bigint, desired: bigint): bigint {
  if (operator === "exchange") return operand;
  if (operator === "compareExchange") return old === operand ? desired : old;
  const name = operator.replace("fetch", "").toLowerCase() as "add" | "or" | "and" | "xor";
  return foldBinary(name, "i64", old, operand);
}

function view({ memory, offset }: Pointer, bits: number): DataView {
  if (offset < 0 || offset + bits / 8 > memory.length) throw new RangeError(`${bits} bits at ${offset} of ${memory.length} bytes`);
  return new DataView(memory.buffer, memory.byteOffset + offset, bits / 8);
}

function read(at: Pointer, bits: number): bigint {
  const bytes = view(at, bits);
  if (bits === 64) return bytes.getBigUint64(0, true);
  return BigInt(bits === 32 ? bytes.getUint32(0, true) : bits === 16 ? bytes.getUint16(0, true) : bytes.getUint8(0));
}

function write(at: Pointer, bits: number, value: bigint): undefined {
  const bytes = view(at, bits);
  if (bits === 64) bytes.setBigUint64(0, BigInt.asUintN(64, value), true);
  else if (bits === 32) bytes.setUint32(0, Number(BigInt.asUintN(32, value)), true);
  else if (bits === 16) bytes.setUint16(0, Number(BigInt.asUintN(16, value)), true);
  else bytes.setUint8(0, Number(BigInt.asUintN(8, value)));
}
