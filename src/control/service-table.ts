// The services as they stand in the maps (dataplane/maps/services.ts, ServiceSlot): which there are, their rows, and how packets go from
// one configuration to the next. Linux net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_svc_table and ip_vs_svc_fwm_table.

import { decode, encode } from "#layout/codec.js";
import type { Values } from "#layout/struct.js";
import * as maps from "#dataplane/maps.js";
import { Service, ServiceSlot, servicePlaces, serviceRows, services, settings } from "#dataplane/maps.js";
import type { ServiceId } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { serviceIdOf } from "./encode.js";
import type { ListPlace } from "./members.js";
import { Rows } from "./rows.js";
import { Spans } from "./spans.js";
import type { HashAccess, Store } from "./store.js";

export type ServiceRow = Values<typeof Service>;

export interface ServiceEntry {
  readonly key: Uint8Array;
  readonly row: ServiceRow;
}

/** One that stands: its row is read when somebody asks for it. */
export class StandingService implements ServiceEntry {
  #row: ServiceRow | undefined;

  /** `at`: in `serviceRows`. */
  constructor(readonly key: Uint8Array, readonly at: number, readonly rows: Rows<typeof serviceRows.value>) {}

  get row(): ServiceRow {
    this.#row ??= this.rows.read(this.at);
    return this.#row;
  }

  get flags(): number {
    return this.rows.number(this.at, "flags");
  }

  get sequence(): number {
    return this.rows.number(this.at, "sequence");
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

  /** All of one configuration, though another should begin to count meanwhile; in the order in which they were added. */
  read(): readonly StandingService[] {
    const bank = this.#bank();
    const standing: { readonly service: StandingService; readonly sequence: number }[] = [];
    for (const [key, value] of this.#services.entries()) {
      const service = this.#standing(key, value, bank);
      if (service !== undefined) standing.push({ service, sequence: service.sequence });
    }
    return standing.sort((a, b) => a.sequence - b.sequence).map(({ service }) => service);
  }

  find(key: Uint8Array): StandingService | undefined {
    const value = this.#services.lookup(key);
    return value && this.#standing(key, value, this.#bank());
  }

  /**
   * Ends what the change before left for packets that were on their way: both rows of every service become the one that counts, and
   * services that have none go. So does what a command that was killed had written for the next generation.
   */
  settle(): void {
    const now = this.#bank();
    let someDied = false;
    for (let at = 0; at < this.#places.length; at += 2) {
      const row = this.#places[at + now]!;
      if (this.#places[at + 1 - now] === row) continue;
      this.#places[at + 1 - now] = row;
      if (row === 0) someDied = true;
    }
    if (someDied) this.#services.deleteAll(Array.from(this.#services.entries()).filter(([, value]) => this.#places[2 * slotOf(value)] === 0).map(([key]) => key));
  }

  /** After settle(): slots that no service has, the smallest first. */
  *freeSlots(): Generator<number> {
    for (let slot = 0; 2 * slot < this.#places.length; slot++) if (this.#places[2 * slot] === 0) yield slot;
  }

  /** Of the one that was added last, or 0. */
  lastSequence(): number {
    return this.#standingRows().reduce((last, at) => Math.max(last, this.#rows.number(at, "sequence")), 0);
  }

  /** Those that all services have. */
  lists(): readonly ListPlace[] {
    return this.#standingRows().map((at) => this.#rows.pick(at, "membersAt", "membersCount", "stateAt"));
  }

  /**
   * After settle(): writes what the next generation is to be. Packets find none of it as yet. When there is no room, all is as it was.
   * Keys come last: a slot that has a key has a row, or is found dead.
   */
  prepare(written: readonly ServiceEntry[], gone: readonly ServiceEntry[], areNew: (entry: number) => boolean): void {
    const next = 1 - this.#bank();
    const room = this.#rowPlaces.beside(() => [NO_ROW, ...this.#standingRows().map((at) => ({ at, count: 1 }))]);
    const places = written.map(() => room.take(1) ?? noRoom());
    for (const [i, { row }] of written.entries()) {
      this.#rows.write(places[i]!, row);
      this.#places[2 * row.slot + next] = places[i]!;
    }
    for (const { row } of gone) this.#places[2 * row.slot + next] = 0;
    const fresh = written.filter((_, i) => areNew(i));
    this.#services.updateAll(fresh.map(({ key }) => key), fresh.map(({ row: { slot } }) => encode(ServiceSlot, { slot })));
  }

  /** From here on packets go by what was prepared, by all of it. */
  publish(): void {
    this.#settings.publish(0, "generation", this.#settings.number(0, "generation") + 1);
  }

  /** Which of the two counts. */
  #bank(): number {
    return this.#settings.number(0, "generation") & 1;
  }

  #standingRows(): readonly number[] {
    const rows: number[] = [];
    for (let at = this.#bank(); at < this.#places.length; at += 2) if (this.#places[at] !== 0) rows.push(this.#places[at]!);
    return rows;
  }

  #standing(key: Uint8Array, value: Uint8Array, bank: number): StandingService | undefined {
    const at = this.#places[2 * slotOf(value) + bank]!;
    return at === 0 ? undefined : new StandingService(key, at, this.#rows);
  }
}

const NO_ROW = { at: 0, count: 1 };

const slotOf = (value: Uint8Array): number => decode(ServiceSlot, value).slot;

function noRoom(): never {
  throw new DirectorError("NO_MEMORY", `Cannot change so many services: there is room for ${maps.SERVICE_ROWS_MAX} rows of old and new ones`);
}

export const idOf = ({ key }: ServiceEntry): ServiceId => serviceIdOf(key);

/** A key as text, for maps of this process. */
export const nameOfKey = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
