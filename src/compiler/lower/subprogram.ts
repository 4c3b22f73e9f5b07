// Functions of the compiled program: the entry, those with "use subprogram", and callbacks. Each is lowered once, however
// often it is called.

import type { Instruction, IrFunction, IrType } from "../ir.js";
import { newFunction } from "../ir-builder.js";
import type { ModuleFunction } from "../module.js";
import type { Node } from "../syntax.js";
import { spanOf } from "../syntax.js";
import type { AnyStruct, Type } from "../types.js";
import { boolean, irTypeOf, kernelTypeOf } from "../types.js";
import type { ProgramLowering } from "./context.js";
import { FunctionLowering } from "./context.js";
import type { Signature } from "./inline.js";
import { bindParameter, refuseRecursion, signatureOf } from "./inline.js";
import type { Operand } from "./operand.js";
import { addressOf } from "./places.js";
import { lowerBody } from "./statements.js";
import { scalar, valueAs } from "./values.js";

/** R1 … R5. */
const PARAMETERS_MAX = 5;

/** The IR of `fn`, lowered now if it was not yet. `node` is the call or the argument that needs it. */
export function subprogramOf(f: FunctionLowering, fn: ModuleFunction, node: Node): IrFunction {
  const known = f.program.subprograms.get(fn.node);
  refuseRecursion(f, fn, node);
  if (known !== undefined) return known;
  const signature = signatureOf(fn);
  refuseUnfit(f, fn, signature, node);
  const ir = lowerFunction(f.program, fn, signature, f.callChain());
  f.program.subprograms.set(fn.node, ir);
  return ir;
}

export function callSubprogram(f: FunctionLowering, fn: ModuleFunction, operands: readonly Operand[], node: Node): Operand {
  const callee = subprogramOf(f, fn, node);
  const { parameters, result } = signatureOf(fn);
  const args = operands.map((operand, i) => passed(f, operand, parameters[i]!.type, node));
  const value = f.builder.callFunction(callee, args);
  for (const operand of operands) {
    if (operand.kind === "view" && operand.place.base.kind === "local") operand.place.base.reload();
  }
  if (f.program.movesPacket.has(callee)) f.packetMoved();
  if (result.kind === "boolean") return scalar(boolean, f.builder.compare("ne", value, f.builder.constant("i32", 0)));
  if (result.kind === "integer") return scalar(result, value);
  if (result.kind === "view") return viewOf(f, result.struct, value);
  return { kind: "nothing" };
}

function passed(f: FunctionLowering, operand: Operand, type: Type, node: Node) {
  if (operand.kind === "packet" || operand.kind === "pointer") return operand.pointer;
  if (operand.kind === "view") return addressOf(f, operand.place, node);
  if (type.kind === "boolean") return f.builder.convert("boolToInt", valueAs(f, operand, type, node));
  if (type.kind === "integer") return valueAs(f, operand, type, node);
  return f.refuse(node, "subprogram", "this value cannot be passed to a subprogram", "pass integers and views");
}

function refuseUnfit(f: FunctionLowering, fn: ModuleFunction, { parameters, result }: Signature, node: Node): void {
  if (parameters.length > PARAMETERS_MAX) {
    f.refuse(node, "subprogram", `"${fn.name}" has ${parameters.length} parameters; a subprogram has at most ${PARAMETERS_MAX}`,
      "pass a struct from make()");
  }
  const types = [...parameters.map(({ type }) => type), result];
  if (types.some((type) => (type.kind === "view" && type.nullable) || type.kind === "array")) {
    f.refuse(node, "subprogram", `"${fn.name}" takes or gives a view that may be null, or an array`,
      "a subprogram takes integers and views that are there; test before the call");
  }
}

/** Lowers `fn` as a function of the program; the entry is the first to be asked for. */
export function lowerFunction(
  program: ProgramLowering, fn: ModuleFunction, signature: Signature, active: readonly ModuleFunction[],
): IrFunction {
  const { parameters, result } = signature;
  const contextName = program.type === "tc" ? "__sk_buff" : "xdp_md";
  const ir = newFunction(uniqueName(program, fn.name), {
    parameters: parameters.map(({ name, type }) => ({ name, type: registerType(type), kernelType: kernelTypeOf(type, contextName) })),
    returnType: registerType(result), returnKernelType: kernelTypeOf(result, contextName),
  }, spanOf(fn.module.file, fn.node.id ?? fn.node));
  program.functions.push(ir);
  const f = new FunctionLowering(program, ir, fn, result, active);
  f.builder.span = spanOf(fn.module.file, fn.node.id ?? fn.node);
  parameters.forEach(({ name, type, node }, index) => bindParameter(f, name, parameterOperand(f, type, index), node));
  lowerBody(f, fn.node);
  f.flow.finish();
  if (f.movesPacket) program.movesPacket.add(ir);
  return ir;
}

/** A boolean travels as 0 or 1. */
const registerType = (type: Type): IrType => (type.kind === "boolean" ? "i32" : irTypeOf(type));

function parameterOperand(f: FunctionLowering, type: Type, index: number): Operand {
  const value = f.builder.parameter(index);
  switch (type.kind) {
    case "integer": return scalar(type, value);
    case "boolean": return scalar(type, f.builder.compare("ne", value, f.builder.constant("i32", 0)));
    case "view": return viewOf(f, type.struct, value);
    case "packet": return { kind: "packet", pointer: value };
    case "map": return { kind: "pointer", type: "map", pointer: value };
    default: return { kind: "pointer", type: "object", pointer: value };
  }
}

const viewOf = (f: FunctionLowering, struct: AnyStruct, pointer: Instruction): Operand =>
  ({ kind: "view", place: { type: struct, base: f.memory(pointer, "unknown"), offset: 0 }, nullTest: undefined });

/** Functions of several modules may have one name; BTF and messages tell them apart. */
function uniqueName(program: ProgramLowering, name: string): string {
  const taken = new Set(program.functions.map((fn) => fn.name));
  let unique = name;
  for (let i = 2; taken.has(unique); i++) unique = `${name}_${i}`;
  return unique;
}
