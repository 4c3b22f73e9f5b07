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

  /** Gives rooms, one after the other, where none of `taken` and none of those given before stand. `taken` is asked for with the first of them. */
  beside(taken: () => Iterable<Span>): Room {
    return new Room(this.size, this.#cursor, taken, (cursor) => { this.#cursor = cursor; });
  }
}

export class Room {
  readonly #given: Span[] = [];
  readonly #taken: () => Iterable<Span>;
  #inOrder: Float64Array | undefined;
  #at: number;
  /** Of #inOrder, the first that is not passed. */
  #next = 0;

  constructor(readonly size: number, cursor: number, taken: () => Iterable<Span>, readonly moved: (cursor: number) => void) {
    this.#taken = taken;
    this.#at = cursor;
  }

  /** Room for so many entries, or undefined when there is none. */
  take(count: number): number | undefined {
    if (count === 0) return 0;
    if (!this.#advance(count) && !(this.#startAgain(), this.#advance(count))) return undefined;
    const at = this.#at;
    this.#given.push({ at, count });
    this.#at = at + count;
    this.moved(this.#at % this.size);
    return at;
  }

  /** To the next gap of that size. */
  #advance(count: number): boolean {
    this.#inOrder ??= inOrder(this.#taken());
    for (let number = this.#inOrder[this.#next]; number !== undefined && beginningOf(number) - this.#at < count; number = this.#inOrder[++this.#next]) {
      this.#at = Math.max(this.#at, endOf(number));
    }
    return this.#at + count <= this.size;
  }

  #startAgain(): void {
    this.#inOrder = inOrder([...this.#taken(), ...this.#given]);
    this.#at = 0;
    this.#next = 0;
  }
}

/** A span as one number, for there are many to be put in order. */
const COUNT_RANGE = 2 ** 24;
const numberOf = ({ at, count }: Span): number => at * COUNT_RANGE + count;
const beginningOf = (number: number): number => Math.floor(number / COUNT_RANGE);
const endOf = (number: number): number => beginningOf(number) + (number % COUNT_RANGE);

function inOrder(spans: Iterable<Span>): Float64Array {
  const numbers: number[] = [];
  for (const span of spans) if (span.count > 0) numbers.push(numberOf(span));
  return Float64Array.from(numbers).sort();
}
