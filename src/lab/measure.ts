// How fast it is through the director, beside the same path without it. Other load on the machine moves both alike, so
// rounds of the two alternate, and what is reported is the ratio of neighbours.

import type { Worker } from "./remote.js";
import type { Endpoint, LoadOptions } from "./traffic/load.js";

export interface Comparison {
  /** The median of each, per second: requests, or bits. */
  readonly director: number;
  readonly direct: number;
  /** Of the rounds' own ratios, the median and the outermost: how far to trust it. */
  readonly ratio: number;
  readonly ratioLowest: number;
  readonly ratioHighest: number;
  readonly errors: number;
}

export interface Measurements {
  /** Each on a TCP connection of its own. */
  readonly requests: Comparison;
  /** Large answers on kept connections, bits a second. */
  readonly bulk: Comparison;
}

/** Many short rounds rather than few long ones: what disturbs one of them is left behind by the median. */
const ROUNDS = 5;
const SECONDS = 0.4;
const BULK_BYTES = 8_000_000;

/** `director` is one address for all servers, `direct` are the servers' own: the same processes answer in both. */
export async function measure(client: Worker, director: readonly Endpoint[], direct: readonly Endpoint[]): Promise<Measurements> {
  return {
    requests: await compare(client, director, direct, { connections: 8 }, ({ requests, seconds }) => requests / seconds),
    bulk: await compare(client, director, direct, { connections: 2, keepAlive: true, path: `/bytes/${BULK_BYTES}` }, ({ bytes, seconds }) => bytes * 8 / seconds),
  };
}

type Rate = (result: { readonly requests: number; readonly bytes: number; readonly seconds: number }) => number;

async function compare(client: Worker, director: readonly Endpoint[], direct: readonly Endpoint[], options: Partial<LoadOptions>, rate: Rate): Promise<Comparison> {
  const rounds: { readonly director: number; readonly direct: number }[] = [];
  let errors = 0;
  const run = async (endpoints: readonly Endpoint[]): Promise<number> => {
    const result = await client.load({ ...options, endpoints, seconds: SECONDS });
    errors += result.errors;
    return rate(result);
  };
  // The first connections pay for code and caches that are cold.
  for (const endpoints of [direct, director]) await client.load({ ...options, endpoints, seconds: SECONDS / 4 });
  for (let i = 0; i < ROUNDS; i++) {
    const first = i % 2 === 0 ? direct : director;
    const [a, b] = [await run(first), await run(first === direct ? director : direct)];
    rounds.push(first === direct ? { direct: a, director: b } : { direct: b, director: a });
  }
  const ratios = rounds.map((round) => round.director / round.direct);
  return {
    director: median(rounds.map((round) => round.director)),
    direct: median(rounds.map((round) => round.direct)),
    ratio: median(ratios),
    ratioLowest: Math.min(...ratios),
    ratioHighest: Math.max(...ratios),
    errors,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
