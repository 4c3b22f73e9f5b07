// Type annotations to types. A name is first a live value (an integer type, or a struct, whose view it means), then an
// alias, then one of the language's own.

import * as numbers from "#layout/numbers.js";
import { refuse } from "./diagnostics.js";
import { evaluatePrivate } from "./evaluate.js";
import type { Module } from "./module.js";
import { isIntegerType, isStruct } from "./module.js";
import type { TSType, TSTypeReference } from "./syntax.js";
import { spanOf, textOf } from "./syntax.js";
import type { Type } from "./types.js";
import { boolean, describe, nothing } from "./types.js";

const builtinTypes: { readonly [name: string]: Type } = {
  u8: numbers.u8, u16: numbers.u16, u32: numbers.u32, u64: numbers.u64, i32: numbers.i32, i64: numbers.i64,
  Be16: numbers.Be16, Be32: numbers.Be32, Be64: numbers.Be64,
  Packet: { kind: "packet" }, MapSpec: { kind: "map" }, object: { kind: "object" },
};

export function typeOfAnnotation(module: Module, node: TSType): Type {
  switch (node.type) {
    case "TSBooleanKeyword": return boolean;
    case "TSVoidKeyword": return nothing;
    case "TSNumberKeyword": return { kind: "number", big: false };
    case "TSBigIntKeyword": return { kind: "number", big: true };
    case "TSObjectKeyword": return { kind: "object" };
    case "TSUnionType": return nullableType(module, node);
    case "TSTypeReference": return referencedType(module, node);
    default: return unknownType(module, node);
  }
}

/** The type of a variable, a parameter or a result: `number` alone does not do. */
export function typeWithWidth(module: Module, node: TSType): Exclude<Type, { kind: "number" }> {
  const type = typeOfAnnotation(module, node);
  if (type.kind !== "number") return type;
  return refuse(spanOf(module.file, node), "type-unknown", `"${type.big ? "bigint" : "number"}" has no width`,
    type.big ? "use u64 or i64" : "use u8, u16, u32 or i32");
}

function nullableType(module: Module, node: TSType & { type: "TSUnionType" }): Type {
  const others = node.types.filter(({ type }) => type !== "TSNullKeyword");
  const [first] = others;
  if (first === undefined || others.length > 1) return unknownType(module, node);
  const type = typeOfAnnotation(module, first);
  if (type.kind === "view") return { ...type, nullable: true };
  return refuse(spanOf(module.file, node), "type-unknown", `${describe(type)} cannot be null`, "only views can: View<typeof S> | null");
}

function referencedType(module: Module, node: TSTypeReference): Type {
  const { typeName } = node;
  if (typeName.type !== "Identifier") return unknownType(module, node);
  const [argument] = node.typeArguments?.params ?? [];
  const resolved = module.resolveType(typeName.name);
  const builtin = "builtin" in resolved ? resolved.builtin : undefined;
  if (builtin === "View" && argument !== undefined) return viewType(module, argument);
  if (builtin === "ArrayView" && argument !== undefined) return arrayType(module, argument);
  const value = valueOf(module, typeName.name, node);
  if (isIntegerType(value)) return value;
  if (isStruct(value)) return { kind: "view", struct: value, nullable: false };
  if ("module" in resolved) return aliasedType(resolved.module, resolved.node);
  return builtinTypes[resolved.builtin] ?? unknownType(module, node);
}

const resolving = new Set<TSType>();

/** An alias that leads to itself names nothing. */
function aliasedType(module: Module, node: TSType): Type {
  if (resolving.has(node)) return unknownType(module, node);
  resolving.add(node);
  try {
    return typeOfAnnotation(module, node);
  } finally {
    resolving.delete(node);
  }
}

/** View<typeof S>. */
function viewType(module: Module, argument: TSType): Type {
  const name = argument.type === "TSTypeQuery" && argument.exprName.type === "Identifier" ? argument.exprName.name : undefined;
  const value = name === undefined ? undefined : valueOf(module, name, argument);
  if (isStruct(value)) return { kind: "view", struct: value, nullable: false };
  return unknownType(module, argument);
}

function arrayType(module: Module, argument: TSType): Type {
  const element = typeOfAnnotation(module, argument);
  if (element.kind === "integer" && "typeName" in element) return { kind: "array", element: element as numbers.IntegerType };
  if (element.kind === "view" && !element.nullable) return { kind: "array", element: element.struct };
  return unknownType(module, argument);
}

/** The value that stands under a type's name. */
function valueOf(module: Module, name: string, node: TSType): unknown {
  const resolved = module.resolveName(name);
  if (resolved?.kind === "live") return resolved.value;
  return resolved?.kind === "private" ? evaluatePrivate(resolved, spanOf(module.file, node)) : undefined;
}

function unknownType(module: Module, node: TSType): never {
  return refuse(spanOf(module.file, node), "type-unknown", `"${textOf(module.file, node)}" is not a type of kernel TypeScript`,
    "use u8 … u64, i32, i64, Be16 … Be64, boolean, Packet, a distinct() type, or View<typeof S> of a struct");
}
