// Where in a table lists of entries can stand. A list just given up may still be read by a packet on its way: new ones
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

  /** Gives rooms, one after the other, where none of `taken` and none of those given before stand. */
  beside(taken: readonly Span[]): Room {
    return new Room(this.size, this.#cursor, taken, (cursor) => { this.#cursor = cursor; });
  }
}

export class Room {
  readonly #given: Span[] = [];
  #inOrder: readonly Span[];
  #at: number;
  /** Of #inOrder, the first that is not passed. */
  #next = 0;

  constructor(readonly size: number, cursor: number, taken: readonly Span[], readonly moved: (cursor: number) => void) {
    this.#inOrder = inOrder(taken);
    this.#at = cursor;
  }

  /** Room for so many entries, or undefined when there is none. */
  take(count: number): number | undefined {
    if (!this.#advance(count) && !(this.#startAgain(), this.#advance(count))) return undefined;
    const at = this.#at;
    if (count > 0) this.#given.push({ at, count });
    this.#at = at + count;
    this.moved(this.#at % this.size);
    return at;
  }

  /** To the next gap of that size. */
  #advance(count: number): boolean {
    for (let span = this.#inOrder[this.#next]; span !== undefined && span.at - this.#at < count; span = this.#inOrder[++this.#next]) {
      this.#at = Math.max(this.#at, span.at + span.count);
    }
    return this.#at + count <= this.size;
  }

  #startAgain(): void {
    this.#inOrder = inOrder([...this.#inOrder, ...this.#given.splice(0)]);
    this.#at = 0;
    this.#next = 0;
  }
}

function inOrder(spans: readonly Span[]): readonly Span[] {
  return spans.filter((span) => span.count > 0).sort((a, b) => a.at - b.at);
}
