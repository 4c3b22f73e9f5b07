// The services as they stand in the maps: which there are, and their rows. Linux net/netfilter/ipvs/ip_vs_ctl.c,
// ip_vs_svc_table and ip_vs_svc_fwm_table.

import { decode, encode } from "#layout/codec.js";
import type { Values } from "#layout/struct.js";
import { Service, services } from "#dataplane/maps.js";
import type { ServiceId } from "#model/director.js";
import { serviceIdOf, serviceKey } from "./encode.js";
import type { HashAccess, Store } from "./store.js";

export type ServiceRow = Values<typeof Service>;

export interface ServiceEntry {
  readonly key: Uint8Array;
  readonly row: ServiceRow;
}

export class ServiceTable {
  readonly #services: HashAccess;

  constructor(store: Store) {
    this.#services = store.hash(services);
  }

  /** By nameOfKey(), in the order in which they were added. */
  read(): Map<string, ServiceEntry> {
    const entries = Array.from(this.#services.entries(), ([key, value]): ServiceEntry => ({ key, row: decode(Service, value) }));
    return new Map(entries.sort((a, b) => a.row.sequence - b.row.sequence).map((entry) => [nameOfKey(entry.key), entry]));
  }

  find(id: ServiceId): ServiceEntry | undefined {
    const key = serviceKey(id);
    const value = this.#services.lookup(key);
    return value === undefined ? undefined : { key, row: decode(Service, value) };
  }

  write(entries: readonly ServiceEntry[]): void {
    this.#services.updateAll(entries.map(({ key }) => key), entries.map(({ row }) => encode(Service, row)));
  }

  delete(keys: readonly Uint8Array[]): void {
    this.#services.deleteAll(keys);
  }
}

export const idOf = ({ key }: ServiceEntry): ServiceId => serviceIdOf(key);

/** A key as text, for maps of this process. */
export const nameOfKey = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
