// Where in a table a list of entries can stand. A list just given up may still be read by a packet on its way: new ones
// begin elsewhere, and come round to its place late.

export interface Span {
  readonly at: number;
  readonly count: number;
}

export class Spans {
  #cursor: number;

  constructor(readonly size: number) {
    this.#cursor = Math.floor(Math.random() * size);
  }

  /** Room for so many entries where none of `taken` stand, or undefined when there is none. */
  find(count: number, taken: readonly Span[]): number | undefined {
    const inOrder = taken.filter((span) => span.count > 0).sort((a, b) => a.at - b.at);
    for (const from of [this.#cursor, 0]) {
      const at = firstRoom(from, count, inOrder);
      if (at + count > this.size) continue;
      this.#cursor = (at + count) % this.size;
      return at;
    }
    return undefined;
  }
}

function firstRoom(from: number, count: number, inOrder: readonly Span[]): number {
  let at = from;
  for (const span of inOrder) {
    if (span.at + span.count <= at) continue;
    if (span.at - at >= count) break;
    at = span.at + span.count;
  }
  return at;
}
