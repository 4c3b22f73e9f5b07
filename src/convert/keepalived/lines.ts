// From the files of a configuration to the lines that count, in their order: comments are gone, includes have been followed,
// conditions decided, parameters replaced and sequences repeated, as keepalived's lib/parser.c, read_line(), does it.

import type { Place, Report } from "../report.js";
import { Parameters } from "./parameters.js";
import { readRepetition } from "./sequences.js";
import { withoutComment } from "./tokens.js";

export interface Line extends Place {
  readonly text: string;
}

/** What a configuration may need beside its own text. */
export interface KeepalivedSources {
  /** As messages name it. */
  readonly file: string;
  /** The files that an include names; `pattern` may have wildcards and is relative to `folder`, that of the file which includes. */
  include(pattern: string, folder: string): readonly { readonly file: string; readonly text: string }[];
  /** What relative names of files are relative to; ${_PWD} is absolute. */
  readonly workingFolder: string;
  /** keepalived -i, or the first part of the machine's name. */
  readonly configId: string;
  /** Whether this machine knows a user of that name. */
  hasUser(name: string): boolean;
}

/** keepalived's own limit is memory; a definition that uses itself has no end. */
const LINES_MAX = 1_000_000;
const DEPTH_MAX = 1000;
const INCLUDES_MAX = 64;
const FILES_MAX = 10_000;

export function readLines(text: string, sources: KeepalivedSources, report: Report): readonly Line[] {
  return new LineReader(sources, report).read(text);
}

class LineReader {
  readonly #parameters = new Parameters();
  readonly #lines: Line[] = [];
  /** A definition of several lines that has not ended. */
  #open: { readonly name: string; readonly lines: Line[] } | undefined;
  #tooLong = false;
  #files = 0;

  constructor(private readonly sources: KeepalivedSources, private readonly report: Report) {}

  read(text: string): readonly Line[] {
    this.#parameters.define("_INSTANCE", [{ text: this.sources.configId, file: "", line: 0, column: 0 }]);
    for (const [name, character] of [["_HASH", "#"], ["_BANG", "!"]] as const) this.#parameters.define(name, [{ text: character, file: "", line: 0, column: 0 }]);
    this.#file(this.sources.file, text, 0);
    return this.#lines;
  }

  #file(file: string, text: string, includes: number): void {
    const folder = file.includes("/") ? file.slice(0, Math.max(file.lastIndexOf("/"), 1)) : ".";
    const absolute = folder.startsWith("/") ? folder : folder === "." ? this.sources.workingFolder : `${this.sources.workingFolder}/${folder}`;
    for (const [i, raw] of text.split("\n").entries()) {
      this.#parameters.define("_PWD", [{ text: absolute, file, line: 0, column: 0 }]);
      const bare = withoutComment(raw).trimEnd();
      const line: Line = { text: bare.trimStart(), file, line: i + 1, column: bare.length - bare.trimStart().length + 1 };
      if (line.text === "") continue;
      const include = /^include([rmwba]?)\s+(\S.*)$/.exec(line.text);
      if (include === null) this.#take(line, 0);
      else this.#include(line, include[2]!.replace(/^(["'])(.*)\1$/, "$2"), include[1] !== "", folder, includes);
    }
    if (this.#open !== undefined) this.#close();
  }

  #include(line: Line, pattern: string, strict: boolean, folder: string, includes: number): void {
    if (this.#files > FILES_MAX) return;
    if (includes >= INCLUDES_MAX) return this.report.mistake(line, `includes stand in each other ${INCLUDES_MAX} deep; does a file include itself?`);
    const files = this.sources.include(pattern, folder);
    for (const { file, text } of files) {
      if (++this.#files <= FILES_MAX) this.#file(file, text, includes + 1);
      else if (this.#files === FILES_MAX + 1) this.report.mistake(line, `more than ${FILES_MAX} files are included; does a file include itself?`);
    }
    if (files.length > 0) return;
    if (strict) this.report.mistake(line, `there is no file ${JSON.stringify(pattern)} to include; make one, or write include, which needs none`);
    else this.report.note(line, line.text, "there is no such file; keepalived goes on without it, and so does weir");
  }

  /** One line with what it stands for. */
  #take(line: Line, depth: number): void {
    if (this.#open !== undefined) return this.#continue(line);
    if (depth > DEPTH_MAX || this.#lines.length >= LINES_MAX) return this.#refuseMore(line);
    if (line.text.startsWith("@")) return this.#condition(line, depth);
    const [, name, value] = /^\$([a-z_]\w*)=(.*)$/is.exec(line.text) ?? [];
    if (name !== undefined) return this.#define(name, { ...line, text: value!.trim() });
    const repetition = readRepetition(line.text);
    if (typeof repetition === "string") return this.report.mistake(line, repetition);
    if (repetition !== undefined) return this.#repeat(line, repetition, depth);
    if (/\$\{_RANDOM\b[^}]*\}/.test(line.text)) return this.report.mistake(line, "${_RANDOM} is another number each time; write the one that is meant");
    const replaced = this.#parameters.substitute(line);
    if (replaced === undefined) this.#lines.push(line);
    else for (const inner of replaced) this.#takeTrimmed(inner, depth + 1);
  }

  #takeTrimmed(line: Line, depth: number): void {
    const text = line.text.trim();
    if (text !== "") this.#take({ ...line, text }, depth);
  }

  /** "@main priority 240" counts where the configuration's id is main, "@^main …" where it is not. */
  #condition(line: Line, depth: number): void {
    const [, not, id, rest] = /^@(\^?)(\S*)\s*(.*)$/s.exec(line.text)!;
    if (id === "") return this.report.mistake(line, "@ has no configuration id behind it; write @id or @^id");
    if ((id === this.sources.configId) !== (not === "^")) this.#takeTrimmed({ ...line, text: rest! }, depth + 1);
  }

  #define(name: string, value: Line): void {
    if (!value.text.endsWith("\\")) return this.#parameters.define(name, [value]);
    this.#open = { name, lines: [] };
    this.#continue(value);
  }

  /** A definition goes on for as long as its lines end in a backslash. */
  #continue(line: Line): void {
    const goesOn = line.text.endsWith("\\");
    const text = (goesOn ? line.text.slice(0, -1) : line.text).trim();
    if (text !== "") this.#open!.lines.push({ ...line, text });
    if (!goesOn) this.#close();
  }

  #close(): void {
    this.#parameters.define(this.#open!.name, this.#open!.lines.length > 0 ? this.#open!.lines : [{ text: "", file: "", line: 0, column: 0 }]);
    this.#open = undefined;
  }

  #repeat(line: Line, { rounds, rest }: { readonly rounds: readonly (readonly (readonly [string, string])[])[]; readonly rest: string }, depth: number): void {
    for (const round of rounds) {
      for (const [name, value] of round) this.#parameters.define(name, [{ ...line, text: value }]);
      this.#takeTrimmed({ ...line, text: rest }, depth + 1);
      if (this.#tooLong) return;
    }
  }

  #refuseMore(line: Line): void {
    if (!this.#tooLong) this.report.mistake(line, "its parameters have no end: one of them stands for itself, or for over a million lines");
    this.#tooLong = true;
  }
}
