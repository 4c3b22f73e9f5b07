// SipHash of one 32-bit word with one round for the word and three at the end: what the kernel's hsiphash() is on 64-bit
// machines. Linux v6.12 lib/siphash.c, hsiphash_1u32(). For packets (schedulers/mh.ts) and for control/maglev.ts alike:
// u64() cuts to 64 bits where this runs as JavaScript.

import type { u32, u64 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { make } from "#prelude/intrinsics.js";

const SipState = struct("SipState", { v0: U64, v1: U64, v2: U64, v3: U64 });
type SipState = View<typeof SipState>;

const LENGTH = 4n << 56n;

/** `key`: both halves of it. The kernel takes the lower 32 bits. */
export function sipHash(word: u32, key: u64): u64 {
  const state = make(SipState, {
    v0: key ^ 0x736f6d6570736575n, v1: key ^ 0x646f72616e646f6dn, v2: key ^ 0x6c7967656e657261n, v3: key ^ 0x7465646279746573n,
  });
  const block = LENGTH | U64(word);
  state.v3 ^= block;
  round(state);
  state.v0 ^= block;
  state.v2 ^= 0xffn;
  round(state);
  round(state);
  round(state);
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

function round(state: SipState): void {
  state.v0 = U64(state.v0 + state.v1);
  state.v1 = rotate(state.v1, 13n) ^ state.v0;
  state.v0 = rotate(state.v0, 32n);
  state.v2 = U64(state.v2 + state.v3);
  state.v3 = rotate(state.v3, 16n) ^ state.v2;
  state.v0 = U64(state.v0 + state.v3);
  state.v3 = rotate(state.v3, 21n) ^ state.v0;
  state.v2 = U64(state.v2 + state.v1);
  state.v1 = rotate(state.v1, 17n) ^ state.v2;
  state.v2 = rotate(state.v2, 32n);
}

function rotate(value: u64, bits: u64): u64 {
  return U64(value << bits) | (value >> (64n - bits));
}
