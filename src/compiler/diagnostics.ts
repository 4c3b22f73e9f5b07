// What the compiler says to the author of a program: where, what was found, and what would work.
//
//   src/dataplane/entry.ts:12:7: error[may-be-null]: "ip" may be null here
//       12 |   if (ip.ttl === 0) return XDP_DROP;
//          |       ^^
//     help: compare it first: if (ip === null) return …

import type { DiagnosticCode } from "./diagnostic-codes.js";
import type { Span } from "./ir.js";

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly message: string;
  /** What would work. */
  readonly remedy: string;
  readonly span: Span;
}

export class CompileError extends Error {
  override readonly name = "CompileError";
  declare readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join("\n\n"));
    // Not among what console.log() shows: they carry whole source files.
    Object.defineProperty(this, "diagnostics", { value: diagnostics, enumerable: false });
  }
}

/** Leaves the statement that is being compiled; the compiler notes the diagnostic and goes on with the next one. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** Undefined: it follows from one that was reported already. */
  constructor(readonly diagnostic: Diagnostic | undefined) {
    super(diagnostic?.message);
  }
}

export function refuse(span: Span, code: DiagnosticCode, message: string, remedy: string): never {
  throw new Refusal({ code, message, remedy, span });
}

/** Enough for one round of repair; a program with more mistakes is rarely read to the end. */
const DIAGNOSTICS_MAX = 50;

/** All diagnostics of one compilation, each once: an inlined function is compiled as often as it is called. */
export class Diagnostics {
  readonly #all = new Map<string, Diagnostic>();

  report(diagnostic: Diagnostic): void {
    const { code, span } = diagnostic;
    const key = `${span.file.path}:${span.start}:${code}`;
    if (this.#all.size < DIAGNOSTICS_MAX && !this.#all.has(key)) this.#all.set(key, diagnostic);
  }

  get found(): boolean {
    return this.#all.size > 0;
  }

  /** Runs `work`; a refusal in it is noted. Gives undefined then. */
  attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.diagnostic !== undefined) this.report(error.diagnostic);
      return undefined;
    }
  }

  throwIfAny(): void {
    if (this.#all.size === 0) return;
    const order = [...this.#all.values()].sort((a, b) =>
      a.span.file === b.span.file ? a.span.start - b.span.start : a.span.file.path < b.span.file.path ? -1 : 1);
    throw new CompileError(order);
  }
}

/** Line and column, from 1, of an offset into a text. */
function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

export function formatDiagnostic({ code, message, remedy, span }: Diagnostic): string {
  const { text, path } = span.file;
  const { line, column } = positionOf(text, span.start);
  const source = text.split("\n")[line - 1] ?? "";
  const carets = "^".repeat(Math.max(1, Math.min(span.end, span.start - column + 1 + source.length) - span.start));
  const number = String(line).padStart(5);
  return [
    `${path}:${line}:${column}: error[${code}]: ${message}`,
    `${number} | ${source}`,
    `      | ${source.slice(0, column - 1).replace(/[^\t]/g, " ")}${carets}`,
    `  help: ${remedy}`,
  ].join("\n");
}
