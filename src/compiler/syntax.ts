// The syntax tree, as oxc-parser gives it (ESTree with TypeScript's nodes), and the few questions asked of any node.

import type { AssignmentExpression, Function as FunctionNode, MemberExpression } from "oxc-parser";
import type { SourceFile, Span } from "./ir.js";

export type {
  AssignmentExpression, BinaryExpression, BlockStatement, CallExpression, ConditionalExpression, Expression, ForStatement,
  Function as FunctionNode, IfStatement, LogicalExpression, MemberExpression, ObjectExpression, Program, Statement, SwitchStatement,
  TSType, TSTypeReference, UnaryExpression, UpdateExpression, VariableDeclaration, WhileStatement,
} from "oxc-parser";

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

export const spanOf = (file: SourceFile, node: Node): Span => ({ file, start: node.start, end: node.end });

export const textOf = (file: SourceFile, node: Node): string => file.text.slice(node.start, node.end);

/** Calls `visit` for `node` and all nodes below it; not below those for which it returns false. */
export function walk(node: Node, visit: (node: Node) => boolean | void): void {
  if (visit(node) === false) return;
  for (const child of Object.values(node)) {
    if (Array.isArray(child)) child.filter(isNode).forEach((element) => walk(element, visit));
    else if (isNode(child)) walk(child, visit);
  }
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string" && typeof (value as Node).start === "number";

/** The names that are assigned to anywhere below a node, by =, += …, ++ or --. */
export function assignedNames(root: Node): ReadonlySet<string> {
  const names = new Set<string>();
  walk(root, (node) => {
    const target = node.type === "AssignmentExpression" ? (node as AssignmentExpression).left
      : node.type === "UpdateExpression" ? (node as unknown as { argument: Node }).argument : undefined;
    if (target?.type === "Identifier") names.add((target as unknown as { name: string }).name);
  });
  return names;
}

export function hasDirective(fn: FunctionNode, directive: string): boolean {
  return fn.body?.body.some((statement) => "directive" in statement && statement.directive === directive) ?? false;
}

export const isNullLiteral = (node: Node): boolean => node.type === "Literal" && (node as Node & { raw?: string }).raw === "null";

export const isIdentifier = (node: Node, name: string): boolean => node.type === "Identifier" && (node as Node & { name?: string }).name === name;

/** The property's name in `object.name`; undefined for `object[index]`. */
export function propertyName(node: MemberExpression): string | undefined {
  return !node.computed && node.property.type === "Identifier" ? node.property.name : undefined;
}
