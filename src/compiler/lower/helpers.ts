// Calls of the kernel's helpers. Each argument is made as its kind says (prelude/helpers.ts); afterwards, local structs
// that the helper may have written are read again, and views of a packet that it moved are stale.

import type { FieldType } from "#layout/struct.js";
import { sizeOf } from "#layout/struct.js";
import type { MapSpec } from "#ebpf/spec.js";
import { Timer } from "#prelude/helpers.js";
import type { ArgumentKind, Helper } from "#prelude/helpers.js";
import { i32, i64, u32, u64 } from "#layout/numbers.js";
import type { Instruction, StackSlot } from "../ir.js";
import { constantOf } from "../ir-builder.js";
import { isKind } from "../module.js";
import type { CallExpression, Expression } from "../syntax.js";
import type { FunctionLowering } from "./context.js";
import { lowerExpression } from "./expressions.js";
import { plainArguments } from "./inline.js";
import type { LocalStruct } from "./local-struct.js";
import { mapReference } from "./maps.js";
import { presentView } from "./nullness.js";
import type { Operand, Place } from "./operand.js";
import { describeOperand } from "./operand.js";
import { addressOf, slotsBehind } from "./places.js";
import { subprogramOf } from "./subprogram.js";
import { scalar, valueAs } from "./values.js";

/** They give the same as long as the time and the processor are the same. */
const pureHelpers = new Set(["bpf_ktime_get_ns", "bpf_ktime_get_coarse_ns", "bpf_jiffies64", "bpf_get_smp_processor_id"]);

interface Arguments {
  readonly values: Instruction[];
  readonly reads: StackSlot[];
  readonly writes: StackSlot[];
  readonly written: LocalStruct[];
}

export function callHelper(f: FunctionLowering, helper: Helper, node: CallExpression): Operand {
  refuseElsewhere(f, helper, node);
  const nodes = plainArguments(f, node, helper.args.length, helper.args.length, helper.helper);
  const operands = nodes.map((argument) => lowerExpression(f, argument));
  const args: Arguments = { values: [], reads: [], writes: [], written: [] };
  helper.args.forEach((kind, i) => args.values.push(lowerArgument(f, helper, kind, i, operands, nodes, args)));
  const type = helper.returns === "void" ? "void" : "i64";
  const { reads, writes } = args;
  const result = f.builder.callHelper(type, helper, args.values, { reads, writes, pure: pureHelpers.has(helper.helper) });
  for (const local of args.written) local.reload();
  if (helper.movesPacket) f.packetMoved();
  return resultOf(f, helper, result);
}

function resultOf(f: FunctionLowering, { returns }: Helper, result: Instruction): Operand {
  switch (returns) {
    case "void": return { kind: "nothing" };
    case "i64": return scalar(i64, result);
    case "u64": return scalar(u64, result);
    // The verifier does not know that the upper half is zero.
    case "u32": return scalar(u32, f.builder.convert("truncate", result));
  }
}

function lowerArgument(f: FunctionLowering, helper: Helper, kind: ArgumentKind, index: number,
  operands: readonly Operand[], nodes: readonly Expression[], args: Arguments): Instruction {
  const [operand, node] = [operands[index]!, nodes[index]!];
  switch (kind) {
    case "u32": return valueAs(f, operand, u32, node);
    case "i32": return valueAs(f, operand, i32, node);
    case "u64": return valueAs(f, operand, u64, node);
    case "context":
      if (operand.kind === "packet") return operand.pointer;
      return f.refuse(node, "type-mismatch", `${helper.helper}() takes the packet here, not ${describeOperand(operand)}`,
        "pass the packet itself");
    case "map":
      if (operand.kind === "live" && isKind(operand.value, "map")) return mapReference(f, operand.value as MapSpec, node);
      if (operand.kind === "pointer" && operand.type === "map") return operand.pointer;
      return f.refuse(node, "type-mismatch", `${helper.helper}() takes a map here, not ${describeOperand(operand)}`,
        "pass a map of a module");
    case "timer": return timerAddress(f, helper, operand, node);
    case "function":
      if (operand.kind === "function") return f.builder.functionReference(subprogramOf(f, operand.function, node));
      return f.refuse(node, "type-mismatch", `${helper.helper}() takes a function here, not ${describeOperand(operand)}`,
        "name a function of the module");
    case "size": return memorySize(f, helper, index, operands, nodes);
    case "length": return memoryLength(f, helper, index, operands, nodes);
    case "in": case "out": case "inout": case "state": return memoryAddress(f, kind, operand, node, args);
  }
}

function timerAddress(f: FunctionLowering, helper: Helper, operand: Operand, node: Expression): Instruction {
  if (operand.kind === "view" && operand.place.type.name === Timer.name && operand.place.base.kind === "memory") {
    return addressOf(f, presentView(f, operand, node).place, node);
  }
  return f.refuse(node, "type-mismatch", `${helper.helper}() takes a timer in a map's value, not ${describeOperand(operand)}`,
    "declare a field of type Timer and pass it: entry.timer");
}

function memoryAddress(
  f: FunctionLowering, kind: "in" | "out" | "inout" | "state", operand: Operand, node: Expression, args: Arguments,
): Instruction {
  if (operand.kind === "null") return f.builder.constant("pointer", 0);
  if (operand.kind === "pointer" && operand.type === "object") return operand.pointer;
  const place: Place = operand.kind === "array" ? operand.place : presentView(f, operand, node).place;
  const address = addressOf(f, place, node);
  const slots = slotsBehind(f, place);
  if (kind !== "out") args.reads.push(...slots);
  if (kind === "in") return address;
  args.writes.push(...slots);
  // What a helper leaves alone of it keeps its value: it may have been stored just for that.
  if (kind === "out") args.reads.push(...slots);
  if (place.base.kind === "local") args.written.push(place.base);
  return address;
}

/** The size of the memory before it: a constant, and no more than is there. */
function memorySize(
  f: FunctionLowering, helper: Helper, index: number, operands: readonly Operand[], nodes: readonly Expression[],
): Instruction {
  const node = nodes[index]!;
  const value = valueAs(f, operands[index]!, u32, node);
  const size = constantOf(value);
  if (size === undefined) {
    return f.refuse(node, "not-a-constant", `${helper.helper}() needs a size here that is known when compiling`,
      "sizeOf(Struct)");
  }
  const most = sizeOfMemory(operands[index - 1]);
  if (most !== undefined && size > BigInt(most)) {
    f.refuse(node, "arguments", `${size} bytes are more than the ${most} of "${f.text(nodes[index - 1]!)}"`, "sizeOf(Struct)");
  }
  return value;
}

/** A size that may vary. Verifier: at least 1, at most what is there; a mask says so to it, and costs no branch. */
function memoryLength(
  f: FunctionLowering, helper: Helper, index: number, operands: readonly Operand[], nodes: readonly Expression[],
): Instruction {
  const node = nodes[index]!;
  const { builder } = f;
  const value = valueAs(f, operands[index]!, u32, node);
  if (constantOf(value) !== undefined) return memorySize(f, helper, index, operands, nodes);
  const most = sizeOfMemory(operands[index - 1]);
  if (most === undefined || !Number.isInteger(Math.log2(most))) {
    return f.refuse(node, "not-a-constant", `${helper.helper}() takes a size that varies only for memory of a power of two of bytes`,
      "sizeOf(Struct), or an array of bytes as long as a power of two");
  }
  const one = builder.constant("i32", 1);
  return builder.binary("add", builder.binary("and", builder.binary("sub", value, one), builder.constant("i32", most - 1)), one);
}

function sizeOfMemory(memory: Operand | undefined): number | undefined {
  const type: FieldType | undefined = memory?.kind === "view" || memory?.kind === "array" ? memory.place.type : undefined;
  return type === undefined ? undefined : sizeOf(type);
}

function refuseElsewhere(f: FunctionLowering, helper: Helper, node: CallExpression): void {
  const { type } = f.program;
  if (type !== "xdp" && type !== "tc" || helper.programs.includes(type)) return;
  f.refuse(node, "helper-unavailable", `${helper.helper}() exists at ${helper.programs.join(" and ")}, not at ${type}`,
    `put it inside if (HOOK === …), so that it is compiled for ${helper.programs.join(" and ")} only`);
}
