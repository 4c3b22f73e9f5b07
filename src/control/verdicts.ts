// What became of packets that were not forwarded: the data plane's counters (dataplane/verdict.ts), by name.

import { VERDICTS_MAX, verdicts } from "#dataplane/maps.js";
import { Verdict } from "#dataplane/verdict.js";
import { Rows } from "./rows.js";
import type { Store } from "./store.js";

export type VerdictName = keyof typeof Verdict;
export type VerdictCounts = { readonly [name in VerdictName]?: number };
export const VERDICT_NAMES = Object.keys(Verdict) as VerdictName[];

/** Packets of each verdict that was ever taken, on all processors. */
export function verdictCounts(store: Store): VerdictCounts {
  const rows = new Rows(store, verdicts);
  const counts: { [name in VerdictName]?: number } = {};
  for (const name of VERDICT_NAMES) {
    let sum = 0n;
    for (let at: number = Verdict[name]; at < rows.length; at += VERDICTS_MAX) sum += rows.bigint(at, "packets");
    if (sum > 0n) counts[name] = Number(sum);
  }
  return counts;
}
