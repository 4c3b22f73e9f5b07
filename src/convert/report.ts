// What is said about a file of another program while it is read: mistakes, which stop everything, and notes about what weir
// leaves out, which do not.

import type { ConfigIssue } from "#model/config/error.js";
import { ConfigError } from "#model/config/error.js";

export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** Something that is not carried over, or not as it stands. */
export interface Note {
  readonly file: string;
  readonly line: number;
  /** As the file has it: "vrrp_instance VI_1". */
  readonly directive: string;
  /** What becomes of it, and why. */
  readonly why: string;
}

export function formatNote({ file, line, directive, why }: Note): string {
  return `${file}:${line}: ${directive}: ${why}`;
}

export class Report {
  readonly #issues: ConfigIssue[] = [];
  readonly #notes: Note[] = [];
  /** What stands in a line that is used many times is said once. */
  readonly #said = new Set<string>();

  mistake({ file, line, column }: Place, message: string): void {
    if (!this.#isNew([file, line, column, message])) return;
    this.#issues.push({ file, line, column, path: "", message });
  }

  note({ file, line }: Place, directive: string, why: string): void {
    if (this.#isNew([file, line, directive, why])) this.#notes.push({ file, line, directive, why });
  }

  /** Throws ConfigError with all mistakes, file by file and in their order, when there are any. */
  throwIfAny(file: string): void {
    if (this.#issues.length === 0) return;
    const files = [...new Set([file, ...this.#issues.map((issue) => issue.file)])];
    throw new ConfigError(file, this.#issues.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column));
  }

  notes(): readonly Note[] {
    const files = [...new Set(this.#notes.map(({ file }) => file))];
    return [...this.#notes].sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
  }

  #isNew(said: readonly unknown[]): boolean {
    const text = JSON.stringify(said);
    return !this.#said.has(text) && this.#said.add(text) !== undefined;
  }
}
