// The services as they stand in the maps (dataplane/maps.ts, ServiceSlot): which there are, their rows, and how packets go from
// one configuration to the next. Linux net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_svc_table and ip_vs_svc_fwm_table.

import { decode, encode } from "#layout/codec.js";
import type { Values } from "#layout/struct.js";
import * as maps from "#dataplane/maps.js";
import { Service, ServiceSlot, servicePlaces, serviceRows, services, settings } from "#dataplane/maps.js";
import type { ServiceId } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { serviceIdOf, serviceKey } from "./encode.js";
import type { ListPlace } from "./members.js";
import { Rows } from "./rows.js";
import { Spans } from "./spans.js";
import type { HashAccess, Store } from "./store.js";

export type ServiceRow = Values<typeof Service>;

export interface ServiceEntry {
  readonly key: Uint8Array;
  readonly row: ServiceRow;
}

/** By nameOfKey(). */
export type StandingServices = ReadonlyMap<string, StandingService>;

/** One of many: its row is read when somebody asks for it. */
export class StandingService implements ServiceEntry {
  #row: ServiceRow | undefined;

  /** `at`: in `serviceRows`. */
  constructor(readonly key: Uint8Array, readonly slot: number, readonly at: number, readonly rows: Rows<typeof serviceRows.value>) {}

  get row(): ServiceRow {
    this.#row ??= this.rows.read(this.at);
    return this.#row;
  }

  get sequence(): number {
    return this.rows.number(this.at, "sequence");
  }

  get list(): ListPlace {
    return { membersAt: this.rows.number(this.at, "membersAt"), membersCount: this.rows.number(this.at, "membersCount"), stateAt: this.rows.number(this.at, "stateAt") };
  }
}

export class ServiceTable {
  readonly #services: HashAccess;
  /** Two for every slot. */
  readonly #places: Uint32Array;
  readonly #rows: Rows<typeof serviceRows.value>;
  readonly #settings: Rows<typeof settings.value>;
  readonly #rowPlaces: Spans;

  constructor(store: Store) {
    this.#services = store.hash(services);
    const bytes = store.table(servicePlaces);
    this.#places = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.#rows = new Rows(store, serviceRows);
    this.#settings = new Rows(store, settings);
    this.#rowPlaces = new Spans(this.#rows.length);
  }

  /** Of one configuration, though another should begin to count meanwhile. */
  read(): StandingServices {
    const bank = this.#bank();
    const standing = new Map<string, StandingService>();
    for (const [key, value] of this.#services.entries()) {
      const service = this.#standing(key, value, bank);
      if (service !== undefined) standing.set(nameOfKey(key), service);
    }
    return standing;
  }

  find(id: ServiceId): StandingService | undefined {
    const key = serviceKey(id);
    const value = this.#services.lookup(key);
    return value && this.#standing(key, value, this.#bank());
  }

  /**
   * Ends what the change before left for packets that were on their way: both rows of every service become the one that counts, and
   * services that have none go. So does what a command that was killed had written for the next generation. Gives those that there are.
   */
  settle(): StandingServices {
    const now = this.#bank();
    for (let at = 0; at < this.#places.length; at += 2) {
      if (this.#places[at] !== this.#places[at + 1]) this.#places[at + 1 - now] = this.#places[at + now]!;
    }
    const standing = new Map<string, StandingService>();
    const dead: Uint8Array[] = [];
    for (const [key, value] of this.#services.entries()) {
      const service = this.#standing(key, value, now);
      if (service === undefined) dead.push(key);
      else standing.set(nameOfKey(key), service);
    }
    this.#services.deleteAll(dead);
    return standing;
  }

  /** Writes what the next generation is to be: packets find none of it as yet. When there is no room, all is as it was. */
  prepare(written: readonly ServiceEntry[], gone: readonly ServiceEntry[], standing: StandingServices): void {
    const next = 1 - this.#bank();
    const room = this.#rowPlaces.beside([NO_ROW, ...Array.from(standing.values(), ({ at }) => ({ at, count: 1 }))]);
    const places = written.map(() => room.take(1) ?? noRoom());
    const fresh = written.filter(({ key }) => !standing.has(nameOfKey(key)));
    this.#services.updateAll(fresh.map(({ key }) => key), fresh.map(({ row: { slot } }) => encode(ServiceSlot, { slot })));
    for (const [i, { row }] of written.entries()) {
      this.#rows.write(places[i]!, row);
      this.#places[2 * row.slot + next] = places[i]!;
    }
    for (const { row } of gone) this.#places[2 * row.slot + next] = 0;
  }

  /** From here on packets go by what was prepared, by all of it. */
  publish(): void {
    this.#settings.publish(0, "generation", this.#settings.number(0, "generation") + 1);
  }

  /** Which of the two counts. */
  #bank(): number {
    return this.#settings.number(0, "generation") & 1;
  }

  #standing(key: Uint8Array, value: Uint8Array, bank: number): StandingService | undefined {
    const slot = slotOf(value);
    const at = this.#places[2 * slot + bank]!;
    return at === 0 ? undefined : new StandingService(key, slot, at, this.#rows);
  }
}

/** In the order in which they were added. */
export function inOrder(standing: StandingServices): readonly StandingService[] {
  return Array.from(standing.values(), (service) => ({ service, sequence: service.sequence })).sort((a, b) => a.sequence - b.sequence).map(({ service }) => service);
}

const NO_ROW = { at: 0, count: 1 };

const slotOf = (value: Uint8Array): number => decode(ServiceSlot, value).slot;

function noRoom(): never {
  throw new DirectorError("NO_MEMORY", `Cannot change so many services: there is room for ${maps.SERVICE_ROWS_MAX} rows of old and new ones`);
}

export const idOf = ({ key }: ServiceEntry): ServiceId => serviceIdOf(key);

/** A key as text, for maps of this process. */
export const nameOfKey = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
