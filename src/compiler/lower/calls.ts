// Calls, by what is called: a method of the packet or of a map, an intrinsic, a helper of the kernel, a conversion, or a
// function of the program.

import * as numbers from "#layout/numbers.js";
import type { MapSpec } from "#ebpf/spec.js";
import type { Helper } from "#prelude/helpers.js";
import { isIntegerType, isKind } from "../module.js";
import type { CallExpression, Expression } from "../syntax.js";
import { propertyName } from "../syntax.js";
import type { FunctionLowering } from "./context.js";
import { lowerExpression } from "./expressions.js";
import { callHelper } from "./helpers.js";
import { lowerFunctionCall, plainArguments } from "./inline.js";
import { intrinsics } from "./intrinsics.js";
import { callMapMethod } from "./maps.js";
import type { Operand } from "./operand.js";
import { describeOperand } from "./operand.js";
import { packetView } from "./packets.js";
import { convertInteger, literalAs, scalar, valueAs } from "./values.js";

export function lowerCall(f: FunctionLowering, node: CallExpression): Operand {
  if (node.optional) f.refuse(node, "not-in-language", "optional calls are not in kernel TypeScript", "call the function");
  const callee = node.callee as Expression;
  if (callee.type === "MemberExpression") return callMethod(f, node, callee);
  const operand = lowerExpression(f, callee);
  if (operand.kind === "function") return lowerFunctionCall(f, operand.function, node);
  if (operand.kind === "live") return callLive(f, operand.value, node);
  return f.refuse(callee, "not-callable", `"${f.text(callee)}" is ${describeOperand(operand)}, not a function`,
    "call a function by its own name");
}

function callMethod(f: FunctionLowering, node: CallExpression, callee: Expression & { type: "MemberExpression" }): Operand {
  const object = lowerExpression(f, callee.object as Expression);
  const method = propertyName(callee) ?? f.text(callee.property);
  if (object.kind === "packet" && method === "view") return packetView(f, object.pointer, node);
  if (object.kind === "live" && isKind(object.value, "map")) return callMapMethod(f, object.value as MapSpec, method, node);
  if (object.kind === "live") {
    const value = (object.value as { readonly [name: string]: unknown })[method];
    if (isModuleNamespace(object.value) && typeof value === "function") return callLive(f, value, node);
  }
  return f.refuse(callee, "not-callable", `"${f.text(callee.object)}" has no method "${method}"`,
    "packets have view(); maps have lookup(), update(), delete(), at() and output()");
}

const isModuleNamespace = (value: unknown): boolean => Object.prototype.toString.call(value) === "[object Module]";

function callLive(f: FunctionLowering, value: unknown, node: CallExpression): Operand {
  const known = value as { readonly helper?: string; readonly intrinsic?: string };
  const intrinsic = known.intrinsic === undefined ? undefined : intrinsics[known.intrinsic];
  if (intrinsic !== undefined) return intrinsic(f, node);
  if (known.helper !== undefined) return callHelper(f, value as Helper, node);
  if (isIntegerType(value)) return lowerConversion(f, value, node);
  const byteOrder = byteOrderConversions.get(value);
  if (byteOrder !== undefined) return lowerByteOrder(f, byteOrder, node);
  return f.refuse(node.callee, "not-callable", `"${f.text(node.callee)}" is no function of kernel TypeScript`,
    "functions of the program are declared with function in modules of kernel TypeScript; others run on the host only");
}

/** u32(x). */
function lowerConversion(f: FunctionLowering, type: numbers.IntegerType, node: CallExpression): Operand {
  const [argument] = plainArguments(f, node, 1, 1, type.typeName) as [Expression];
  if (type.bigEndian) {
    f.refuse(node, "byte-order", `${type.typeName} is a type only`,
      `be${type.bits}(x) converts a number; x as ${type.typeName} renames bytes that are in network order already`);
  }
  return convertInteger(f, lowerExpression(f, argument), type, argument);
}

interface ByteOrder {
  readonly name: string;
  readonly from: numbers.IntegerType;
  readonly to: numbers.IntegerType;
}
const byteOrderConversions = new Map<unknown, ByteOrder>([
  [numbers.be16, { name: "be16", from: numbers.u16, to: numbers.Be16 }],
  [numbers.be32, { name: "be32", from: numbers.u32, to: numbers.Be32 }],
  [numbers.be64, { name: "be64", from: numbers.u64, to: numbers.Be64 }],
  [numbers.host16, { name: "host16", from: numbers.Be16, to: numbers.u16 }],
  [numbers.host32, { name: "host32", from: numbers.Be32, to: numbers.u32 }],
  [numbers.host64, { name: "host64", from: numbers.Be64, to: numbers.u64 }],
]);

/** Programs are compiled for little-endian machines: either direction reverses the bytes. */
function lowerByteOrder(f: FunctionLowering, { name, from, to }: ByteOrder, node: CallExpression): Operand {
  const [argument] = plainArguments(f, node, 1, 1, name) as [Expression];
  const operand = lowerExpression(f, argument);
  // distinct() types over Be16 convert too: host16(ethernet.etherType).
  const type = operand.kind === "scalar" && operand.type.kind === "integer" ? operand.type : undefined;
  const value = operand.kind === "scalar" && from.bigEndian && type?.bigEndian && type.bits === from.bits ? operand.value
    : operand.kind === "literal" ? literalAs(f, { ...operand, live: true }, from, argument).value : valueAs(f, operand, from, argument);
  return scalar(to, f.builder.byteSwap(from.bits as 16 | 32 | 64, value));
}
