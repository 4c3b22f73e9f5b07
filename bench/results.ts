// From rounds to results: each program's time is net of the wrapper's in the same round, and compared with the other's in
// the same round; medians and quartiles are over the rounds.

import { CASES } from "./cases.js";
import type { Environment } from "./environment.js";
import type { Round } from "./measure.js";
import type { Spread } from "./statistics.js";
import { spread } from "./statistics.js";

export interface Results {
  /** Nanoseconds a packet. "wrapper" and "tx" are over all cases. */
  readonly medians: { readonly [name: string]: Spread & { readonly rounds: number } };
  /** "dr-hit/c": weir's time over the C program's; "dr-hit/tx": over the MAC swap's. */
  readonly ratios: { readonly [name: string]: number };
  /** Quartiles of those. */
  readonly spreads: { readonly [name: string]: Omit<Spread, "median"> };
}

export function resultsOf(rounds: ReadonlyMap<string, readonly Round[]>): Results {
  const all = [...rounds.values()].flat();
  const tx = measured(net(all, "swap"));
  const medians: { [name: string]: Results["medians"][string] } = { wrapper: measured(all.map(({ nothing }) => nothing!)), tx };
  const ratios: { [name: string]: Spread } = {};
  for (const { name } of CASES) {
    const own = rounds.get(name) ?? [];
    const weir = net(own, "weir");
    const c = net(own, "c");
    medians[`${name} weir`] = measured(weir);
    if (c.length > 0) medians[`${name} c`] = measured(c);
    if (c.length > 0) ratios[`${name}/c`] = spread(weir.map((value, i) => value / c[i]!));
    // The swap takes a nanosecond: only its median over everything is steady enough to divide by.
    ratios[`${name}/tx`] = spread(weir.map((value) => value / tx.median));
  }
  const entries = Object.entries(ratios);
  return {
    medians,
    ratios: Object.fromEntries(entries.map(([name, { median }]) => [name, rounded(median)])),
    spreads: Object.fromEntries(entries.map(([name, { lower, upper }]) => [name, { lower: rounded(lower), upper: rounded(upper) }])),
  };
}

function net(rounds: readonly Round[], subject: keyof Round): number[] {
  return rounds.filter((round) => round[subject] !== undefined).map((round) => round[subject]! - round.nothing!);
}

function measured(values: readonly number[]) {
  const { median, lower, upper } = spread(values);
  return { median: rounded(median), lower: rounded(lower), upper: rounded(upper), rounds: values.length };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** For people. */
export function table({ machine, kernel, commit, clang, medians, ratios, spreads }: Results & Environment): string {
  const lines = [
    `${machine.processor}, ${machine.processors} processors; Linux ${kernel}; ${clang ?? "no clang"}; commit ${commit ?? "unknown"}`,
    `ns a packet, net of the wrapper's ${show(medians["wrapper"])}; median (quartiles)`, "",
    row("", "weir", "C", "weir / C"), row("MAC swap, XDP_TX", show(medians["tx"]), "", ""),
  ];
  for (const { name } of CASES) {
    const ratio = ratios[`${name}/c`];
    const around = spreads[`${name}/c`];
    lines.push(row(name, show(medians[`${name} weir`]), show(medians[`${name} c`]),
      ratio === undefined || around === undefined ? "" : `${ratio.toFixed(2)} (${around.lower.toFixed(2)}–${around.upper.toFixed(2)})`));
  }
  return lines.join("\n");
}

const show = (value: Spread | undefined): string =>
  value === undefined ? "" : `${value.median.toFixed(1)} (${value.lower.toFixed(1)}–${value.upper.toFixed(1)})`;

const row = (...cells: readonly string[]): string => cells.map((cell, i) => (i === 0 ? cell.padEnd(18) : cell.padStart(24))).join("");
