// Fills the slots of mh. Eisenbud et al., Maglev: A Fast and Reliable Software Network Load Balancer (NSDI 2016),
// section 3.4; Linux v6.12 net/netfilter/ipvs/ip_vs_mh.c, ip_vs_mh_permutate() and ip_vs_mh_populate(). Each candidate has
// an order of its own in which it prefers the slots; in turn each takes the first that is free, the heavier ones more at a
// time. The order is a walk by a step from an offset; as the slots are a prime number, it comes by every one.

import { u32 } from "#layout/numbers.js";
import { MH_KEY, MH_SKIP_KEY } from "#dataplane/schedulers/mh.js";
import { sipHash } from "#dataplane/siphash.js";
import { greatestCommonDivisor } from "./divisor.js";

export interface Candidate {
  readonly destination: number;
  readonly weight: number;
  /** Its address and port, added. */
  readonly hashed: number;
}

interface Preference {
  readonly destination: number;
  /** Slots that it takes at a time. */
  readonly turns: number;
  readonly step: number;
  /** The slot that it would have next. */
  next: number;
}

/** ip_vs_mh.c, IP_VS_MH_TAB_BITS: larger weights are shifted to so many bits. */
const TURNS_BITS = 6;

/** The destination of each of `count` slots; none at all when no candidate has a weight. */
export function fillByMaglev(candidates: readonly Candidate[], count: number): readonly number[] {
  const preferences = preferencesOf(candidates, count);
  if (preferences.length === 0) return [];
  const filled = new Array<number | undefined>(count).fill(undefined);
  for (let taken = 0; ; ) {
    for (const preference of preferences) {
      for (let turn = 0; turn < preference.turns; turn++) {
        while (filled[preference.next] !== undefined) preference.next = (preference.next + preference.step) % count;
        filled[preference.next] = preference.destination;
        if (++taken === count) return filled as number[];
      }
    }
  }
}

function preferencesOf(candidates: readonly Candidate[], count: number): Preference[] {
  const weighted = candidates.filter((candidate) => candidate.weight > 0);
  const divisor = greatestCommonDivisor(weighted.map((candidate) => candidate.weight));
  const largest = weighted.reduce((most, candidate) => Math.max(most, candidate.weight / divisor), 0);
  const shift = Math.max(0, bitsOf(largest) - TURNS_BITS);
  return weighted.map(({ destination, weight, hashed }) => ({
    destination, turns: Math.max(1, (weight / divisor) >>> shift), step: (hashOf(hashed, MH_SKIP_KEY) % (count - 1)) + 1, next: hashOf(hashed, MH_KEY) % count,
  }));
}

const hashOf = (hashed: number, key: bigint): number => u32(sipHash(u32(hashed), key));
const bitsOf = (number: number): number => 32 - Math.clz32(number);
