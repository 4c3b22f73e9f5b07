// What lets packets pass by without a look-up (dataplane/service.ts): which addresses may be VIPs, of which kinds there
// are any services, whether connections by NAT can stand. All of it may say too much and never too little: it is widened
// before packets can find what comes, and narrowed after they can find no more what goes.

import { decode } from "#layout/codec.js";
import * as maps from "#dataplane/maps.js";
import { ServiceKey } from "#dataplane/maps.js";
import { vipFilterBit } from "#dataplane/service.js";
import type { Family } from "#model/director.js";
import type { Address } from "#wire/address.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import type { Destinations } from "./destinations.js";
import type { AddressValues } from "./encode.js";
import { toBe16 } from "./encode.js";
import type { Rows } from "./rows.js";
import type { ServiceEntry, StandingService } from "./service-table.js";
import { FTP_PORT } from "./uses.js";

const COUNTS = ["anyPortServices", "markServices", "ftpServices", "ftpDataServices"] as const;
type Counts = { [name in (typeof COUNTS)[number]]: number };

export class Filters {
  /** `standsBy`: the director is another's backup that takes no requests (the sysctl backup_only), and no address is a VIP. */
  constructor(readonly settings: Rows<typeof maps.settings.value>, readonly destinations: Destinations, readonly standsBy: () => boolean) {}

  /**
   * For services that come or are edited, and for destinations of services of `served` that stand in the table by now. `masqueraded`: families of whose
   * services destinations are about to be by NAT.
   */
  widen(entries: readonly ServiceEntry[], served: ReadonlySet<Family>, masqueraded: ReadonlySet<Family>): void {
    const ids = entries.map(({ key, row }) => ({ ...decode(ServiceKey, key), flags: row.flags }));
    this.#setNat((family) => masqueraded.has(family) || ((served.has(family) || this.#isNat(family)) && this.destinations.someMasqueraded(family)));
    if (ids.length === 0) return;
    const filter = Array.from(this.settings.read(0).vipFilter);
    const counts = NO_SERVICES();
    for (const name of COUNTS) counts[name] = this.settings.number(0, name);
    for (const id of ids) {
      setBits(filter, id);
      count(counts, id, id.flags);
    }
    this.#admitRemoved(filter, served);
    this.#write(counts, filter);
  }

  /** To what all these services need, which are those that there are. */
  narrow(services: readonly StandingService[]): void {
    const families = new Set<Family>();
    const filter = [...NO_BITS];
    const counts = NO_SERVICES();
    for (const { key, flags } of services) {
      const id = decode(ServiceKey, key);
      families.add(id.family as Family);
      setBits(filter, id);
      count(counts, id, flags);
    }
    this.#admitRemoved(filter, families);
    this.#write(counts, filter);
    this.#setNat((family) => families.has(family) && this.destinations.someMasqueraded(family));
  }

  /** After destinations went and no service did. */
  narrowNat(): void {
    this.#setNat((family) => this.#isNat(family) && this.destinations.someMasqueraded(family));
  }

  /** ip_vs_ctl.c, ip_vs_unlink_service(): without a service of a family, LVS has no hooks, and connections that still stand wait for the next, to whatever VIP. */
  #admitRemoved(filter: bigint[], families: ReadonlySet<Family>): void {
    for (const { mark, address, family } of this.destinations.removedVirtuals()) if (families.has(family)) setBits(filter, { mark, address });
  }

  #write(counts: Counts, filter: readonly bigint[]): void {
    this.settings.write(0, { ...counts, vipFilter: this.standsBy() ? NO_BITS : filter });
  }

  #isNat(family: Family): boolean {
    return this.settings.number(0, family === 4 ? "natDestinations" : "natDestinationsIpv6") !== 0;
  }

  #setNat(isNat: (family: Family) => boolean): void {
    this.settings.write(0, { natDestinations: Number(isNat(4)), natDestinationsIpv6: Number(isNat(6)) });
  }
}

const NO_SERVICES = (): Counts => ({ anyPortServices: 0, markServices: 0, ftpServices: 0, ftpDataServices: 0 });

/** One service more. */
function count(counts: Counts, { mark, port, protocol }: { readonly mark: number; readonly port: number; readonly protocol: number }, flags: number): void {
  if (mark !== 0) counts.markServices++;
  else if (port === 0) counts.anyPortServices++;
  // uses.ts, mayBringFtp()
  if (mark !== 0 || (protocol === IPPROTO_TCP && (port === 0 || port === toBe16(FTP_PORT)))) counts.ftpServices++;
  if ((flags & maps.SERVICE_FTP) !== 0) counts.ftpDataServices++;
}

const NO_BITS: readonly bigint[] = new Array<bigint>(maps.VIP_FILTER_BITS / 64).fill(0n);
const EVERY_BIT = 2n ** 64n - 1n;

/** A mark may be on packets to any address. */
function setBits(filter: bigint[], { mark, address }: { readonly mark: number; readonly address: AddressValues }): void {
  if (mark !== 0) return void filter.fill(EVERY_BIT);
  const bit = vipFilterBit(address as Address);
  filter[bit >>> 6] = (filter[bit >>> 6] ?? 0n) | (1n << BigInt(bit & 63));
}
