// The table of destinations: which slot belongs to which real server of which service. A slot outlives its removal while
// connections still refer to it (ip_vs_ctl.c keeps such destinations in a trash list): added again, it is found again.

import type { Values } from "#layout/struct.js";
import {
  DESTINATIONS_MAX, DESTINATION_AVAILABLE, DESTINATION_IN_USE, DESTINATION_LOCAL, DESTINATION_MASQUERADED, DESTINATION_OVERLOAD, destinations, Destination as DestinationStruct,
} from "#dataplane/maps.js";
import { addressFamily } from "#model/address.js";
import { familyOf } from "#model/config-address.js";
import type { Destination, DestinationId, Family, ServiceId } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { IPPROTO_IP } from "#wire/ipv4.js";
import type { DestinationTotals } from "./totals.js";
import {
  fromAddress, fromBe16, methodName, methodNumber, protocolNumber, toAddress, toBe16, tunnelChecksumName, tunnelChecksumNumber, tunnelOverhead, tunnelTypeName,
  tunnelTypeNumber,
} from "./encode.js";
import { Rows } from "./rows.js";
import type { Store } from "./store.js";

export type DestinationRow = Values<typeof DestinationStruct>;

export class Destinations {
  readonly rows: Rows<typeof destinations.value>;

  readonly #store: Store;

  constructor(store: Store, readonly totals: DestinationTotals) {
    this.#store = store;
    this.rows = new Rows(store, destinations);
  }

  read(index: number): DestinationRow {
    return this.rows.read(index);
  }

  /** As the administrator gave it. */
  describe(index: number): Destination {
    const row = this.read(index);
    return {
      address: fromAddress(row.address, row.family as Family), port: fromBe16(row.port), forward: methodName(row.method), weight: row.weight,
      upperThreshold: row.upperThreshold, lowerThreshold: row.lowerThreshold,
      tunnelType: tunnelTypeName(row.tunnelType), tunnelPort: fromBe16(row.tunnelPort), tunnelChecksum: tunnelChecksumName(row.tunnelChecksum),
    };
  }

  isAt(index: number, id: DestinationId): boolean {
    if (this.rows.number(index, "port") !== toBe16(id.port)) return false;
    const { address, family } = this.read(index);
    return fromAddress(address, family as Family) === id.address;
  }

  /** Takes a slot for a destination of that service: the one that it had before, or a free one. Not yet available. */
  take(service: ServiceId, serviceSlot: number, destination: Destination): number {
    const known = this.#findRemoved(service, destination);
    const index = known ?? this.#findFree();
    if (known === undefined) {
      this.rows.clear(index);
      this.totals.clear(index);
      this.rows.write(index, {
        address: toAddress(destination.address), family: addressFamily(destination.address), port: toBe16(destination.port),
        virtualFamily: familyOf(service), ...virtualOf(service),
        // Never asked for. Packets may read a tick earlier than this process does: for them too it must have passed.
        hop: { ...this.read(index).hop, validUntil: this.#store.now() - 1 },
      });
    }
    this.rows.write(index, { serviceSlot, lastWeight: 0 });
    this.edit(index, destination);
    return index;
  }

  /** Writes what an administrator may change, and makes it available. */
  edit(index: number, destination: Destination): void {
    const before = this.read(index);
    // ip_vs_ctl.c, __ip_vs_update_dest(): without a threshold, or with a higher one, it is not overloaded any more.
    const relieved = destination.upperThreshold === 0 || destination.upperThreshold > before.upperThreshold;
    // Where bpf_fib_lookup does not tell a tunnel's outer source (before Linux 6.7), this is the one that packets get.
    const source = destination.forward === "tunnel" ? this.#store.sourceTowards(destination.address) : undefined;
    // ip_vs_xmit.c: what is the director's own goes up its stack, whatever method was given.
    const isLocal = this.#store.isLocal(destination.address);
    const isMasqueraded = !isLocal && destination.forward === "masq";
    this.rows.write(index, {
      ...(source === undefined ? {} : { tunnelSource: toAddress(source) }),
      tunnelType: tunnelTypeNumber(destination.tunnelType), tunnelPort: toBe16(destination.tunnelPort),
      tunnelChecksum: tunnelChecksumNumber(destination.tunnelChecksum), overhead: tunnelOverhead(destination),
      method: methodNumber(destination.forward), weight: destination.weight,
      upperThreshold: destination.upperThreshold, lowerThreshold: destination.lowerThreshold,
      flags: DESTINATION_IN_USE | DESTINATION_AVAILABLE | (isLocal ? DESTINATION_LOCAL : 0) | (relieved ? 0 : before.flags & DESTINATION_OVERLOAD)
        | (isMasqueraded ? DESTINATION_MASQUERADED : before.flags & DESTINATION_MASQUERADED),
      ...(destination.weight === 0 ? {} : { lastWeight: destination.weight }),
    });
  }

  /** No new connections, and none of the old ones' packets; the slot stays theirs. */
  remove(index: number): void {
    this.rows.write(index, { flags: DESTINATION_IN_USE | (this.rows.number(index, "flags") & (DESTINATION_OVERLOAD | DESTINATION_LOCAL | DESTINATION_MASQUERADED)) });
  }

  /** Slots that have had a destination, whatever became of it. */
  everTaken(): readonly number[] {
    return this.rows.indicesWith("flags", DESTINATION_IN_USE);
  }

  /** Removes what is available without being listed: a command that was killed between its two writes left it so. */
  removeUnlisted(listed: ReadonlySet<number>): void {
    for (const index of this.rows.indicesWith("flags", DESTINATION_AVAILABLE)) if (!listed.has(index)) this.remove(index);
  }

  /** All of them, removed ones with connections among them. */
  *all(): Iterable<DestinationRow> {
    for (const index of this.#taken()) yield this.read(index);
  }

  #findRemoved(service: ServiceId, destination: Destination): number | undefined {
    const { virtualAddress, virtualMark, virtualPort, protocol } = virtualOf(service);
    return this.#taken().find((index) => {
      if ((this.rows.number(index, "flags") & DESTINATION_AVAILABLE) !== 0 || !this.isAt(index, destination)) return false;
      const row = this.read(index);
      return row.virtualFamily === familyOf(service) && row.virtualMark === virtualMark && row.virtualPort === virtualPort && row.protocol === protocol
        && row.virtualAddress.high === virtualAddress.high && row.virtualAddress.low === virtualAddress.low;
    });
  }

  #findFree(): number {
    for (let index = 0; index < DESTINATIONS_MAX; index++) if (!this.#isTaken(index)) return index;
    throw new DirectorError("NO_MEMORY", `Cannot add a destination: all ${DESTINATIONS_MAX} are taken, by destinations or by connections of removed ones`);
  }

  #taken(): number[] {
    return this.rows.indicesWith("flags", DESTINATION_IN_USE).filter((index) => this.#isTaken(index));
  }

  #isTaken(index: number): boolean {
    const flags = this.rows.number(index, "flags");
    if ((flags & DESTINATION_IN_USE) === 0) return false;
    if ((flags & DESTINATION_AVAILABLE) !== 0) return true;
    return this.rows.number(index, "activeConnections") + this.rows.number(index, "inactiveConnections") + this.rows.number(index, "persistentConnections") > 0;
  }
}

/** What a destination keeps of its service. */
function virtualOf(service: ServiceId): Pick<DestinationRow, "virtualAddress" | "virtualMark" | "virtualPort" | "protocol"> {
  if (service.kind === "fwmark") return { virtualAddress: { high: 0n, low: 0n }, virtualMark: service.fwmark, virtualPort: toBe16(0), protocol: IPPROTO_IP };
  const { address, port, protocol } = service;
  return { virtualAddress: toAddress(address), virtualMark: 0, virtualPort: toBe16(port), protocol: protocolNumber(protocol) };
}
