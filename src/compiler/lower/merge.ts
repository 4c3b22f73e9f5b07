// Where several operands meet: after ?:, and after an inlined function with more than one return. Each end is still open;
// what the join needs of it is computed there, before the jump.

import type { Instruction } from "../ir.js";
import type { Node } from "../syntax.js";
import type { AnyStruct, Scalar, Type } from "../types.js";
import { arithmeticType, boolean, irTypeOf, isPlain, literalType, sameInteger, sameLayout } from "../types.js";
import type { FunctionLowering } from "./context.js";
import type { OpenEnd } from "./flow.js";
import type { LocalStruct } from "./local-struct.js";
import { presence } from "./nullness.js";
import type { Operand, ViewOperand } from "./operand.js";
import { describeOperand } from "./operand.js";
import { addressOf, copy } from "./places.js";
import { newVariable } from "./ssa.js";
import { scalar, valueAs } from "./values.js";

export interface OpenOperand {
  readonly end: OpenEnd;
  readonly operand: Operand;
}

/** Goes on after the join of all ends, with the operand that stands for all. `type` is known of functions' results. */
export function merge(f: FunctionLowering, ends: readonly OpenOperand[], node: Node, type?: Type): Operand {
  const [first] = ends;
  if (first === undefined) {
    if (f.program.diagnostics.found) f.refuseAgain(); // its returns were refused, most likely
    f.flow.enterUnreachable();
    return type?.kind === "integer" || type?.kind === "boolean" ? scalar(type, f.builder.constant(irTypeOf(type) as "i32", 0)) : { kind: "nothing" };
  }
  if (ends.length === 1) {
    f.flow.resume(first.end);
    return first.operand;
  }
  const operands = ends.map(({ operand }) => operand);
  if (operands.some(({ kind }) => kind === "view" || kind === "null")) return mergeViews(f, ends, node);
  if (operands.every((operand) => isSame(operand, first.operand))) {
    join(f, ends, () => {});
    return first.operand;
  }
  return mergeScalars(f, ends, type?.kind === "integer" || type?.kind === "boolean" ? type : commonType(f, operands, node), node);
}

function mergeScalars(f: FunctionLowering, ends: readonly OpenOperand[], type: Scalar, node: Node): Operand {
  const variable = newVariable("merged", irTypeOf(type));
  join(f, ends, ({ operand }) => f.flow.variables.write(variable, valueAs(f, operand, type, node)));
  return scalar(type, f.flow.variables.read(variable));
}

/** The type of c ? a : b. */
function commonType(f: FunctionLowering, operands: readonly Operand[], node: Node): Scalar {
  const types = operands.flatMap((operand) => (operand.kind === "scalar" ? [operand.type] : []));
  const literals = operands.flatMap((operand) => (operand.kind === "literal" ? [literalType(operand.value, operand.big)] : []));
  const odd = operands.find(({ kind }) => kind !== "scalar" && kind !== "literal");
  if (odd !== undefined) {
    f.refuse(node, "type-mismatch", `"${f.text(node)}" may be ${describeOperand(odd)}`,
      "both sides need the same type: numbers, booleans or views of one struct");
  }
  if (types.some(({ kind }) => kind === "boolean")) return boolean;
  return [...types, ...literals].reduce((a, b) => {
    if (a.kind === "boolean" || b.kind === "boolean" || sameInteger(a, b) || !isPlain(a)) return a;
    return isPlain(b) ? arithmeticType(a, b) : b;
  });
}

function mergeViews(f: FunctionLowering, ends: readonly OpenOperand[], node: Node): Operand {
  const views = ends.flatMap(({ operand }) => (operand.kind === "view" ? [operand] : []));
  const [first] = views;
  if (first === undefined && ends.every(({ operand }) => operand.kind === "null")) {
    join(f, ends, () => {});
    return { kind: "null" };
  }
  const struct = first?.place.type;
  const fits = (operand: Operand): boolean => operand.kind === "null" || (operand.kind === "view" && sameLayout(operand.place.type, struct!));
  if (struct === undefined || !ends.every(({ operand }) => fits(operand))) {
    f.refuse(node, "type-mismatch", `"${f.text(node)}" is not always a view of the same struct`,
      "let all sides be views of one struct, or null");
  }
  if (views.length === ends.length) {
    if (views.every((view) => isSameView(view, first!))) {
      join(f, ends, () => {});
      return first!;
    }
    if (views.every(isWholeLocal)) return mergeLocals(f, ends, struct, node);
  }
  return mergePointers(f, ends, struct, node);
}

const isSameView = (a: ViewOperand, b: ViewOperand): boolean =>
  a.place.base === b.place.base && a.place.offset === b.place.offset && a.nullTest === b.nullTest;

const isWholeLocal = ({ place: { type, base, offset } }: ViewOperand): boolean =>
  base.kind === "local" && offset === 0 && base.struct === type;

/** Structs from make() become one, field by field: nothing of it needs memory. */
function mergeLocals(f: FunctionLowering, ends: readonly OpenOperand[], struct: AnyStruct, node: Node): ViewOperand {
  const local: LocalStruct = f.newLocal(struct);
  const place = { type: struct, base: local, offset: 0 };
  join(f, ends, ({ operand }) => copy(f, place, (operand as ViewOperand).place, node));
  return { kind: "view", place, nullTest: undefined };
}

function mergePointers(f: FunctionLowering, ends: readonly OpenOperand[], struct: AnyStruct, node: Node): ViewOperand {
  const { variables } = f.flow;
  const pointer = newVariable("view", "pointer");
  const present = newVariable("present", "bool");
  join(f, ends, ({ operand }) => {
    const parts = pointerAndPresence(f, operand, node);
    variables.write(pointer, parts.pointer);
    variables.write(present, parts.present);
  });
  return viewBehind(f, struct, variables.read(pointer), variables.read(present));
}

/** What is kept of a view or null in variables. */
export function pointerAndPresence(f: FunctionLowering, operand: Operand, node: Node) {
  const { builder } = f;
  if (operand.kind !== "view") return { pointer: builder.constant("pointer", 0), present: builder.constant("bool", 0) };
  const { base, offset } = operand.place;
  if (base.kind === "memory" && base.elementOf !== undefined) base.elementOf.pinned = true;
  const pointer = base.kind === "local" ? builder.pointerAdd(f.escape(base, f.span(node)), offset) : addressOf(f, operand.place, node);
  if (base.kind === "local") f.memory(pointer, "stack");
  else if (pointer !== base.pointer) f.adopt(pointer, base);
  return { pointer, present: presence(f, operand) };
}

/** The view that such a pair stands for. */
export function viewBehind(f: FunctionLowering, struct: AnyStruct, pointer: Instruction, present: Instruction | undefined): ViewOperand {
  const certain = present === undefined || (present.op === "constant" && present.value === 1n);
  const place = { type: struct, base: f.memoryBehind(pointer), offset: 0 };
  return { kind: "view", place, nullTest: certain ? undefined : { kind: "flag", present } };
}

/** Runs `leave` at each end, then lets all meet. */
function join(f: FunctionLowering, ends: readonly OpenOperand[], leave: (end: OpenOperand) => void): void {
  const after = f.flow.newBlock();
  for (const open of ends) {
    f.flow.resume(open.end);
    leave(open);
    f.flow.jump(after);
  }
  f.flow.enter(after);
}

/** Nothing has to be computed for such a join. */
function isSame(a: Operand, b: Operand): boolean {
  if (a.kind === "live" && b.kind === "live") return a.value === b.value;
  if (a.kind === "function" && b.kind === "function") return a.function === b.function;
  if (a.kind === "packet" && b.kind === "packet") return a.pointer === b.pointer;
  return a.kind === "nothing" && b.kind === "nothing";
}
