// How directives are read: a block by a table of its keywords, a value by what it may be. What is wrong is noted and left out.

import { remedy, show } from "#model/config/fields.js";
import { parseAddress, formatAddress } from "#model/address.js";
import type { Address } from "#model/director.js";
import { readCommand } from "./commands.js";
import type { Report } from "../report.js";
import type { Directive } from "./tree.js";
import { describe } from "./tree.js";

export interface Keyword<T> {
  /** How many words may follow; more are passed over, as keepalived does. */
  readonly words: number;
  readonly block?: "needed" | "allowed";
  readonly read: (directive: Directive, target: T, reading: Reading) => void;
  /** What the directive becomes in weir.yaml, or why it becomes nothing: docs/import.md. */
  readonly becomes: string;
}
export type Keywords<T> = { readonly [keyword: string]: Keyword<T> };

/** What becomes of every directive: for tests and for `weir import` to be sure that none is forgotten. */
export interface Fate {
  readonly file: string;
  readonly line: number;
  readonly directive: string;
  readonly fate: "used" | "left";
}

export class Reading {
  readonly fates: Fate[] = [];

  constructor(readonly report: Report) {}

  /** `where`: "a virtual_server", as messages name it. */
  block<T>(directives: readonly Directive[], keywords: Keywords<T>, target: T, where: string): void {
    for (const directive of directives) {
      const keyword = Object.hasOwn(keywords, directive.keyword) ? keywords[directive.keyword] : undefined;
      if (keyword === undefined) {
        this.report.mistake(directive, `${show(directive.keyword)} is no directive of ${where}; ${remedy(directive.keyword, Object.keys(keywords))}`);
      } else if (this.#checkBlock(directive, keyword)) {
        this.fates.push({ ...placeOf(directive), directive: directive.keyword, fate: "used" });
        const beyond = directive.values.slice(keyword.words);
        if (beyond.length > 0) this.report.note(directive, describe(directive), `keepalived passes over ${beyond.map(show).join(" ")}, and so does weir`);
        keyword.read(directive, target, this);
      }
    }
  }

  /** Says that a directive, and its block, is left out. */
  leave(directive: Directive, why: string): void {
    this.report.note(directive, describe(directive), why);
    this.#leave(directive);
  }

  #leave(directive: Directive): void {
    const used = this.fates.findLastIndex(({ file, line, directive: keyword }) => file === directive.file && line === directive.line && keyword === directive.keyword);
    if (used >= 0) this.fates.splice(used, 1);
    this.fates.push({ ...placeOf(directive), directive: directive.keyword, fate: "left" });
    for (const inner of directive.block ?? []) this.#leave(inner);
  }

  #checkBlock(directive: Directive, { block }: Keyword<never>): boolean {
    if (block === "needed" && directive.block === undefined) this.report.mistake(directive, `${describe(directive)} has no block; write it between { and }`);
    else if (block === undefined && directive.block !== undefined) this.report.mistake(directive, `${directive.keyword} has no block; take away what stands between { and }`);
    else return true;
    return false;
  }

  /** The word at `index`, from 0. */
  word(directive: Directive, expected: string, index = 0): string | undefined {
    const word = directive.values[index];
    if (word === undefined || word === "") this.report.mistake(directive, `${directive.keyword} has no value; give ${expected}`);
    return word === "" ? undefined : word;
  }

  number(directive: Directive, unit: string, min: number, max: number, index = 0): number | undefined {
    const expected = `${unit} from ${min} to ${max}`;
    const word = this.word(directive, expected, index);
    if (word === undefined) return undefined;
    if (/^\d+$/.test(word) && Number(word) >= min && Number(word) <= max) return Number(word);
    return this.wrong(directive, word, expected);
  }

  /** Seconds, with a fraction of microseconds. */
  timer(directive: Directive, min: number, max: number): number | undefined {
    const expected = `a number of seconds from ${min} to ${max}`;
    const word = this.word(directive, expected);
    if (word === undefined) return undefined;
    if (/^\d+(?:\.\d{0,6})?$|^\.\d{1,6}$/.test(word) && Number(word) >= min && Number(word) <= max) return Number(word);
    return this.wrong(directive, word, expected);
  }

  /** Without a word: true. */
  flag(directive: Directive): boolean | undefined {
    const word = directive.values[0];
    if (word === undefined || ["on", "true", "yes"].includes(word)) return true;
    if (["off", "false", "no"].includes(word)) return false;
    return this.wrong(directive, word, "one of on, off, true, false, yes, no");
  }

  oneOf<const N extends readonly string[]>(directive: Directive, names: N): N[number] | undefined {
    const word = this.word(directive, `one of ${names.join(", ")}`);
    if (word === undefined || names.includes(word)) return word;
    this.report.mistake(directive, `${directive.keyword}: ${show(word)} is not known; ${remedy(word, names)}`);
    return undefined;
  }

  address(directive: Directive, index = 0): Address | undefined {
    const word = this.word(directive, "an address such as 192.168.1.11 or fd00::11", index);
    if (word === undefined) return undefined;
    const parsed = parseAddress(word);
    return parsed === undefined ? this.wrong(directive, word, "an address; give one such as 192.168.1.11 or fd00::11") : formatAddress(parsed);
  }

  /** A script and its arguments. */
  command(directive: Directive): readonly string[] | undefined {
    const word = this.word(directive, "a script, in quotes where it has arguments");
    const words = word === undefined ? undefined : readCommand(word);
    return word !== undefined && words === undefined ? this.wrong(directive, word, "a script with its arguments: a quote does not end") : words;
  }

  wrong(directive: Directive, word: string, expected: string): undefined {
    this.report.mistake(directive, `${directive.keyword}: ${show(word)} is not ${expected}`);
    return undefined;
  }
}

const placeOf = ({ file, line }: Directive) => ({ file, line });

/** A keyword of which weir makes nothing. */
export function left(why: string): Keyword<unknown> {
  return { words: Infinity, block: "allowed", becomes: `nothing: ${why}`, read: (directive, _target, reading) => reading.leave(directive, why) };
}
