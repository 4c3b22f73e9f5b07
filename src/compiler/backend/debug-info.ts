// BTF for a program's functions, with func_info (which function starts where) and line_info (which line an instruction
// came from), so that the verifier's log, bpftool and traces show TypeScript.
// Linux Documentation/bpf/btf.rst, "BPF_PROG_LOAD".

import type { IrFunction, IrProgram, KernelTypeName, Span } from "../ir.js";
import { BTF_VOID, BtfBuilder } from "#ebpf/btf.js";
import type { BtfTypeId } from "#ebpf/btf.js";
import type { FunctionInfo, LineInfo } from "#ebpf/spec.js";
import { Lines } from "./lines.js";

export interface DebugInfo {
  readonly btf: Uint8Array;
  readonly functionInfo: readonly FunctionInfo[];
  readonly lineInfo: readonly LineInfo[];
  readonly files: readonly string[];
}

/** A function's place in the program, with a span for each of its slots. */
export interface PlacedFunction {
  readonly source: IrFunction;
  readonly at: number;
  readonly spans: readonly (Span | undefined)[];
}

export function describeProgram(program: IrProgram, functions: readonly PlacedFunction[]): DebugInfo {
  const builder = new BtfBuilder();
  const functionInfo = functions.map(({ source, at }) => ({
    at,
    typeId: functionType(builder, source, source === program.functions[0] ? "global" : "static"),
    name: source.name,
  }));
  const lines = new Lines();
  const lineInfo = functions.flatMap((placed) => lineRecords(builder, lines, placed));
  return { btf: builder.encode(), functionInfo, lineInfo, files: lines.files };
}

function functionType(builder: BtfBuilder, { name, parameters, returnKernelType }: IrFunction, linkage: "static" | "global"): BtfTypeId {
  const described = parameters.map((parameter) => ({ name: parameter.name, type: typeOf(builder, parameter.kernelType) }));
  return builder.function(name, builder.functionPrototype(typeOf(builder, returnKernelType), described), linkage);
}

/** Layouts of integers that functions take and give; those in network order are what they are made of. */
const integers: { readonly [name: string]: readonly [bytes: 1 | 2 | 4 | 8, signed: boolean] } = {
  u8: [1, false], u16: [2, false], u32: [4, false], i32: [4, true], u64: [8, false], i64: [8, true], boolean: [1, false],
  Be16: [2, false], Be32: [4, false], Be64: [8, false],
};

function typeOf(builder: BtfBuilder, type: KernelTypeName): BtfTypeId {
  if ("nothing" in type) return BTF_VOID;
  if ("integer" in type) return builder.integer(type.integer, ...(integers[type.integer] ?? integers["u32"]!));
  return builder.pointer(type.pointerTo === undefined ? BTF_VOID : builder.forward(type.pointerTo));
}

/** One record where the line changes. The kernel wants one for each function's first instruction. */
function lineRecords(builder: BtfBuilder, lines: Lines, { source, at, spans }: PlacedFunction): LineInfo[] {
  const records: LineInfo[] = [];
  let current = source.span ?? spans.find((span) => span !== undefined);
  let last = "";
  spans.forEach((span, i) => {
    current = span ?? current;
    if (current === undefined) return;
    const { path, text, line, column } = lines.at(current);
    const place = `${path}:${line}`;
    if (place === last) return;
    last = place;
    records.push({ at: at + i, fileOffset: builder.string(path), lineOffset: builder.string(text), line, column });
  });
  return records;
}
