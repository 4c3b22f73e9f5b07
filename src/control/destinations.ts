// The table of destinations: which slot belongs to which real server of which service. A slot outlives its removal while
// connections still refer to it, and for some time (ip_vs_ctl.c keeps destinations in a trash list): added again, it is
// found again, with what it counted.

import { decode, encode } from "#layout/codec.js";
import type { Values } from "#layout/struct.js";
import {
  DESTINATION_AVAILABLE, DESTINATION_IN_USE, DESTINATION_LOCAL, DESTINATION_MASQUERADED, DESTINATION_ORPHANED, DESTINATION_OVERLOAD, destinations,
  Destination as DestinationStruct, Hop, ServiceKey,
} from "#dataplane/maps.js";
import { addressFamily } from "#model/address.js";
import { familyOf } from "#model/config/address.js";
import type { Destination, DestinationId, Family, ServiceId } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { formatEndpoint } from "#model/names.js";
import { IPPROTO_IP } from "#wire/ipv4.js";
import type { DestinationTotals } from "./totals.js";
import {
  fromAddress, fromBe16, methodName, methodNumber, protocolNumber, secondsToTicks, toAddress, toBe16, tunnelChecksumName, tunnelChecksumNumber, tunnelOverhead, tunnelTypeName,
  tunnelTypeNumber,
} from "./encode.js";
import { Rows } from "./rows.js";
import { nameOfKey } from "./service-table.js";
import type { Store } from "./store.js";

export type DestinationRow = Values<typeof DestinationStruct>;

/** ip_vs_ctl.c, IP_VS_DEST_TRASH_PERIOD: so long, and up to a minute more, a removed destination is kept that nothing refers to. */
const TRASH_SECONDS = 120;
const NO_HOP = decode(Hop, new Uint8Array(Hop.size));

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
    const row = this.rows.pick(index, "address", "family", "port", "method", "weight", "upperThreshold", "lowerThreshold", "tunnelType", "tunnelPort", "tunnelChecksum");
    return {
      address: fromAddress(row.address, row.family as Family), port: fromBe16(row.port), forward: methodName(row.method), weight: row.weight,
      upperThreshold: row.upperThreshold, lowerThreshold: row.lowerThreshold,
      tunnelType: tunnelTypeName(row.tunnelType), tunnelPort: fromBe16(row.tunnelPort), tunnelChecksum: tunnelChecksumName(row.tunnelChecksum),
    };
  }

  idOf(index: number): DestinationId {
    const { address, port, family } = this.rows.pick(index, "address", "port", "family");
    return { address: fromAddress(address, family as Family), port: fromBe16(port) };
  }

  /** Of removed ones that connections refer to: the addresses and marks of their services. */
  *removedVirtuals(): Iterable<{ readonly mark: number; readonly address: DestinationRow["virtualAddress"]; readonly family: Family }> {
    for (const index of this.#removed()) {
      const { virtualMark: mark, virtualAddress: address, virtualFamily } = this.rows.pick(index, "virtualMark", "virtualAddress", "virtualFamily");
      yield { mark, address, family: virtualFamily as Family };
    }
  }

  /** Whether services of that family have any by NAT, now or before. */
  someMasqueraded(family: Family): boolean {
    return this.rows.someWith("flags", DESTINATION_MASQUERADED, (index) => this.rows.number(index, "virtualFamily") === family && this.isTaken(index));
  }

  /** Chooses slots for destinations that are to come, one beside the other: writes nothing. */
  chooser(): SlotChooser {
    return new SlotChooser(this);
  }

  /** Writes one that is new to its slot: available, and for nobody to find as yet. */
  writeNew(index: number, service: ServiceId, serviceSlot: number, destination: Destination): void {
    // A slot that was never taken has nothing to clear, and many come at once.
    if (this.rows.number(index, "flags") !== 0) {
      this.rows.clear(index);
      this.totals.clear(index);
    }
    this.rows.write(index, {
      address: toAddress(destination.address), family: addressFamily(destination.address), port: toBe16(destination.port),
      virtualFamily: familyOf(service), ...virtualOf(service), serviceSlot, ...this.#settingsOf(destination, 0, 0),
      // Never asked for. Packets may read a tick earlier than this process does: for them too it must have passed.
      hop: { ...NO_HOP, validUntil: this.#store.now() - 1 },
    });
  }

  /** What write() is to make of one that is edited, or that comes back to its connections: available, and as the administrator says. */
  edited(index: number, destination: Destination): Partial<DestinationRow> {
    return this.#settingsOf(destination, this.rows.number(index, "flags"), this.rows.number(index, "upperThreshold"));
  }

  revived(index: number, serviceSlot: number, destination: Destination): Partial<DestinationRow> {
    return { serviceSlot, lastWeight: 0, ...this.edited(index, destination) };
  }

  write(index: number, values: Partial<DestinationRow>): void {
    this.rows.write(index, values);
  }

  #settingsOf(destination: Destination, flagsBefore: number, upperBefore: number): Partial<DestinationRow> {
    // ip_vs_ctl.c, __ip_vs_update_dest(): without a threshold, or with a higher one, it is not overloaded any more.
    const relieved = destination.upperThreshold === 0 || destination.upperThreshold > upperBefore;
    // Where bpf_fib_lookup does not tell a tunnel's outer source (before Linux 6.7), this is the one that packets get.
    const source = destination.forward === "tunnel" ? this.#store.sourceTowards(destination.address) : undefined;
    // ip_vs_xmit.c: what is the director's own goes up its stack, whatever method was given.
    const isLocal = this.#store.isLocal(destination.address);
    const isMasqueraded = destination.forward === "masq";
    return {
      ...(source === undefined ? {} : { tunnelSource: toAddress(source) }),
      tunnelType: tunnelTypeNumber(destination.tunnelType), tunnelPort: toBe16(destination.tunnelPort),
      tunnelChecksum: tunnelChecksumNumber(destination.tunnelChecksum), overhead: tunnelOverhead(destination),
      method: methodNumber(destination.forward), weight: destination.weight,
      upperThreshold: destination.upperThreshold, lowerThreshold: destination.lowerThreshold,
      flags: DESTINATION_IN_USE | DESTINATION_AVAILABLE | (isLocal ? DESTINATION_LOCAL : 0) | (relieved ? 0 : flagsBefore & DESTINATION_OVERLOAD)
        | (isMasqueraded ? DESTINATION_MASQUERADED : flagsBefore & DESTINATION_MASQUERADED),
      ...(destination.weight === 0 ? {} : { lastWeight: destination.weight }),
    };
  }

  /** No new connections, and none of the old ones' packets; the slot stays theirs. */
  remove(index: number): void {
    this.rows.write(index, { removedAt: this.#store.now(), flags: DESTINATION_IN_USE | (this.rows.number(index, "flags") & (DESTINATION_OVERLOAD | DESTINATION_LOCAL | DESTINATION_MASQUERADED)) });
  }

  /** After removal, when services with these slots went too. */
  orphan(serviceSlots: ReadonlySet<number>): void {
    for (const index of this.#unavailable()) {
      if (serviceSlots.has(this.rows.number(index, "serviceSlot"))) this.rows.write(index, { flags: this.rows.number(index, "flags") | DESTINATION_ORPHANED });
    }
  }

  isOrphaned(index: number): boolean {
    return (this.rows.number(index, "flags") & DESTINATION_ORPHANED) !== 0;
  }

  /** Slots that have had a destination, whatever became of it. */
  everTaken(): readonly number[] {
    return this.rows.indicesWith("flags", DESTINATION_IN_USE);
  }

  /** `taken`: by destinations that stand. */
  places(): { readonly taken: number; readonly all: number } {
    return { taken: this.rows.indicesWith("flags", DESTINATION_AVAILABLE).length, all: this.rows.length };
  }

  /** Removes what is available without being listed: a command that was killed between its two writes left it so. */
  removeUnlisted(listed: ReadonlySet<number>): void {
    for (const index of this.rows.indicesWith("flags", DESTINATION_AVAILABLE)) if (!listed.has(index)) this.remove(index);
  }

  /** All of them, removed ones with connections among them. */
  *all(): Iterable<DestinationRow> {
    for (const index of this.#taken()) yield this.read(index);
  }

  /** Removed ones that connections still refer to, and those that went not long ago, by nameOf(). */
  removed(): ReadonlyMap<string, number> {
    return new Map(this.#unavailable().filter((index) => this.isKnown(index)).map((index) => [this.nameOf(index), index]));
  }

  /** Which server of which service it is: nameOfDestination(). */
  nameOf(index: number): string {
    const { virtualAddress, virtualMark, virtualPort, virtualFamily, protocol, address, port, family } =
      this.rows.pick(index, "virtualAddress", "virtualMark", "virtualPort", "virtualFamily", "protocol", "address", "port", "family");
    const key = encode(ServiceKey, virtualMark !== 0 ? { mark: virtualMark, family: virtualFamily } : { address: virtualAddress, port: virtualPort, protocol, family: virtualFamily });
    return nameOfDestination(nameOfKey(key), { address: fromAddress(address, family as Family), port: fromBe16(port) });
  }

  #taken(): number[] {
    return this.rows.indicesWith("flags", DESTINATION_IN_USE).filter((index) => this.isTaken(index));
  }

  #removed(): number[] {
    return this.#unavailable().filter((index) => this.isTaken(index));
  }

  #unavailable(): number[] {
    return this.rows.indicesWith("flags", DESTINATION_IN_USE, DESTINATION_AVAILABLE);
  }

  /** Taken, or only just removed. */
  isKnown(index: number): boolean {
    if (this.isTaken(index)) return true;
    const isRecent = (this.#store.now() - this.rows.number(index, "removedAt")) >>> 0 < secondsToTicks(TRASH_SECONDS);
    return isRecent && (this.rows.number(index, "flags") & DESTINATION_IN_USE) !== 0;
  }

  /** Nobody else may have it. */
  isTaken(index: number): boolean {
    const flags = this.rows.number(index, "flags");
    if ((flags & DESTINATION_IN_USE) === 0) return false;
    if ((flags & DESTINATION_AVAILABLE) !== 0) return true;
    return this.rows.number(index, "activeConnections") + this.rows.number(index, "inactiveConnections") + this.rows.number(index, "persistentConnections") > 0;
  }
}

/** `service`: nameOfKey() of its key. */
export const nameOfDestination = (service: string, id: DestinationId): string => `${service} ${formatEndpoint(id)}`;

export function noPlace(all: number): DirectorError {
  return new DirectorError("NO_MEMORY", `Cannot add a destination: all ${all} places are taken, by destinations or by connections of removed ones; a director with more (destinationTable: entries) is made by weir down, which ends all connections, then weir apply or weir up`);
}

export interface ChosenSlot {
  readonly index: number;
  /** It was this destination's before. */
  readonly isKnown: boolean;
}

/** Of one change: no slot is given twice. */
export class SlotChooser {
  #removed: ReadonlyMap<string, number> | undefined;
  readonly #given = new Set<number>();
  #nextUnknown = 0;
  #nextFree = 0;

  constructor(readonly destinations: Destinations) {}

  /** The slot that this destination had before, or a free one. `name`: nameOfDestination(). */
  choose(name: string): ChosenSlot {
    this.#removed ??= this.destinations.removed();
    const known = this.#removed.get(name);
    const index = known ?? this.#unknown() ?? this.#free();
    if (index === undefined) {
      throw noPlace(this.destinations.rows.length);
    }
    this.#given.add(index);
    return { index, isKnown: known !== undefined };
  }

  /** Rather one that nobody may come back to. */
  #unknown(): number | undefined {
    while (this.#nextUnknown < this.destinations.rows.length && this.destinations.isKnown(this.#nextUnknown)) this.#nextUnknown++;
    return this.#nextUnknown < this.destinations.rows.length ? this.#nextUnknown++ : undefined;
  }

  #free(): number | undefined {
    const isGone = (index: number) => this.#given.has(index) || this.destinations.isTaken(index);
    while (this.#nextFree < this.destinations.rows.length && isGone(this.#nextFree)) this.#nextFree++;
    return this.#nextFree < this.destinations.rows.length ? this.#nextFree : undefined;
  }
}

/** What a destination keeps of its service. */
function virtualOf(service: ServiceId): Pick<DestinationRow, "virtualAddress" | "virtualMark" | "virtualPort" | "protocol"> {
  if (service.kind === "fwmark") return { virtualAddress: { high: 0n, low: 0n }, virtualMark: service.fwmark, virtualPort: toBe16(0), protocol: IPPROTO_IP };
  const { address, port, protocol } = service;
  return { virtualAddress: toAddress(address), virtualMark: 0, virtualPort: toBe16(port), protocol: protocolNumber(protocol) };
}
