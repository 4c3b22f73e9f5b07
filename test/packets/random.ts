// Chance that can be repeated: the same seed gives the same numbers. Tests print theirs and take it back by WEIR_SEED.

export class Random {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, less than `limit`, a whole number. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** True so many times in a hundred. */
  percent(chance: number): boolean {
    return this.below(100) < chance;
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new RangeError("There is nothing to pick from");
    return chosen;
  }

  /** One of them, each so often as its weight says. */
  weighted<T extends { readonly weight: number }>(choices: readonly T[]): T {
    let left = this.below(choices.reduce((sum, { weight }) => sum + weight, 0));
    for (const choice of choices) if ((left -= choice.weight) < 0) return choice;
    throw new RangeError("There is nothing to pick from");
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** Tommy Ettinger's mulberry32: small, and passes what a test wants of chance. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** WEIR_SEED, or another one every time. */
export function seedOfThisRun(): number {
  const given = process.env["WEIR_SEED"];
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
}
