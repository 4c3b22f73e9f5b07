// Parameters of keepalived.conf ("Parameter substitution" and "Pre-defined definitions" in keepalived.conf(5)): where a line
// uses one, and what then stands there.

import type { Line } from "./lines.js";

/** The lines of a definition; all but one-line ones keep the place that each has. */
export interface Definition {
  readonly lines: readonly Line[];
}

export class Parameters {
  readonly #definitions = new Map<string, Definition>();

  define(name: string, lines: readonly Line[]): void {
    this.#definitions.set(name, { lines });
  }

  /** The line with the first parameter that it uses replaced, which may make several of it; undefined when it uses none. */
  substitute(line: Line): readonly Line[] | undefined {
    for (const match of line.text.matchAll(/\$\{(\w+)\}|\$(\w+)(?=\s|$)/g)) {
      const definition = this.#definitions.get(match[1] ?? match[2]!);
      if (definition === undefined) continue;
      return splice(line, match.index, match.index + match[0].length, definition.lines);
    }
    return undefined;
  }
}

/** What stood before the parameter goes before its first line, and what stood behind it behind its last. */
function splice(line: Line, from: number, to: number, lines: readonly Line[]): readonly Line[] {
  const [before, after] = [line.text.slice(0, from), line.text.slice(to)];
  return lines.map((inner, i) => ({
    ...(lines.length === 1 ? line : inner),
    text: `${i === 0 ? before : ""}${inner.text}${i === lines.length - 1 ? after : ""}`,
  }));
}
