// The packet: its bytes through checked views, its properties through the context.
//
//   data = load context.data        end = p + size
//   p    = data + offset            null ⇔ end > load context.data_end

import { contextFields } from "#prelude/packet.js";
import { u32 } from "#layout/numbers.js";
import { isStruct } from "../module.js";
import type { Instruction } from "../ir.js";
import type { CallExpression, Expression, Node } from "../syntax.js";
import type { FunctionLowering } from "./context.js";
import { lowerExpression } from "./expressions.js";
import { plainArguments } from "./inline.js";
import type { Operand } from "./operand.js";
import { scalar, valueAs } from "./values.js";

/** packet.view(Struct, offset). data and data_end are loaded anew each time: the optimiser knows when they have changed. */
export function packetView(f: FunctionLowering, context: Instruction, node: CallExpression): Operand {
  const [typeNode, offsetNode] = plainArguments(f, node, 2, 2, "view") as [Expression, Expression];
  const type = lowerExpression(f, typeNode);
  if (type.kind !== "live" || !isStruct(type.value)) {
    f.refuse(typeNode, "type-mismatch", `"${f.text(typeNode)}" is not a struct`,
      "packet.view(Struct, offset) takes a struct() of a module first");
  }
  const offset = valueAs(f, lowerExpression(f, offsetNode), u32, offsetNode);
  const { builder } = f;
  const { data, dataEnd } = bounds(f, context, node);
  const pointer = builder.pointerAdd(data, 0, builder.convert("zeroExtend", offset));
  const end = builder.pointerAdd(pointer, type.value.size);
  return {
    kind: "view",
    place: { type: type.value, base: f.memory(pointer, "packet"), offset: 0 },
    nullTest: { kind: "bounds", end, dataEnd },
  };
}

function bounds(f: FunctionLowering, context: Instruction, node: Node) {
  const fields = contextFields[f.program.type];
  if (fields?.data === undefined || fields.dataEnd === undefined) {
    f.refuse(node, "field-unknown", `a program of type "${f.program.type}" has no packet to look into`, "compile it for xdp or tc");
  }
  return { data: f.builder.loadPointer(context, fields.data.offset), dataEnd: f.builder.loadPointer(context, fields.dataEnd.offset) };
}

export function readPacketField(f: FunctionLowering, context: Instruction, name: string, node: Node): Operand {
  const field = contextFields[f.program.type]?.[name];
  if (name === "linear" || (name === "length" && field === undefined && f.program.type === "xdp")) return linearLength(f, context, node);
  if (field === undefined || name === "data" || name === "dataEnd") return unknownProperty(f, name, node);
  return scalar(u32, f.builder.load(field.bits, context, field.offset, "context"));
}

/** data_end - data: at XDP all of the packet. */
function linearLength(f: FunctionLowering, context: Instruction, node: Node): Operand {
  const { data, dataEnd } = bounds(f, context, node);
  return scalar(u32, f.builder.convert("truncate", f.builder.pointerDifference(dataEnd, data)));
}

export function writePacketField(
  f: FunctionLowering, context: Instruction, name: string, operand: Operand, node: Node, target: Node,
): Operand {
  const field = contextFields[f.program.type]?.[name];
  if (field === undefined) return unknownProperty(f, name, target);
  if (!field.writable) f.refuse(target, "constant-assigned", `packet.${name} cannot be assigned to`, "only packet.mark and packet.tcIndex can, at TC");
  const value = valueAs(f, operand, u32, node);
  f.builder.store(field.bits, context, field.offset, value, "context");
  return scalar(u32, value);
}

function unknownProperty(f: FunctionLowering, name: string, node: Node): never {
  const { type } = f.program;
  const { data, dataEnd, ...fields } = contextFields[type] ?? {};
  const known = [...new Set(["linear", "length", ...Object.keys(fields)])];
  return f.refuse(node, "field-unknown", `a packet at ${type} has no "${name}"`,
    `it has view(), ${known.join(", ")}; put the rest inside if (HOOK === …)`);
}
