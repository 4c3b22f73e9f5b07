// The text of a configuration with the place of everything in it. YAML 1.2, of which JSON is a part.

import type { Document, ParsedNode, YAMLMap } from "yaml";
import { isAlias, isCollection, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { ConfigIssue, ConfigPath } from "./error.js";
import { ConfigError, formatPath } from "./error.js";
import type { Environment } from "./environment.js";
import { substituteEnvironment } from "./environment.js";
import { readPlainJson } from "./plain-json.js";
import { readPlainYaml } from "./plain-yaml.js";

export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface ConfigSource {
  readonly file: string;
  /** The text as plain values. */
  readonly value: unknown;
  /** Where the value at `path` stands, or its key; what is not there is placed at what would hold it. */
  place(path: ConfigPath, part?: "key" | "value"): Place;
}

export interface SourceOptions {
  /** What ${NAME} stands for. Undefined: the text is taken as it is. */
  readonly environment?: Environment | undefined;
}

/** Throws ConfigError when the text is not YAML, or names variables that are not set. */
export function readSource(text: string, file: string, options: SourceOptions = {}): ConfigSource {
  const value = readPlainJson(text) ?? readPlainYaml(text);
  if (value === undefined) return readDocument(text, file, options);
  // Places are of mistakes, which are rare: the document is read when somebody asks for one. It names no variables.
  let document: ConfigSource | undefined;
  return { file, value, place: (path, part) => (document ??= readDocument(text, file, {})).place(path, part) };
}

function readDocument(text: string, file: string, { environment }: SourceOptions): ConfigSource {
  const lines = new LineCounter();
  // merge: "<<: *name" is how operators share settings among services.
  // logLevel: what the library would warn of on stderr are mistakes here, with their places.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: "error" });
  const mistakes = [...syntaxMistakes(document, text), ...unknownAliases(document), ...keysOfValues(document), ...unsetVariables(document, environment)].map(({ offset, message }): ConfigIssue => ({
    file, ...position(lines, offset), path: "", message,
  }));
  if (mistakes.length > 0) throw new ConfigError(file, mistakes);

  return {
    file,
    value: valueOf(document, file),
    place: (path, part = "value") => ({ file, ...position(lines, offsetOf(document, path, part)) }),
  };
}

/** Collects mistakes while the configuration is read. */
export class IssueList {
  readonly #issues: ConfigIssue[] = [];
  readonly #explained = new Set<string>();

  constructor(private readonly source: ConfigSource) {}

  add(path: ConfigPath, message: string, part: "key" | "value" = "value"): void {
    this.#issues.push({ ...this.source.place(path, part), path: formatPath(path), message });
    this.explain(path);
  }

  /** What is missing at `path` or in it has had its message. */
  explain(path: ConfigPath): void {
    this.#explained.add(formatPath(path));
  }

  /** Whether there is a message about `path`, or about what should hold it. */
  has(path: ConfigPath): boolean {
    return path.some((_, i) => this.#explained.has(formatPath(path.slice(0, i + 1))));
  }

  /** Notes a key that is needed and not there, unless something was said about it already. */
  missing(path: ConfigPath, remedy: string): void {
    if (!this.has(path)) this.add(path, `is missing; ${remedy}`);
  }

  /** Throws ConfigError with all of them, file by file in the order of each, when there are any. */
  throwIfAny(): void {
    if (this.#issues.length === 0) return;
    const files = [...new Set(this.#issues.map(({ file }) => file))];
    const inOrder = (a: ConfigIssue, b: ConfigIssue) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column;
    throw new ConfigError(this.source.file, this.#issues.sort(inOrder));
  }
}

function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases of aliases that grow without measure.
    throw new ConfigError(file, [{ file, line: 1, column: 1, path: "", message: `not YAML: ${(error as Error).message}` }]);
  }
}

interface Mistake { readonly offset: number; readonly message: string }

function syntaxMistakes(document: Document, text: string): Mistake[] {
  const tooDeep = document.errors.find(({ message }) => message.includes("call stack"));
  // What follows is about the end that was not reached.
  if (tooDeep !== undefined) return [{ offset: tooDeep.pos[0], message: "values stand in each other too deep to be read; a configuration needs no more than ten levels" }];
  const variable = document.errors.find(({ pos: [at] }) => text.startsWith("${", at - 1));
  if (variable !== undefined) return [{ offset: variable.pos[0] - 1, message: VARIABLE_IN_BRACES }];
  return [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({ offset: pos[0], message: SYNTAX_MESSAGES[code] ?? `not YAML: ${message}` }));
}

/** All else that the library says then is about what follows. */
const VARIABLE_IN_BRACES = "to YAML a mapping begins here, since this stands in { } or [ ]; give its key a line of its own, or, where the value is a text, quotes";

/** In an administrator's words, where the library has a programmer's. */
const SYNTAX_MESSAGES: { readonly [code: string]: string } = {
  DUPLICATE_KEY: "this key stands twice in one mapping; keep one of them",
  MULTIPLE_DOCS: "a second document begins here; keep one, without the line ---",
};

function keysOfValues(document: Document): Mistake[] {
  const mistakes: Mistake[] = [];
  visit(document, {
    Pair(_key, { key }) {
      const held = isAlias(key) ? key.resolve(document) : key;
      if (isCollection(held)) mistakes.push({ offset: startOf(key) ?? 0, message: `${isMap(held) ? "a mapping" : "a list"} stands in a key's place; a key is a word` });
    },
  });
  return mistakes;
}

function unknownAliases(document: Document): Mistake[] {
  const mistakes: Mistake[] = [];
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) !== undefined) return;
      mistakes.push({ offset: startOf(node) ?? 0, message: `*${node.source} refers to nothing; set the anchor &${node.source} before it` });
    },
  });
  return mistakes;
}

function unsetVariables(document: Document, environment: Environment | undefined): Mistake[] {
  if (environment === undefined) return [];
  return substituteEnvironment(document, environment).map(({ scalar, message }) => ({ offset: startOf(scalar) ?? 0, message }));
}

function offsetOf(document: Document, path: ConfigPath, part: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [i, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const pair = isMap(node) ? pairOf(node, step) : undefined;
    const next = pair?.value ?? (isSeq(node) ? node.items[step as number] : undefined);
    const wantsKey = pair !== undefined && i === path.length - 1 && part === "key";
    const found = wantsKey ? startOf(pair.key) : startOf(next) ?? startOf(pair?.key);
    if (found === undefined) return offset;
    [node, offset] = [next, found];
  }
  return offset;
}

function pairOf(map: YAMLMap, key: string | number) {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? (node as ParsedNode).range?.[0] : undefined);

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
