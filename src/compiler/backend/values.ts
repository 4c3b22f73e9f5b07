// Where a function's values are while it is selected: which virtual register holds each, and which need none because they
// are made anew where they are used (constants, addresses of maps and slots).

import type { Instruction, IrFunction, StackSlot } from "../ir.js";
import { wrap } from "../ir-arithmetic.js";
import type { Uses } from "../analysis/uses.js";
import { usesOf } from "../analysis/uses.js";
import { isMadeAtUse } from "../analysis/constants.js";
import type { Address, CodeFunction, FrameSlot, Operand, OperationKind, Register, Wide } from "./code.js";
import { FRAME } from "./code.js";
import { onlyLowBitsUsed } from "./low-bits.js";

export class Values {
  readonly uses: Uses;
  private readonly registers = new Map<Instruction, Register>();
  private readonly slots = new Map<StackSlot, FrameSlot>();
  /** Constants that stand in a register since the block's start or the last call. */
  private readonly made = new Map<string, Register>();
  private readonly numbers = new Map<object, number>();

  constructor(fn: IrFunction, private readonly code: CodeFunction, private readonly emit: (operation: OperationKind) => void) {
    this.uses = usesOf(fn);
  }

  newRegister(): Register {
    return this.code.nextRegister++;
  }

  /** Keeping a constant over a call would cost one of four registers; making it again costs one instruction. */
  forgetConstants(): void {
    this.made.clear();
  }

  /** The register that holds `value`. */
  register(value: Instruction): Register {
    if (isMadeAtUse(value)) return this.makeShared(value);
    const alias = this.sameRegisterAs(value);
    if (alias !== undefined) return this.register(alias);
    const known = this.registers.get(value);
    if (known !== undefined) return known;
    const register = this.newRegister();
    this.registers.set(value, register);
    return register;
  }

  /** The value whose register serves for this one too, because the conversion between them changes no bit that counts. */
  sameRegisterAs(value: Instruction): Instruction | undefined {
    switch (value.op) {
      case "zeroExtend":
      case "boolToInt": return value.args[0];
      case "truncate": return onlyLowBitsUsed(value, this.uses) ? value.args[0] : undefined;
      default: return undefined;
    }
  }

  /** For an instruction that takes a register or an immediate; `width` is the operation's. */
  operand(value: Instruction, width: 32 | 64): Operand {
    const immediate = value.op === "constant" ? immediateOf(value.value, width) : undefined;
    return immediate === undefined ? this.register(value) : { immediate };
  }

  /** Where `pointer` + `offset` is, for a load or a store. */
  address(pointer: Instruction, offset: number): Address {
    if (pointer.op === "stackAddress") return { base: FRAME, offset, slot: this.frameSlot(pointer.slot) };
    return { base: this.register(pointer), offset };
  }

  frameSlot(slot: StackSlot): FrameSlot {
    let frameSlot = this.slots.get(slot);
    if (frameSlot === undefined) {
      frameSlot = { size: slot.size, name: slot.name };
      this.slots.set(slot, frameSlot);
    }
    return frameSlot;
  }

  /** Puts `value` into `to`. */
  put(to: Register, value: Instruction): void {
    if (isMadeAtUse(value)) this.make(to, value);
    else this.emit({ op: "move", width: 64, to, from: this.register(value) });
  }

  private makeShared(value: Instruction): Register {
    const key = this.constantKey(value);
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const register = this.newRegister();
    this.make(register, value);
    this.made.set(key, register);
    return register;
  }

  private constantKey(value: Instruction): string {
    switch (value.op) {
      case "constant": return `${value.value}`;
      case "mapReference": return `map ${this.numberOf(value.map)}`;
      case "mapValue": return `value ${this.numberOf(value.map)} ${value.offset}`;
      case "functionReference": return `function ${this.numberOf(value.callee)}`;
      case "stackAddress": return `slot ${this.numberOf(value.slot)}`;
      default: throw new TypeError(`${value.op} is not a constant`);
    }
  }

  private numberOf(object: object): number {
    const number = this.numbers.get(object) ?? this.numbers.size;
    this.numbers.set(object, number);
    return number;
  }

  private make(to: Register, value: Instruction): void {
    switch (value.op) {
      case "constant": return this.emit(constantInto(to, value.value));
      case "stackAddress": return this.emit({ op: "slotAddress", to, slot: this.frameSlot(value.slot), offset: 0 });
      default: return this.emit({ op: "wide", to, value: wideOf(value) });
    }
  }
}

/** The constant as an instruction's immediate, or undefined when it does not fit. */
export function immediateOf(value: bigint, width: 32 | 64): number | undefined {
  if (width === 32) return Number(BigInt.asIntN(32, value));
  const signed = BigInt.asIntN(64, value);
  return signed === BigInt.asIntN(32, signed) ? Number(signed) : undefined;
}

/** A move that leaves exactly `value` in the register; a 32-bit move clears the upper half. */
function constantInto(to: Register, value: bigint): OperationKind {
  const immediate = immediateOf(value, 64);
  if (immediate !== undefined) return { op: "move", width: 64, to, from: { immediate } };
  if (value === wrap("i32", value)) return { op: "move", width: 32, to, from: { immediate: Number(BigInt.asIntN(32, value)) } };
  return { op: "wide", to, value: { kind: "number", value } };
}

function wideOf(value: Instruction): Wide {
  if (value.op === "mapReference") return { kind: "map", map: value.map };
  if (value.op === "mapValue") return { kind: "mapValue", map: value.map, offset: value.offset };
  if (value.op === "functionReference") return { kind: "function", callee: value.callee };
  throw new TypeError(`${value.op} is not a 64-bit constant`);
}
