// For tests of passes and of the back end: a function built in a few lines, and what it does.

import type { Instruction, IrFunction, IrProgram, IrType } from "./ir.js";
import { Builder, newFunction } from "./ir-builder.js";
import { printFunction } from "./ir-print.js";

/** A function of these parameter types; `build` gets the builder, in the entry block, and the parameters. */
export function testFunction(parameters: readonly IrType[], build: (b: Builder, ...parameters: Instruction[]) => void, returnType: IrType = "i32"): IrFunction {
  const fn = newFunction("test", {
    parameters: parameters.map((type, i) => ({ name: `p${i}`, type, kernelType: { integer: type === "i64" ? "u64" : "u32" } })),
    returnType, returnKernelType: { integer: "u32" },
  });
  const b = new Builder(fn);
  build(b, ...parameters.map((_, i) => b.parameter(i)));
  return fn;
}

export const programOf = (...functions: IrFunction[]): IrProgram => ({ name: "test", type: "xdp", functions });

/** The function's blocks as text, without its first line. */
export const bodyOf = (fn: IrFunction): string => printFunction(fn).split("\n").slice(1).map((line) => line.trim()).join("\n");

/** How many instructions of that kind there are. */
export const countOf = (fn: IrFunction, op: Instruction["op"]): number =>
  fn.blocks.flatMap(({ instructions }) => instructions).filter((instruction) => instruction.op === op).length;

/** The operation of the value that the function's only return gives. */
export function returned(fn: IrFunction): Instruction {
  const values = fn.blocks.flatMap(({ terminator }) => (terminator?.op === "return" && terminator.value !== undefined ? [terminator.value] : []));
  if (values.length !== 1) throw new Error(`The function returns a value at ${values.length} places`);
  return values[0]!;
}
