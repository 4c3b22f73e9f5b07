// Text for a terminal: headings, a few colours, aligned tables. Without a terminal, or with NO_COLOR, plain text.

export interface Terminal {
  line(text?: string): void;
  heading(text: string): void;
  /** A paragraph, broken into lines. */
  paragraph(text: string): void;
  bold(text: string): string;
  dim(text: string): string;
  /** For what to look at. */
  mark(text: string): string;
}

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Longer lines are hard to read, however wide the terminal. */
const COLUMNS_MAX = 100;
const COLUMNS_DEFAULT = 80;

export function openTerminal(output: Output, environment: NodeJS.ProcessEnv = process.env): Terminal {
  // no-color.org: any value but the empty one.
  const coloured = output.isTTY === true && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
  const style = (code: number) => (text: string): string => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
  const columns = Math.min(output.columns ?? COLUMNS_DEFAULT, COLUMNS_MAX);
  const [bold, dim, mark] = [style(1), style(2), style(36)];
  const line = (text = ""): void => { output.write(`${text}\n`); };
  return {
    line, bold, dim, mark,
    heading(text) {
      line();
      line(bold(text));
      line(dim("─".repeat(Math.min(text.length, columns))));
    },
    paragraph(text) {
      for (const part of wrap(text, columns)) line(part);
    },
  };
}

export type Alignment = "left" | "right";

/** Rows of cells as lines of equal columns. Cells may carry colours: their width is what is seen of them. */
export function alignColumns(rows: readonly (readonly string[])[], alignments: readonly Alignment[] = []): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, seenLength(cell)); });
  return rows.map((row) => row.map((cell, i) => {
    const space = " ".repeat((widths[i] ?? 0) - seenLength(cell));
    return alignments[i] === "right" ? space + cell : cell + space;
  }).join("  ").trimEnd());
}

export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const seenLength = (cell: string): number => cell.replace(/\u001b\[\d+m/g, "").length;
