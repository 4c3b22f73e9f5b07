// The lines of keepalived.conf as directives and blocks: a directive is a line's words, and has a block where a brace follows,
// on its line or the next.

import type { Place, Report } from "../report.js";
import type { Line } from "./lines.js";
import type { Word } from "./tokens.js";
import { splitWords } from "./tokens.js";

export interface Directive extends Place {
  readonly keyword: string;
  /** The words behind the keyword. */
  readonly values: readonly string[];
  /** Undefined: it has no block. */
  readonly block: readonly Directive[] | undefined;
}

type Growing = Place & { readonly keyword: string; readonly values: string[]; block: Growing[] | undefined };

export function readTree(lines: readonly Line[], report: Report): readonly Directive[] {
  const builder = new TreeBuilder(report);
  for (const line of lines) builder.line(line);
  return builder.end();
}

class TreeBuilder {
  readonly #top: Growing[] = [];
  /** Blocks that are open, the innermost last. */
  readonly #open: Growing[] = [];
  /** The directive whose words are being read. */
  #current: Growing | undefined;

  constructor(private readonly report: Report) {}

  line(line: Line): void {
    const split = splitWords(line.text);
    if ("quote" in split) {
      this.report.mistake(at(line, split.offset), `the quote ${split.quote} does not end in its line; end it, or write \\${split.quote} for the character itself`);
      return;
    }
    for (const word of split.words) this.#word(word, at(line, word.offset));
    this.#current = undefined;
  }

  end(): readonly Directive[] {
    for (const owner of this.#open) this.report.mistake(owner, `the block of ${owner.keyword} does not end; close it with }`);
    return this.#top;
  }

  #word({ text, brace }: Word, place: Place): void {
    if (brace) {
      this.#current = undefined;
      if (text === "{") this.#openBlock(place);
      else if (this.#open.pop() === undefined) this.report.mistake(place, "} closes nothing; take it away, or open the block with {");
    } else if (this.#current === undefined) {
      this.#current = { ...place, keyword: text, values: [], block: undefined };
      this.#innermost().push(this.#current);
    } else {
      this.#current.values.push(text);
    }
  }

  #openBlock(place: Place): void {
    let owner = this.#innermost().at(-1);
    if (owner === undefined || owner.block !== undefined) {
      this.report.mistake(place, "{ opens a block of nothing; write the block's name before it");
      owner = { ...place, keyword: "{", values: [], block: undefined };
    }
    owner.block = [];
    this.#open.push(owner);
  }

  #innermost(): Growing[] {
    return this.#open.at(-1)?.block ?? this.#top;
  }
}

const at = ({ file, line, column }: Line, offset: number): Place => ({ file, line, column: column + offset });

/** As a note names it. */
export function describe({ keyword, values }: Directive): string {
  return [keyword, ...values].join(" ");
}
