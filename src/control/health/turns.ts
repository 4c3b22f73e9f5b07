// How many checks are under way at once: the others wait for their turn, in the order in which they came.

export class Turns {
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(readonly max: number) {}

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `use` when there is a turn, at once where there is one already. Gives what calls it off; a turn that was had is given back by free(). */
  take(use: () => void): () => void {
    if (this.#taken < this.max) {
      this.#taken++;
      use();
      return () => undefined;
    }
    this.#waiting.add(use);
    return () => void this.#waiting.delete(use);
  }

  free(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
