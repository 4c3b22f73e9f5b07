// TypeScript to JavaScript, by blanking out what is only there for types: every offset stays where it was. Enough for
// kernel TypeScript; what would need code (enum, namespace, parameter properties) is not in that language.

import { parseSync } from "oxc-parser";
import type { Node } from "./syntax.js";
import { walk } from "./syntax.js";

interface Range {
  readonly start: number;
  readonly end: number;
}

export function stripTypes(text: string): string {
  const { program } = parseSync("module.ts", text, { lang: "ts", sourceType: "module", preserveParens: true });
  const ranges: Range[] = [];
  walk(program as unknown as Node, (node) => {
    const found = typeRanges(node as TypedNode, text);
    ranges.push(...found.ranges);
    return found.descend;
  });
  let stripped = text;
  for (const { start, end } of ranges) {
    stripped = stripped.slice(0, start) + stripped.slice(start, end).replace(/[^\n]/g, " ") + stripped.slice(end);
  }
  return stripped;
}

function typeRanges(node: TypedNode, text: string): { ranges: Range[]; descend: boolean } {
  switch (node.type) {
    case "TSTypeAnnotation": case "TSTypeParameterDeclaration": case "TSTypeParameterInstantiation":
    case "TSTypeAliasDeclaration": case "TSInterfaceDeclaration":
      return { ranges: [node], descend: false };
    case "TSAsExpression": case "TSSatisfiesExpression": case "TSNonNullExpression":
      return { ranges: [{ start: node.expression!.end, end: node.end }], descend: true };
    case "ImportDeclaration": case "ExportNamedDeclaration":
      if (node.importKind === "type" || node.exportKind === "type") return { ranges: [node], descend: false };
      return { ranges: (node.specifiers ?? []).filter(isTypeOnly).map((specifier) => withComma(specifier, text)), descend: true };
    default:
      return { ranges: [], descend: true };
  }
}

const isTypeOnly = (specifier: TypedNode): boolean => specifier.importKind === "type" || specifier.exportKind === "type";

/** `type A, ` of an import's list. */
function withComma(node: Range, text: string): Range {
  const comma = /^\s*,/.exec(text.slice(node.end));
  return { start: node.start, end: node.end + (comma?.[0].length ?? 0) };
}

interface TypedNode extends Node {
  readonly expression?: Node;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly specifiers?: readonly TypedNode[];
}
