// A struct from make(). Its integers live as one SSA variable each until its address is needed; arrays of bytes and of
// many elements live in its stack slot at once, since they are only ever copied as a whole.
//
//   make(Key, { address, port })      address ↦ variable, port ↦ variable
//   services.lookup(key)              slot ← address, port, zero padding;  call
//   bpf_fib_lookup(…, parameters, …)  slot ← fields;  call;  fields ← slot

import type { FieldType } from "#layout/struct.js";
import { sizeOf } from "#layout/struct.js";
import type { AccessBits, Instruction, StackSlot } from "../ir.js";
import type { AnyStruct, Integer } from "../types.js";
import { irTypeOf } from "../types.js";
import type { Flow } from "./flow.js";
import type { SlotPool } from "./slot-pool.js";
import type { Variable } from "./ssa.js";
import { newVariable, sameValue } from "./ssa.js";

/** Arrays of at most so many elements, of 32 or 64 bits each, live in variables. */
const ELEMENTS_IN_VARIABLES_MAX = 4;

interface Cell {
  readonly offset: number;
  readonly type: Integer;
  readonly variable: Variable;
}

export class LocalStruct {
  readonly kind = "local";
  /** By offset in bytes. */
  readonly #cells = new Map<number, Cell>();
  /** Bytes of arrays that live in the slot. */
  readonly #inSlot: { readonly offset: number; readonly size: number }[] = [];
  /** Bytes that are neither: C's padding. */
  readonly #padding: readonly number[];
  #slot: StackSlot | undefined;
  /** A pointer to it is kept somewhere: from then on all of it lives in the slot. */
  #escaped = false;
  /** The slot is never given to another struct. */
  pinned = false;

  /** `born`: its place in the order of all views (see context.ts). */
  constructor(readonly struct: AnyStruct, readonly flow: Flow, readonly slots: SlotPool, readonly born: number) {
    this.#addCells(struct, 0, struct.name);
    const used = new Set<number>();
    for (const { offset, type } of this.#cells.values()) for (let i = 0; i < type.bits / 8; i++) used.add(offset + i);
    for (const { offset, size } of this.#inSlot) for (let i = 0; i < size; i++) used.add(offset + i);
    this.#padding = Array.from({ length: struct.size }, (_, i) => i).filter((i) => !used.has(i));
  }

  cellAt(offset: number): Cell | undefined {
    return this.#escaped ? undefined : this.#cells.get(offset);
  }

  /** Does this field live in the slot, with nothing of it in variables? */
  livesInSlot(offset: number): boolean {
    return this.#escaped || this.#inSlot.some((range) => offset >= range.offset && offset < range.offset + range.size);
  }

  get slot(): StackSlot {
    return (this.#slot ??= this.slots.take(this.struct.size, this.struct.name));
  }

  /** Its name is out of scope: another struct may have the slot. */
  release(): void {
    if (this.#slot !== undefined && !this.pinned) this.slots.give(this.#slot);
  }

  /** The slot's address, whatever it holds. */
  slotAddress(): Instruction {
    return this.flow.builder.stackAddress(this.slot);
  }

  read(cell: Cell): Instruction {
    return this.flow.variables.read(cell.variable);
  }

  write(cell: Cell, value: Instruction): void {
    this.flow.variables.write(cell.variable, value);
  }

  /** As make() leaves it: zero. */
  clear(): void {
    const { flow } = this;
    flow.forget(this);
    for (const cell of this.#cells.values()) {
      this.write(cell, flow.builder.constant(irTypeOf(cell.type) as "i32", 0));
      flow.forget(cell);
    }
    for (const { offset, size } of this.#inSlot) this.#storeZeros(offset, size);
  }

  /** All fields in the slot; gives its address. What it is known to hold already is not stored again. */
  materialise(): Instruction {
    const { flow } = this;
    const address = this.slotAddress();
    if (this.#escaped) return address;
    const bytes = new Map<number, number>();
    if (flow.known(this) === undefined) for (const at of this.#padding) bytes.set(at, 0);
    flow.know(this);
    for (const cell of this.#cells.values()) {
      const value = this.read(cell);
      const held = flow.known(cell);
      if (held !== undefined && held !== true && sameValue(held, value)) continue;
      flow.know(cell, value);
      if (value.op === "constant") addBytes(bytes, cell.offset, cell.type.bits / 8, value.value);
      else flow.builder.store(cell.type.bits, address, cell.offset, value, "stack");
    }
    this.#storeBytes(address, bytes);
    return address;
  }

  /** For a pointer that outlives the expression. Not in a loop that began after make(): its fields' variables end here. */
  escape(): Instruction {
    const address = this.materialise();
    this.#escaped = true;
    this.pinned = true;
    return address;
  }

  /** After a call that may have written to the slot. */
  reload(): void {
    if (this.#escaped) return;
    const address = this.slotAddress();
    for (const cell of this.#cells.values()) {
      const value = this.flow.builder.load(cell.type.bits, address, cell.offset, "stack");
      this.write(cell, value);
      this.flow.know(cell, value);
    }
  }

  #addCells(type: FieldType, offset: number, name: string): void {
    if (type.kind === "integer") {
      this.#cells.set(offset, { offset, type, variable: newVariable(name, irTypeOf(type)) });
    } else if (type.kind === "struct") {
      for (const field of type.fields) this.#addCells(field.type, offset + field.offset, `${name}.${field.name}`);
    } else if (livesInVariables(type)) {
      const size = sizeOf(type.element as FieldType);
      for (let i = 0; i < type.length; i++) this.#addCells(type.element as FieldType, offset + i * size, `${name}[${i}]`);
    } else {
      this.#inSlot.push({ offset, size: sizeOf(type) });
    }
  }

  #storeZeros(offset: number, size: number): void {
    const bytes = new Map<number, number>();
    for (let i = 0; i < size; i++) bytes.set(offset + i, 0);
    this.#storeBytes(this.slotAddress(), bytes);
  }

  /** Constant bytes in the widest stores that the slot's alignment allows. */
  #storeBytes(address: Instruction, bytes: ReadonlyMap<number, number>): void {
    const { builder } = this.flow;
    for (let at = 0; at < this.struct.size;) {
      const width = ([8, 4, 2, 1] as const).find((width) => at % width === 0 && isStorable(bytes, at, width));
      if (width === undefined) {
        at += 1;
        continue;
      }
      const value = builder.constant(width === 8 ? "i64" : "i32", valueOf(bytes, at, width));
      builder.store((width * 8) as AccessBits, address, at, value, "stack");
      at += width;
    }
  }
}

const livesInVariables = (type: Extract<FieldType, { kind: "array" }>): boolean =>
  type.element.kind === "integer" && type.element.bits >= 32 && type.length <= ELEMENTS_IN_VARIABLES_MAX;

function addBytes(bytes: Map<number, number>, offset: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i++) bytes.set(offset + i, Number((value >> BigInt(8 * i)) & 0xffn));
}

function valueOf(bytes: ReadonlyMap<number, number>, at: number, width: number): bigint {
  let value = 0n;
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes.get(at + i)!);
  return value;
}

/** All bytes are there, and a store of an immediate can hold them: eBPF's is 32 bits, sign-extended. */
function isStorable(bytes: ReadonlyMap<number, number>, at: number, width: number): boolean {
  for (let i = 0; i < width; i++) if (!bytes.has(at + i)) return false;
  if (width < 8) return true;
  const value = BigInt.asIntN(64, valueOf(bytes, at, width));
  return BigInt.asIntN(32, value) === value;
}
