// Line and column of a span, with the line's text. Each file is cut into lines once.

import type { SourceFile, Span } from "../ir.js";

export interface Position {
  readonly path: string;
  readonly text: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export class Lines {
  private readonly starts = new Map<SourceFile, number[]>();

  /** Paths of all files asked about. */
  get files(): string[] {
    return [...new Set([...this.starts.keys()].map(({ path }) => path))];
  }

  at({ file, start }: Span): Position {
    const starts = this.startsOf(file);
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= start) low = middle;
      else high = middle;
    }
    const text = file.text.slice(starts[low]!, starts[low + 1]).trimEnd();
    return { path: file.path, text, line: low + 1, column: start - starts[low]! + 1 };
  }

  private startsOf(file: SourceFile): readonly number[] {
    let starts = this.starts.get(file);
    if (starts === undefined) {
      starts = [0, ...[...file.text.matchAll(/\n/g)].map(({ index }) => index + 1)];
      this.starts.set(file, starts);
    }
    return starts;
  }
}
