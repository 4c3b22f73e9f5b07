// Methods of maps. Keys and values are passed by address, so structs from make() go to the stack for it; a table's at()
// is arithmetic only:
//
//   address of the map's first value + (index & (entries - 1)) × size
//
// and where a table is several values, banks (backend/look-up-banks.ts):
//
//   address of value (index >> log2(entries of a bank)) & (banks - 1) + (index & (entries of a bank - 1)) × size

import { MapType } from "#ebpf/spec.js";
import type { MapSpec } from "#ebpf/spec.js";
import { i64, u32, u64 } from "#layout/numbers.js";
import type { FieldType } from "#layout/struct.js";
import type { Instruction, StackSlot } from "../ir.js";
import { bpf_map_delete_elem, bpf_map_lookup_elem, bpf_map_update_elem, bpf_ringbuf_output } from "../map-helpers.js";
import type { CallExpression, Expression, Node } from "../syntax.js";
import { describe, isInteger, sameLayout } from "../types.js";
import type { FunctionLowering } from "./context.js";
import { lowerExpression } from "./expressions.js";
import { plainArguments } from "./inline.js";
import { presentView } from "./nullness.js";
import type { Operand } from "./operand.js";
import { addressOf, scaled, slotsBehind } from "./places.js";
import { scalar, valueAs } from "./values.js";

type Method = (f: FunctionLowering, map: MapSpec, node: CallExpression) => Operand;

const hashMethods: { readonly [name: string]: Method } = { lookup, update, delete: remove };
const arrayMethods: { readonly [name: string]: Method } = { lookup };

function methodsOf(map: MapSpec): { readonly [name: string]: Method } {
  if (map.tableEntries !== undefined) return { at };
  if (map.type === MapType.RINGBUF) return { output };
  if (map.type === MapType.PROG_ARRAY) return {};
  return map.type === MapType.ARRAY || map.type === MapType.PERCPU_ARRAY ? arrayMethods : hashMethods;
}

export function callMapMethod(f: FunctionLowering, map: MapSpec, name: string, node: CallExpression): Operand {
  const methods = methodsOf(map);
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method !== undefined) return method(f, map, node);
  const known = Object.keys(methods).map((method) => `${method}()`).join(", ");
  return f.refuse(node, "field-unknown", `the map "${map.name}" has no method "${name}"`,
    known === "" ? "it is handed to helpers only" : `it has ${known}`);
}

function lookup(f: FunctionLowering, map: MapSpec, node: CallExpression): Operand {
  const [keyNode] = plainArguments(f, node, 1, 1, "lookup") as [Expression];
  const type = valueType(f, map, node);
  if (type.kind !== "struct") {
    f.refuse(node, "type-mismatch", `values of the map "${map.name}" are ${describe(type)}`,
      "only structs can be looked up in place: wrap it in a struct()");
  }
  const key = keyAddress(f, map, keyNode);
  const pointer = call(f, "pointer", bpf_map_lookup_elem, map, [key], [], node);
  return { kind: "view", place: { type, base: f.memory(pointer, "map"), offset: 0 }, nullTest: { kind: "pointer", pointer } };
}

function update(f: FunctionLowering, map: MapSpec, node: CallExpression): Operand {
  const [keyNode, valueNode, flagsNode] = plainArguments(f, node, 3, 3, "update") as [Expression, Expression, Expression];
  const key = keyAddress(f, map, keyNode);
  const value = addressOfValue(f, valueType(f, map, node), lowerExpression(f, valueNode), valueNode);
  const flags = valueAs(f, lowerExpression(f, flagsNode), u64, flagsNode);
  return scalar(i64, call(f, "i64", bpf_map_update_elem, map, [key, value], [flags], node));
}

function remove(f: FunctionLowering, map: MapSpec, node: CallExpression): Operand {
  const [keyNode] = plainArguments(f, node, 1, 1, "delete") as [Expression];
  return scalar(i64, call(f, "i64", bpf_map_delete_elem, map, [keyAddress(f, map, keyNode)], [], node));
}

function at(f: FunctionLowering, map: MapSpec, node: CallExpression): Operand {
  const [indexNode] = plainArguments(f, node, 1, 1, "at") as [Expression];
  const type = valueType(f, map, node);
  if (type.kind !== "struct") {
    f.refuse(node, "type-mismatch", `the table "${map.name}" has no struct`,
      "declare it as table(name, Struct, entries)");
  }
  const { builder } = f;
  const index = valueAs(f, lowerExpression(f, indexNode), u32, indexNode);
  const bankEntries = map.tableEntries! / map.maxEntries;
  const masked = builder.convert("zeroExtend", builder.binary("and", index, builder.constant("i32", bankEntries - 1)));
  const pointer = builder.pointerAdd(bankOf(f, sharedMap(f, map, node), bankEntries, index), 0, scaled(f, masked, type.size));
  return { kind: "view", place: { type, base: f.memory(pointer, "map"), offset: 0 }, nullTest: undefined };
}

/** Where the entries begin among which `index` is. */
function bankOf({ builder }: FunctionLowering, map: MapSpec, bankEntries: number, index: Instruction): Instruction {
  if (map.maxEntries === 1) return builder.mapValue(map);
  const above = builder.binary("lshr", index, builder.constant("i32", Math.log2(bankEntries)));
  return builder.mapBank(map, builder.binary("and", above, builder.constant("i32", map.maxEntries - 1)));
}

function output(f: FunctionLowering, map: MapSpec, node: CallExpression): Operand {
  const [valueNode, flagsNode] = plainArguments(f, node, 2, 2, "output") as [Expression, Expression];
  const view = presentView(f, lowerExpression(f, valueNode), valueNode);
  const value = addressOfValue(f, view.place.type, view, valueNode);
  const flags = valueAs(f, lowerExpression(f, flagsNode), u64, flagsNode);
  const size = f.builder.constant("i64", view.place.type.size);
  return scalar(i64, call(f, "i64", bpf_ringbuf_output, map, [value], [size, flags], node));
}

/** helper(map, addresses …, values …) */
function call(f: FunctionLowering, type: "i64" | "pointer", helper: typeof bpf_map_lookup_elem, map: MapSpec,
  addresses: readonly Address[], values: readonly Instruction[], node: Node): Instruction {
  const args = [mapReference(f, map, node), ...addresses.map(({ pointer }) => pointer), ...values];
  const result = f.builder.callHelper(type, helper, args, { reads: addresses.flatMap(({ slots }) => slots) });
  for (const { lent } of addresses) if (lent !== undefined) f.slots.give(lent);
  return result;
}

export function mapReference(f: FunctionLowering, map: MapSpec, node: Node): Instruction {
  return f.builder.mapReference(sharedMap(f, map, node));
}

function sharedMap(f: FunctionLowering, map: MapSpec, node: Node): MapSpec {
  return f.program.maps.shared(map) ?? f.refuse(node, "map-declared-twice", `there are two maps "${map.name}" of different sizes`,
    "give one of them another name; two declarations of one map need the same type, key size, value size and entries");
}

function valueType(f: FunctionLowering, map: MapSpec, node: CallExpression): FieldType {
  if (map.value !== undefined) return map.value;
  return f.refuse(node, "type-mismatch", `the map "${map.name}" does not say what its values are`, "declare it with prelude/maps");
}

/** An array's key is an index. */
function keyAddress(f: FunctionLowering, map: MapSpec, node: Expression): Address {
  return addressOfValue(f, map.key ?? u32, lowerExpression(f, node), node);
}

interface Address {
  readonly pointer: Instruction;
  /** The stack slots that it leads to. */
  readonly slots: StackSlot[];
  /** Taken for this call only. */
  readonly lent?: StackSlot;
}

/** Where a value of `type` stands in memory; an integer gets a slot of its own. */
function addressOfValue(f: FunctionLowering, type: FieldType, operand: Operand, node: Expression): Address {
  if (isInteger(type)) {
    const slot = f.slots.take(8, "key");
    const pointer = f.builder.stackAddress(slot);
    f.builder.store(type.bits, pointer, 0, valueAs(f, operand, type, node), "stack");
    return { pointer, slots: [slot], lent: slot };
  }
  if (type.kind === "array") {
    if (operand.kind !== "array" || !sameLayout(operand.place.type, type)) {
      f.refuse(node, "type-mismatch",
        `${describe(type)} is needed here`, "pass an array field of that type");
    }
    return { pointer: addressOf(f, operand.place, node), slots: slotsBehind(f, operand.place) };
  }
  const view = presentView(f, operand, node);
  if (!sameLayout(view.place.type, type)) {
    f.refuse(node, "type-mismatch", `the map takes ${describe(type)}; "${f.text(node)}" is ${describe(view.place.type)}`,
      `make(${type.name}, { … }) gives one`);
  }
  return { pointer: addressOf(f, view.place, node), slots: slotsBehind(f, view.place) };
}
