// Random tests print their seed and take it back: WEIR_SEED=123 node --test …

/** A generator of u32 (xorshift32), and the words that a failure should show. */
export function seededRandom(): { readonly next: () => number; readonly below: (limit: number) => number; readonly note: string } {
  const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 0xffff_ffff)) >>> 0 || 1;
  let state = seed;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
  return { next, below: (limit) => next() % limit, note: `WEIR_SEED=${seed}` };
}
