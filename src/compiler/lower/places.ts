// Reading and writing fields, in packets, map values, the stack, and in local structs' variables.

import type { FieldType } from "#layout/struct.js";
import { sizeOf } from "#layout/struct.js";
import type { AccessBits, Instruction, Space, StackSlot } from "../ir.js";
import { constantOf } from "../ir-builder.js";
import type { Node } from "../syntax.js";
import type { AnyStruct, Integer } from "../types.js";
import { describe, sameLayout } from "../types.js";
import type { FunctionLowering } from "./context.js";
import type { ArrayOperand, Memory, Operand, Place, ViewOperand } from "./operand.js";

type IntegerPlace = Place<Integer & FieldType>;

/** Where a place is in memory, checked for freshness. */
interface Location {
  readonly pointer: Instruction;
  readonly offset: number;
  readonly space: Space;
}

/** What stands at a place: an integer's value, or the place itself of a struct or an array. */
export function readPlace(f: FunctionLowering, place: Place, node: Node): Operand {
  if (place.type.kind === "struct") return { kind: "view", place: place as Place<AnyStruct>, nullTest: undefined };
  if (place.type.kind === "array") return { kind: "array", place: place as ArrayOperand["place"] };
  return { kind: "scalar", type: place.type, value: readInteger(f, place as IntegerPlace, node) };
}

export function readInteger(f: FunctionLowering, place: IntegerPlace, node: Node): Instruction {
  const cell = place.base.kind === "local" ? place.base.cellAt(place.offset) : undefined;
  if (cell !== undefined && place.base.kind === "local") return place.base.read(cell);
  const { pointer, offset, space } = locate(f, place, node);
  return f.builder.load(place.type.bits, pointer, offset, space);
}

/** `value` is of the field's type, or wider: a store keeps what fits. */
export function writeInteger(f: FunctionLowering, place: IntegerPlace, value: Instruction, node: Node): void {
  const { base, offset, type } = place;
  const cell = base.kind === "local" ? base.cellAt(offset) : undefined;
  if (cell !== undefined && base.kind === "local") return base.write(cell, cutTo(f, type, value));
  const to = locate(f, place, node);
  f.builder.store(type.bits, to.pointer, to.offset, value, to.space);
  if (base.kind === "memory" && base.inVariables) base.elementOf?.reload();
}

/** A 32-bit value cut to 8 or 16 bits. */
export function cutTo(f: FunctionLowering, type: Integer, value: Instruction): Instruction {
  return type.bits >= 32 ? value : f.builder.binary("and", value, f.builder.constant("i32", (1 << type.bits) - 1));
}

/** A place in memory; one in a local struct's variables has none. */
function locate(f: FunctionLowering, place: Place, node: Node): Location {
  const { base, offset } = place;
  if (base.kind === "local") return { pointer: base.slotAddress(), offset, space: "stack" };
  f.checkFresh(base, f.span(node));
  return { pointer: base.pointer, offset, space: base.space };
}

const inMemory = ({ base, offset }: Place): boolean => base.kind === "memory" || base.livesInSlot(offset);

/** to = from, by value. */
export function copy(f: FunctionLowering, to: Place, from: Place, node: Node): void {
  if (!sameLayout(to.type, from.type)) {
    f.refuse(node, "type-mismatch", `${describe(from.type)} cannot be copied to ${describe(to.type)}`,
      "both sides need the same struct, or arrays of the same type and length");
  }
  if (inMemory(to) && inMemory(from)) return copyBytes(f, to, from, node);
  forEachPart(to.type, (type, offset) => {
    const target = { ...to, type, offset: to.offset + offset };
    const source = { ...from, type, offset: from.offset + offset };
    if (type.kind !== "integer") return copy(f, target, source, node);
    writeInteger(f, target as IntegerPlace, readInteger(f, source as IntegerPlace, node), node);
  });
}

/** Fields of a struct, elements of an array; an integer itself. */
function forEachPart(type: FieldType, visit: (type: FieldType, offset: number) => void): void {
  if (type.kind === "integer") return visit(type, 0);
  if (type.kind === "struct") return type.fields.forEach((field) => visit(field.type, field.offset));
  const element = type.element as FieldType;
  for (let i = 0; i < type.length; i++) visit(element, i * sizeOf(element));
}

/** In the widest moves: six bytes are four and two. On the stack the verifier wants them aligned. */
function copyBytes(f: FunctionLowering, toPlace: Place, fromPlace: Place, node: Node): void {
  const [to, from] = [locate(f, toPlace, node), locate(f, fromPlace, node)];
  const size = sizeOf(toPlace.type);
  const mayMove = ({ space, offset }: Location, at: number, width: number): boolean =>
    space === "packet" || space === "map" || (offset + at) % width === 0;
  for (let at = 0; at < size;) {
    const width = ([8, 4, 2, 1] as const).find((width) => at + width <= size && mayMove(to, at, width) && mayMove(from, at, width))!;
    const bits = (width * 8) as AccessBits;
    const value = f.builder.load(bits, from.pointer, from.offset + at, from.space);
    f.builder.store(bits, to.pointer, to.offset + at, value, to.space);
    at += width;
  }
}

/** The place of a field; `view` was found not to be null. */
export function fieldPlace(view: ViewOperand, name: string): Place | undefined {
  const field = view.place.type.fields.find((candidate) => candidate.name === name);
  return field && { type: field.type, base: view.place.base, offset: view.place.offset + field.offset };
}

/** The place of an element. `index` is an i32; a variable one is masked, so it always lies within. */
export function elementPlace(f: FunctionLowering, array: ArrayOperand, index: Instruction, node: Node): Place {
  const { type, offset } = array.place;
  const element = type.element as FieldType;
  const size = sizeOf(element);
  const constant = constantOf(index);
  if (constant !== undefined) {
    if (constant >= BigInt(type.length)) {
      f.refuse(node, "index", `there is no element ${constant} in an array of ${type.length}`,
        `indices go from 0 to ${type.length - 1}`);
    }
    return { type: element, base: array.place.base, offset: offset + Number(constant) * size };
  }
  if (!Number.isInteger(Math.log2(type.length))) {
    f.refuse(node, "index", `a variable index into an array of ${type.length} elements cannot be proven to be in range`,
      "give the array a power of two of elements (the index is masked then), or use constant indices");
  }
  const { builder } = f;
  const base = baseOfElements(f, array.place, node);
  if (base.space === "packet") {
    // Linux kernel/bpf/verifier.c, adjust_ptr_min_max_vals(): a packet pointer plus a variable gets a new id and no range.
    f.refuse(node, "index", "a variable index into a packet is not covered by the view's check",
      `ask for the element itself: packet.view(Element, offset + index * ${size})`);
  }
  const masked = builder.convert("zeroExtend", builder.binary("and", index, builder.constant("i32", type.length - 1)));
  const pointer = builder.pointerAdd(base.pointer, offset, scaled(f, masked, size));
  return { type: element, base: { ...base, pointer }, offset: 0 };
}

/** An i64 times a size in bytes. */
export function scaled(f: FunctionLowering, index: Instruction, size: number): Instruction {
  const { builder } = f;
  const shift = Math.log2(size);
  const byShift = Number.isInteger(shift);
  return builder.binary(byShift ? "shl" : "mul", index, builder.constant("i64", byShift ? shift : size));
}

function baseOfElements(f: FunctionLowering, { base, offset }: Place, node: Node): Memory {
  if (base.kind === "memory") f.checkFresh(base, f.span(node));
  if (base.kind === "memory") return base;
  const inVariables = !base.livesInSlot(offset);
  const address = inVariables ? base.materialise() : base.slotAddress();
  return { ...f.memory(address, "stack"), elementOf: base, inVariables };
}

/** The address of a view's bytes. A local struct is put on the stack for it. */
export function addressOf(f: FunctionLowering, place: Place, node: Node): Instruction {
  const { base, offset } = place;
  if (base.kind === "memory") f.checkFresh(base, f.span(node));
  return f.builder.pointerAdd(base.kind === "local" ? base.materialise() : base.pointer, offset);
}

/** The stack slots that this place may be in. A pointer from a join may lead to any. */
export function slotsBehind(f: FunctionLowering, { base }: Place): StackSlot[] {
  if (base.kind === "local") return [base.slot];
  return base.space === "stack" || base.space === "unknown" ? [...f.ir.slots] : [];
}
