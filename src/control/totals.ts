// What was counted, as an administrator sees it: since the last zeroing. Packets only ever count up, each processor for
// itself; the totals of a moment, less a baseline that is kept beside them, are what is shown.
//
//   destination = Σ processors − its baseline        service = Σ its destinations − its baseline (which holds what removed ones had)

import { DESTINATIONS_MAX, destinationBaselines, destinationCounters, destinationRates, serviceBaselines } from "#dataplane/maps.js";
import type { Counters, Rates } from "#model/director.js";
import { Rows } from "./rows.js";
import type { Store } from "./store.js";

const NAMES = ["connections", "packetsIn", "packetsOut", "bytesIn", "bytesOut"] as const;
export const NO_COUNTS: Counters = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };

export class DestinationTotals {
  readonly #counters: Rows<typeof destinationCounters.value>;
  readonly #baselines: Rows<typeof destinationBaselines.value>;
  readonly #services: Rows<typeof serviceBaselines.value>;
  readonly #rates: Rows<typeof destinationRates.value>;

  constructor(store: Store) {
    this.#counters = new Rows(store, destinationCounters);
    this.#baselines = new Rows(store, destinationBaselines);
    this.#services = new Rows(store, serviceBaselines);
    this.#rates = new Rows(store, destinationRates);
  }

  /** Everything ever counted in that slot, on all processors. */
  raw(destination: number): Counters {
    let sum = NO_COUNTS;
    for (let at = destination; at < this.#counters.length; at += DESTINATIONS_MAX) sum = add(sum, this.#countersAt(this.#counters, at));
    return sum;
  }

  ofDestination(destination: number): Counters {
    return subtract(this.raw(destination), this.#countersAt(this.#baselines, destination));
  }

  ofService(slot: number, destinations: readonly number[]): Counters {
    return subtract(this.#sum(destinations), this.#countersAt(this.#services, slot));
  }

  /** The kernel's rounding: ip_vs_est.c, ip_vs_read_estimator(). */
  rates(destinations: readonly number[]): Rates {
    const scaled = destinations.reduce((sum, destination) => add(sum, this.#countersAt(this.#rates, destination)), NO_COUNTS);
    return {
      connections: (scaled.connections + 0x1ffn) >> 10n, packetsIn: (scaled.packetsIn + 0x1ffn) >> 10n, packetsOut: (scaled.packetsOut + 0x1ffn) >> 10n,
      bytesIn: (scaled.bytesIn + 0xfn) >> 5n, bytesOut: (scaled.bytesOut + 0xfn) >> 5n,
    };
  }

  /** A slot begins anew. */
  clear(destination: number): void {
    for (let at = destination; at < this.#counters.length; at += DESTINATIONS_MAX) this.#counters.clear(at);
    this.#baselines.clear(destination);
    this.#rates.clear(destination);
  }

  clearService(slot: number): void {
    this.#services.clear(slot);
  }

  zeroDestination(destination: number): void {
    this.#baselines.write(destination, this.raw(destination));
  }

  zeroService(slot: number, destinations: readonly number[]): void {
    this.#services.write(slot, this.#sum(destinations));
  }

  /** A destination leaves its service, or joins it with what it had counted before: the service's total stays. */
  leave(slot: number, destination: number): void {
    this.#services.write(slot, subtract(this.#countersAt(this.#services, slot), this.raw(destination)));
  }
  join(slot: number, destination: number): void {
    this.#services.write(slot, add(this.#countersAt(this.#services, slot), this.raw(destination)));
  }

  #sum(destinations: readonly number[]): Counters {
    return destinations.reduce((sum, destination) => add(sum, this.raw(destination)), NO_COUNTS);
  }

  #countersAt(rows: Rows<any>, at: number): Counters {
    return combine(NO_COUNTS, (name) => rows.bigint(at, name));
  }
}

const add = (a: Counters, b: Counters): Counters => combine(a, (name) => a[name] + b[name]);
const subtract = (a: Counters, b: Counters): Counters => combine(a, (name) => BigInt.asUintN(64, a[name] - b[name]));

function combine(template: Counters, value: (name: (typeof NAMES)[number]) => bigint): Counters {
  const result: Record<string, bigint> = {};
  for (const name of NAMES) result[name] = BigInt.asUintN(64, value(name));
  return { ...template, ...result };
}
