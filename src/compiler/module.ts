// A module twice over: its source (functions, type aliases, imports) and its live values (the same file, run as
// JavaScript). resolveName() says which of the two a name means.

import type { IntegerType } from "#layout/numbers.js";
import type { SourceFile } from "./ir.js";
import type { Expression, FunctionNode, Node, Program, TSType } from "./syntax.js";
import type { AnyStruct } from "./types.js";

/** Modules of the language itself (layout, prelude): only their live values count. */
export interface LiveModule {
  readonly live: LiveValues;
}
export type LiveValues = { readonly [name: string]: unknown };

interface Import {
  readonly specifier: string;
  /** "*" for a whole namespace. */
  readonly name: string;
}

export interface ModuleFunction {
  readonly module: Module;
  readonly name: string;
  readonly node: FunctionNode;
}

/** What a name that is not a local variable means. */
export type Resolved =
  | { readonly kind: "function"; readonly function: ModuleFunction }
  | { readonly kind: "live"; readonly value: unknown }
  /** A constant that its module does not export: its initialiser is evaluated when it is needed (see evaluate.ts). */
  | { readonly kind: "private"; readonly module: Module; readonly name: string; readonly node: Expression };

export class Module implements LiveModule {
  readonly functions = new Map<string, ModuleFunction>();
  readonly types = new Map<string, TSType>();
  readonly imports = new Map<string, Import>();
  /** Exported under a name from elsewhere: export { a as b } from "…". */
  readonly reexports = new Map<string, Import>();
  readonly #starExports: string[] = [];
  readonly #privateConstants = new Map<string, Expression>();
  readonly #linked = new Map<string, Module | LiveModule>();

  /** `define` overrides exported constants of this module and of those that it imports, by name. */
  constructor(readonly file: SourceFile, readonly live: LiveValues, program: Program, readonly define: LiveValues) {
    for (const statement of program.body) this.#index(statement as Declaration, false);
  }

  /** Every module that this one names, as written. */
  specifiers(): ReadonlySet<string> {
    return new Set([...[...this.imports.values(), ...this.reexports.values()].map(({ specifier }) => specifier), ...this.#starExports]);
  }

  link(specifier: string, module: Module | LiveModule): void {
    this.#linked.set(specifier, module);
  }

  /** A name as it stands in this module's text. */
  resolveName(name: string): Resolved | undefined {
    const fn = this.functions.get(name);
    if (fn !== undefined) return { kind: "function", function: fn };
    const imported = this.imports.get(name);
    if (imported !== undefined) return this.#resolveImport(imported);
    const node = this.#privateConstants.get(name);
    if (node !== undefined) return { kind: "private", module: this, name, node };
    return resolveLive(this.live, name, this.define);
  }

  /** The same for a name that this module exports. */
  resolveExport(name: string): Resolved | undefined {
    const reexported = this.reexports.get(name);
    if (reexported !== undefined) return this.#resolveImport(reexported);
    const own = this.resolveName(name);
    if (own?.kind === "function") return own;
    for (const specifier of this.#starExports) {
      const module = this.#linked.get(specifier);
      const found = module instanceof Module ? module.resolveExport(name) : undefined;
      if (found?.kind === "function") return found;
    }
    return own;
  }

  /** Where the type of that name is declared, and how: an alias, or a name of the language. */
  resolveType(name: string): { readonly module: Module; readonly node: TSType } | { readonly builtin: string } {
    const alias = this.types.get(name);
    if (alias !== undefined) return { module: this, node: alias };
    const imported = this.imports.get(name) ?? this.reexports.get(name);
    if (imported === undefined) return { builtin: name };
    const module = this.#linked.get(imported.specifier);
    return module instanceof Module ? module.resolveType(imported.name) : { builtin: imported.name };
  }

  #resolveImport({ specifier, name }: Import): Resolved | undefined {
    const module = this.#linked.get(specifier);
    if (module === undefined) return undefined;
    if (name === "*") return { kind: "live", value: module.live };
    return module instanceof Module ? module.resolveExport(name) : resolveLive(module.live, name, this.define);
  }

  #index(statement: Declaration, exported: boolean): void {
    switch (statement.type) {
      case "FunctionDeclaration":
        if (statement.id && statement.body) {
          const { name } = statement.id;
          this.functions.set(name, { module: this, name, node: statement as FunctionNode });
        }
        break;
      case "TSTypeAliasDeclaration":
        if (statement.id && statement.typeAnnotation) this.types.set(statement.id.name, statement.typeAnnotation);
        break;
      case "VariableDeclaration":
        if (exported || statement.kind !== "const") break;
        for (const { id, init } of statement.declarations ?? []) {
          if (id.type === "Identifier" && init) this.#privateConstants.set(id.name, init);
        }
        break;
      case "ImportDeclaration":
        for (const specifier of statement.specifiers ?? []) {
          const name = specifier.type === "ImportNamespaceSpecifier" ? "*" : (specifier.imported?.name ?? "default");
          this.imports.set(specifier.local.name, { specifier: statement.source!.value, name });
        }
        break;
      case "ExportAllDeclaration":
        this.#starExports.push(statement.source!.value);
        break;
      case "ExportNamedDeclaration":
        if (statement.declaration) this.#index(statement.declaration, true);
        for (const specifier of statement.specifiers ?? []) {
          const [local, name] = [specifier.local.name, specifier.exported?.name ?? specifier.local.name];
          if (statement.source) this.reexports.set(name, { specifier: statement.source.value, name: local });
          else this.#privateConstants.delete(local);
        }
        break;
    }
  }
}

function resolveLive(live: LiveValues, name: string, define: LiveValues): Resolved | undefined {
  const value = Object.hasOwn(define, name) ? define[name] : live[name];
  return value === undefined ? undefined : { kind: "live", value };
}

export const isStruct = (value: unknown): value is AnyStruct => isKind(value, "struct");
export const isIntegerType = (value: unknown): value is IntegerType => isKind(value, "integer");
export const isKind = (value: unknown, kind: string): boolean =>
  (typeof value === "object" || typeof value === "function") && value !== null && (value as { kind?: unknown }).kind === kind;

/** The parts of a module's statements that are looked at here; each is present only where its statement has it. */
interface Declaration extends Node {
  readonly id?: { readonly name: string } | null;
  readonly body?: unknown;
  readonly kind?: string;
  readonly typeAnnotation?: TSType;
  readonly declarations?: readonly { readonly id: Node & { readonly name: string }; readonly init: Expression | null }[];
  readonly source?: { readonly value: string } | null;
  readonly declaration?: Declaration | null;
  readonly specifiers?: readonly {
    readonly type: string;
    readonly local: { readonly name: string };
    readonly imported?: { readonly name: string };
    readonly exported?: { readonly name: string };
  }[];
}
