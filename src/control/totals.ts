// What was counted, as an administrator sees it: since the last zeroing. Packets only ever count up, each processor for
// itself; the totals of a moment, less a baseline that is kept beside them, are what is shown.
//
//   destination = Σ processors − its baseline        service = Σ its destinations − its baseline (which holds what removed ones had)
//   all = Σ slots ever taken + what they had counted for destinations before − the baseline of all

import { destinationBaselines, destinationCounters, destinationRates, formerCounters, serviceBaselines, totalBaseline } from "#dataplane/maps.js";
import type { Counters, Rates, Totals } from "#model/director.js";
import { Rows } from "./rows.js";
import type { Store } from "./store.js";

export const NO_COUNTS: Counters = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };

export class DestinationTotals {
  readonly #counters: Rows<typeof destinationCounters.value>;
  readonly #baselines: Rows<typeof destinationBaselines.value>;
  readonly #services: Rows<typeof serviceBaselines.value>;
  readonly #rates: Rows<typeof destinationRates.value>;
  readonly #former: Rows<typeof formerCounters.value>;
  readonly #total: Rows<typeof totalBaseline.value>;

  constructor(store: Store) {
    this.#counters = new Rows(store, destinationCounters);
    this.#baselines = new Rows(store, destinationBaselines);
    this.#services = new Rows(store, serviceBaselines);
    this.#rates = new Rows(store, destinationRates);
    this.#former = new Rows(store, formerCounters);
    this.#total = new Rows(store, totalBaseline);
  }

  /** Everything ever counted in that slot, on all processors. */
  raw(destination: number): Counters {
    let sum = NO_COUNTS;
    for (let at = destination; at < this.#counters.length; at += this.#baselines.length) sum = add(sum, this.#countersAt(this.#counters, at));
    return sum;
  }

  ofDestination(destination: number): Counters {
    return subtract(this.raw(destination), this.#countersAt(this.#baselines, destination));
  }

  ofService(slot: number, destinations: readonly number[]): Counters {
    return subtract(this.#sum(destinations), this.#countersAt(this.#services, slot));
  }

  /** `destinations`: all slots that were ever taken. */
  ofAll(destinations: readonly number[]): Totals {
    const processors = this.#processors(destinations);
    return { counters: subtract(processors.reduce(add), this.#countersAt(this.#total, 0)), processors, rates: this.rates(destinations) };
  }

  /** The kernel's rounding: ip_vs_est.c, ip_vs_read_estimator(). */
  rates(destinations: readonly number[]): Rates {
    const scaled = destinations.reduce((sum, destination) => add(sum, this.#countersAt(this.#rates, destination)), NO_COUNTS);
    return {
      connections: (scaled.connections + 0x1ffn) >> 10n, packetsIn: (scaled.packetsIn + 0x1ffn) >> 10n, packetsOut: (scaled.packetsOut + 0x1ffn) >> 10n,
      bytesIn: (scaled.bytesIn + 0xfn) >> 5n, bytesOut: (scaled.bytesOut + 0xfn) >> 5n,
    };
  }

  /** A slot begins anew; what was counted there stays in the sum of all. */
  clear(destination: number): void {
    for (let processor = 0; processor < this.#former.length; processor++) {
      const at = processor * this.#baselines.length + destination;
      this.#former.write(processor, add(this.#countersAt(this.#former, processor), this.#countersAt(this.#counters, at)));
      this.#counters.clear(at);
    }
    this.#baselines.clear(destination);
    this.#rates.clear(destination);
  }

  clearService(slot: number): void {
    this.#services.clear(slot);
  }

  /** ip_vs_ctl.c, ip_vs_zero_stats(): rates begin anew too. */
  zeroDestination(destination: number): void {
    this.#baselines.write(destination, this.raw(destination));
    this.#rates.write(destination, NO_COUNTS);
  }

  zeroAll(destinations: readonly number[]): void {
    this.#total.write(0, this.#processors(destinations).reduce(add));
  }

  zeroService(slot: number, destinations: readonly number[]): void {
    this.#services.write(slot, this.#sum(destinations));
  }

  /** A destination leaves its service, or joins it with what it had counted before: the service's total stays. */
  leave(slot: number, destination: number): void {
    const raw = this.raw(destination);
    this.#services.write(slot, subtract(this.#countersAt(this.#services, slot), raw));
    this.#baselines.write(destination, { packetsOutAtRemoval: raw.packetsOut, bytesOutAtRemoval: raw.bytesOut });
  }
  /** ip_vs_core.c, ip_vs_out_stats(): what a removed one's connections were answered meanwhile is counted nowhere. LVS differs: here it stays in the sum of all. */
  join(slot: number, destination: number): void {
    const raw = this.raw(destination);
    this.#services.write(slot, add(this.#countersAt(this.#services, slot), raw));
    const { packetsOut, bytesOut, packetsOutAtRemoval, bytesOutAtRemoval } = this.#baselines.read(destination);
    this.#baselines.write(destination, {
      packetsOut: whole(packetsOut + raw.packetsOut - packetsOutAtRemoval), bytesOut: whole(bytesOut + raw.bytesOut - bytesOutAtRemoval),
      packetsOutAtRemoval: raw.packetsOut, bytesOutAtRemoval: raw.bytesOut,
    });
  }

  #processors(destinations: readonly number[]): Counters[] {
    return Array.from({ length: this.#former.length }, (_, processor) => destinations.reduce(
      (sum, destination) => add(sum, this.#countersAt(this.#counters, processor * this.#baselines.length + destination)), this.#countersAt(this.#former, processor)));
  }

  #sum(destinations: readonly number[]): Counters {
    return destinations.reduce((sum, destination) => add(sum, this.raw(destination)), NO_COUNTS);
  }

  #countersAt(rows: Rows<any>, at: number): Counters {
    return rows.pick(at, "connections", "packetsIn", "packetsOut", "bytesIn", "bytesOut") as unknown as Counters;
  }
}

const whole = (count: bigint): bigint => BigInt.asUintN(64, count);

function add(a: Counters, b: Counters): Counters {
  return {
    connections: whole(a.connections + b.connections), packetsIn: whole(a.packetsIn + b.packetsIn), packetsOut: whole(a.packetsOut + b.packetsOut),
    bytesIn: whole(a.bytesIn + b.bytesIn), bytesOut: whole(a.bytesOut + b.bytesOut),
  };
}

function subtract(a: Counters, b: Counters): Counters {
  return {
    connections: whole(a.connections - b.connections), packetsIn: whole(a.packetsIn - b.packetsIn), packetsOut: whole(a.packetsOut - b.packetsOut),
    bytesIn: whole(a.bytesIn - b.bytesIn), bytesOut: whole(a.bytesOut - b.bytesOut),
  };
}
