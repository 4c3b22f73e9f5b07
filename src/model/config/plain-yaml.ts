// The YAML that configurations are nearly always written in: mappings and lists by indentation or in braces, and words,
// numbers and addresses. A file of 100,000 destinations is read in a tenth of the time that the whole language takes.
// What is anything else, a mistake among it, is left to that: here there is one answer, and it is the same.

/** The text as plain values; undefined where it is not so plain, or wrong. */
export function readPlainYaml(text: string): unknown {
  try {
    return new PlainReader(text).read();
  } catch (error) {
    if (error === NOT_PLAIN) return undefined;
    throw error;
  }
}

const NOT_PLAIN = new Error("this is not so plain");

function notPlain(): never {
  throw NOT_PLAIN;
}

interface Line {
  /** Blanks before it. */
  readonly indent: number;
  /** Where it begins behind them, and where it ends without its comment and the blanks before that. */
  readonly start: number;
  readonly end: number;
}

/** Deeper than any configuration, and far from the stack's end. */
export const DEPTH_MAX = 32;

const KEY = /[A-Za-z][A-Za-z0-9_]*/y;
const WORD = /[A-Za-z0-9/][A-Za-z0-9_./:-]*/y;
const QUOTED_KEY = /"([A-Za-z][A-Za-z0-9_]*)"/y;
const QUOTED = /"([^"\\\n]*)"|'([^'\n]*)'(?!')/y;
const LINE = /( *)([^\n]*)(?:\n|$)/y;
/** Where a comment may begin: nothing here is a quoted text that holds one. */
const COMMENT = /(?:^| )#/;
/** All that a text may have, so that line ends, tabs, marks of order and the like need no thought; and variables of the environment are left to who knows them. */
export const PLAIN_TEXT = /^[\n -~\u00a1-\ud7ff]*$/;

class PlainReader {
  readonly #text: string;
  readonly #lines: readonly Line[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    if (!PLAIN_TEXT.test(text) || text.includes("${")) notPlain();
    this.#text = text;
    this.#lines = linesOf(text);
  }

  read(): unknown {
    const first = this.#lines[0];
    if (first === undefined) notPlain();
    const value = this.#block(first.indent);
    return this.#next === this.#lines.length ? value : notPlain();
  }

  /** What begins in the next line, which has that indentation. */
  #block(indent: number): unknown {
    const { start, end } = this.#line();
    if (++this.#depth > DEPTH_MAX) notPlain();
    const value = this.#isItem(start, end) ? this.#list(indent) : this.#mapping(indent, start, end);
    this.#depth--;
    return value;
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = [];
    for (let line = this.#peek(); line?.indent === indent && this.#isItem(line.start, line.end); line = this.#peek()) {
      const { start, end } = line;
      let at = start + 1;
      while (at < end && this.#text[at] === " ") at++;
      if (at === end) notPlain();
      // "- key: value": a mapping whose other keys stand under its first.
      if (this.#isKey(at, end)) items.push(this.#mapping(indent + at - start, at, end));
      else items.push(this.#inline(at, end));
    }
    const after = this.#peek();
    return after !== undefined && after.indent > indent ? notPlain() : items;
  }

  /** `start`, `end`: of what is left of the line that it begins in. */
  #mapping(indent: number, start: number, end: number): unknown {
    const values: Record<string, unknown> = {};
    let [at, until] = [start, end];
    for (;;) {
      const key = this.#match(KEY, at);
      if (key === undefined || isReserved(key) || key in values) notPlain();
      at += key.length;
      if (this.#text[at] !== ":") notPlain();
      values[key] = this.#valueOf(indent, at + 1, until);
      const line = this.#peek();
      if (line === undefined || line.indent < indent) return values;
      if (line.indent > indent || this.#isItem(line.start, line.end)) notPlain();
      [at, until] = [line.start, line.end];
    }
  }

  /** Of a key, from behind its colon: in its line, or in the lines after it. */
  #valueOf(indent: number, at: number, end: number): unknown {
    if (at < end) {
      if (this.#text[at] !== " ") notPlain();
      while (this.#text[at] === " ") at++;
      return this.#inline(at, end);
    }
    this.#next++;
    const line = this.#peek();
    if (line === undefined || line.indent < indent) notPlain();
    if (line.indent === indent && !this.#isItem(line.start, line.end)) notPlain();
    return this.#block(line.indent);
  }

  /** To the end of the line, which nothing goes on from. */
  #inline(at: number, end: number): unknown {
    const indent = this.#line().indent;
    const { value, at: after } = this.#flow(at);
    if (after !== end) notPlain();
    this.#next++;
    const line = this.#peek();
    // A scalar may go on in lines that are indented further.
    return line !== undefined && line.indent > indent && !this.#isKey(line.start, line.end) && !this.#isItem(line.start, line.end) ? notPlain() : value;
  }

  #flow(at: number): { readonly value: unknown; readonly at: number } {
    const first = this.#text[at];
    if (first !== "{" && first !== "[") return this.#scalar(at);
    if (++this.#depth > DEPTH_MAX) notPlain();
    const flow = first === "{" ? this.#flowMapping(at + 1) : this.#flowList(at + 1);
    this.#depth--;
    return flow;
  }

  #flowMapping(from: number): { readonly value: unknown; readonly at: number } {
    const values: Record<string, unknown> = {};
    let at = this.#skipBlanks(from);
    if (this.#text[at] === "}") return { value: values, at: at + 1 };
    for (;;) {
      // Behind a quoted key no blank need be, as in JSON.
      const quoted = this.#match(QUOTED_KEY, at);
      const key = quoted?.slice(1, -1) ?? this.#match(KEY, at);
      if (key === undefined || isReserved(key) || key in values) notPlain();
      at += (quoted ?? key).length;
      if (this.#text[at] !== ":" || (quoted === undefined && this.#text[at + 1] !== " ")) notPlain();
      const inner = this.#flow(this.#skipBlanks(at + 1));
      values[key] = inner.value;
      at = this.#skipBlanks(inner.at);
      if (this.#text[at] === "}") return { value: values, at: at + 1 };
      if (this.#text[at] !== ",") notPlain();
      at = this.#skipBlanks(at + 1);
    }
  }

  #flowList(from: number): { readonly value: unknown; readonly at: number } {
    const items: unknown[] = [];
    let at = this.#skipBlanks(from);
    if (this.#text[at] === "]") return { value: items, at: at + 1 };
    for (;;) {
      const inner = this.#flow(at);
      items.push(inner.value);
      at = this.#skipBlanks(inner.at);
      if (this.#text[at] === "]") return { value: items, at: at + 1 };
      if (this.#text[at] !== ",") notPlain();
      at = this.#skipBlanks(at + 1);
    }
  }

  #scalar(at: number): { readonly value: unknown; readonly at: number } {
    const word = this.#match(WORD, at);
    if (word !== undefined) return { value: valueOfWord(word), at: at + word.length };
    QUOTED.lastIndex = at;
    const quoted = QUOTED.exec(this.#text) ?? notPlain();
    return { value: quoted[1] ?? quoted[2]!, at: at + quoted[0].length };
  }

  #match(pattern: RegExp, at: number): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.#text)?.[0];
  }

  #skipBlanks(at: number): number {
    while (this.#text[at] === " ") at++;
    return at;
  }

  /** "- ", or a dash alone. */
  #isItem(start: number, end: number): boolean {
    return this.#text[start] === "-" && (start + 1 === end || this.#text[start + 1] === " ");
  }

  #isKey(at: number, end: number): boolean {
    const key = this.#match(KEY, at);
    return key !== undefined && this.#text[at + key.length] === ":" && (at + key.length + 1 === end || this.#text[at + key.length + 1] === " ");
  }

  #peek(): Line | undefined {
    return this.#lines[this.#next];
  }

  #line(): Line {
    return this.#lines[this.#next] ?? notPlain();
  }
}

/** Those that say something. */
function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  for (LINE.lastIndex = 0; LINE.lastIndex < text.length;) {
    const at = LINE.lastIndex;
    const [, blanks = "", rest = ""] = LINE.exec(text)!;
    const comment = rest.includes("#") ? COMMENT.exec(rest) : null;
    const said = withoutBlanks(rest, comment?.index ?? rest.length);
    if (comment !== null && /["']/.test(said)) notPlain();
    const start = at + blanks.length;
    if (said !== "") lines.push({ indent: blanks.length, start, end: start + said.length });
  }
  return lines;
}

/** What stands before `end`, without the blanks at its end. */
function withoutBlanks(text: string, end: number): string {
  while (text[end - 1] === " ") end--;
  return text.slice(0, end);
}

/** Words of YAML's own in any of their spellings; only these two are taken for what they are. */
const isReserved = (word: string): boolean => /^(?:true|false|null)$/i.test(word);

/** YAML 1.2, section 10.3.2, of what is common: a whole number, a truth, an address, a name. */
function valueOfWord(word: string): unknown {
  if (/^(?:0|[1-9]\d{0,14})$/.test(word)) return Number(word);
  if (word === "true" || word === "false") return word === "true";
  if (word.endsWith(":") || isReserved(word)) notPlain();
  if (/^[A-Za-z/]/.test(word) || /^\d+(?:\.\d+){3}(?:[:/]\d+)?$/.test(word) || /^[0-9a-f]+:[0-9a-f:.]*:[0-9a-f:.]*$/.test(word)) return word;
  return notPlain();
}
