// The director of LVS, on whichever store (store.ts): services, destinations and connections as ipvsadm names them, kept
// in the maps that packets are forwarded by. Each operation checks all of its input before it writes anything.
// Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c, do_ip_vs_set_ctl(), is what the order of checks follows.

import { randomBytes } from "node:crypto";
import { decode, encode } from "#layout/codec.js";
import type { Values } from "#layout/struct.js";
import type { Address } from "#wire/address.js";
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";
import * as maps from "#dataplane/maps.js";
import { Service as ServiceStruct } from "#dataplane/maps.js";
import { TCP_ESTABLISHED, TCP_FIN_WAIT } from "#dataplane/protocols/tcp.js";
import { vipFilterBit } from "#dataplane/service.js";
import type {
  Connection, Destination, DestinationId, DestinationState, Director, Family, Service, ServiceId, ServiceState, Timeouts, Totals,
} from "#model/director.js";
import { DirectorError } from "#model/director.js";
import type { MarkRule } from "#model/marks.js";
import { addressFamily } from "#model/address.js";
import { familyOf, notUnicast } from "#model/config-address.js";
import { formatEndpoint } from "#model/names.js";
import type { Sysctls } from "#model/sysctls.js";
import { connectionsOf } from "./connections.js";
import type { DestinationRow } from "./destinations.js";
import { Destinations } from "./destinations.js";
import {
  SCTP_TIMEOUT_SECONDS, TCP_TIMEOUT_SECONDS, UDP_TIMEOUT_SECONDS, fromAddress, fromNetmask, schedulerName, schedulerNumber, secondsToTicks, serviceIdOf, serviceKey, ticksToSeconds, toAddress, toNetmask,
} from "./encode.js";
import type { AddressValues } from "./encode.js";
import { forgetLocalities } from "./localities.js";
import type { Member } from "./members.js";
import { MarkRules } from "./mark-rules.js";
import { MemberLists } from "./members.js";
import { Rows } from "./rows.js";
import { startingSysctls } from "./starting-sysctls.js";
import type { HashAccess, Store } from "./store.js";
import { DestinationTotals } from "./totals.js";
import { bringsFtpData, mayBringFtp } from "./uses.js";

/** Twice as long as the expiry's walk takes round the largest table (dataplane/expiry.ts), so that templates end after their connections. */
const SWEEP_SECONDS = 6;

type ServiceRow = Values<typeof ServiceStruct>;
interface Entry {
  readonly key: Uint8Array;
  readonly id: ServiceId;
  readonly row: ServiceRow;
}

export class StoreDirector implements Director {
  readonly #store: Store;
  readonly #services: HashAccess;
  readonly #settings: Rows<typeof maps.settings.value>;
  readonly #sysctls: Rows<typeof maps.sysctls.value>;
  readonly #totals: DestinationTotals;
  readonly #destinations: Destinations;
  readonly #lists: MemberLists;
  readonly #markRules: MarkRules;
  readonly #realServers: HashAccess;

  constructor(store: Store) {
    this.#store = store;
    this.#services = store.hash(maps.services);
    this.#settings = new Rows(store, maps.settings);
    this.#sysctls = new Rows(store, maps.sysctls);
    this.#totals = new DestinationTotals(store);
    this.#destinations = new Destinations(store, this.#totals);
    this.#lists = new MemberLists(store);
    this.#markRules = new MarkRules(store, this.#settings);
    this.#realServers = store.hash(maps.realServers);
    if (this.#settings.bigint(0, "hashSeed") === 0n) store.exclusively(() => this.#initialise());
  }

  get connectionTableSize(): number {
    return this.#store.table(maps.buckets4).length / maps.Bucket.size;
  }

  services(): readonly ServiceState[] {
    return this.#entries().map((entry) => this.#describe(entry));
  }

  addService(service: Service): void {
    const key = serviceKey(service.id);
    this.#store.exclusively(() => {
      if (this.#services.lookup(key) !== undefined) throw new DirectorError("SERVICE_EXISTS", `Cannot add the service ${name(service.id)}: it exists already`);
      const scheduler = schedulerNumber(service.scheduler);
      checkPersistenceEngine(service);
      const entries = this.#entries();
      const slot = freeSlot(entries);
      this.#totals.clearService(slot);
      forgetLocalities(this.#store, slot, scheduler);
      const span = this.#lists.write([], scheduler, undefined, entries.map((entry) => entry.row));
      const sequence = entries.reduce((most, entry) => Math.max(most, entry.row.sequence), 0) + 1;
      this.#refreshFilters(serviceIdOf(key));
      this.#services.update(key, encode(ServiceStruct, { ...wordsOf(service), ...span, slot, sequence }));
      this.#countServices();
    });
  }

  editService(service: Service): void {
    this.#store.exclusively(() => {
      const entry = this.#find(service.id, "edit");
      const scheduler = schedulerNumber(service.scheduler);
      checkPersistenceEngine(service);
      const isSame = scheduler === entry.row.scheduler;
      if (!isSame) forgetLocalities(this.#store, entry.row.slot, scheduler);
      this.#replace(entry, { ...wordsOf(service), ...(isSame ? {} : this.#lists.write(this.#lists.read(entry.row), scheduler, undefined, this.#spans())) });
      this.#countServices();
    });
  }

  deleteService(id: ServiceId): void {
    this.#store.exclusively(() => this.#delete(this.#find(id, "delete")));
  }

  clear(): void {
    this.#store.exclusively(() => this.#entries().forEach((entry) => this.#delete(entry)));
  }

  /** Clears away what commands that were killed half-way left behind. */
  reclaim(): void {
    this.#store.exclusively(() => {
      this.#destinations.removeUnlisted(new Set(this.#entries().flatMap(({ row }) => this.#lists.read(row).map(({ destination }) => destination))));
      this.#refreshFilters();
    });
  }

  addDestination(id: ServiceId, destination: Destination): void {
    this.#store.exclusively(() => {
      const entry = this.#find(id, "add a destination to");
      checkDestination(id, destination);
      const members = this.#lists.read(entry.row);
      if (this.#place(members, destination) >= 0) {
        throw new DirectorError("DESTINATION_EXISTS", `Cannot add ${destination.address}:${destination.port} to ${name(id)}: it is there already`);
      }
      checkUnicast(destination);
      const index = this.#destinations.take(entry.id, entry.row.slot, destination);
      this.#totals.join(entry.row.slot, index);
      this.#refreshFilters();
      this.#relist(entry, [{ destination: index, weight: destination.weight }, ...members]);
    });
  }

  editDestination(id: ServiceId, destination: Destination): void {
    this.#store.exclusively(() => {
      const entry = this.#find(id, "edit a destination of");
      checkDestination(id, destination);
      const members = this.#lists.read(entry.row);
      const place = this.#findPlace(members, id, destination, "edit");
      this.#destinations.edit(members[place]!.destination, destination);
      this.#refreshFilters();
      this.#relist(entry, members.map((member, i) => (i === place ? { ...member, weight: destination.weight } : member)));
    });
  }

  deleteDestination(id: ServiceId, destination: DestinationId): void {
    this.#store.exclusively(() => {
      const entry = this.#find(id, "delete a destination of");
      const members = this.#lists.read(entry.row);
      const place = this.#findPlace(members, id, destination, "delete");
      const gone = members[place]!.destination;
      this.#relist(entry, members.filter((_, i) => i !== place));
      this.#destinations.remove(gone);
      this.#totals.leave(entry.row.slot, gone);
      this.#refreshFilters();
      this.#endAbandoned();
    });
  }

  connections(): Iterable<Connection> {
    return connectionsOf(this.#store);
  }

  zero(id?: ServiceId): void {
    this.#store.exclusively(() => {
      for (const entry of id === undefined ? this.#entries() : [this.#find(id, "zero")]) {
        const destinations = this.#lists.read(entry.row).map((member) => member.destination);
        destinations.forEach((index) => this.#totals.zeroDestination(index));
        this.#totals.zeroService(entry.row.slot, destinations);
      }
      if (id === undefined) this.#totals.zeroAll(this.#destinations.everTaken());
    });
  }

  totals(): Totals {
    return this.#totals.ofAll(this.#destinations.everTaken());
  }

  timeouts(): Timeouts {
    const { tcpTimeouts, udpTimeout } = this.#settings.read(0);
    const seconds = (ticks: number | undefined) => Math.round(ticksToSeconds(ticks ?? 0));
    return { tcp: seconds(tcpTimeouts[TCP_ESTABLISHED]), tcpFin: seconds(tcpTimeouts[TCP_FIN_WAIT]), udp: seconds(udpTimeout) };
  }

  setTimeouts(timeouts: Timeouts): void {
    this.#store.exclusively(() => {
      const { tcpTimeouts, udpTimeout } = this.#settings.read(0);
      const changed = Array.from(tcpTimeouts);
      if (timeouts.tcp !== 0) changed[TCP_ESTABLISHED] = secondsToTicks(timeouts.tcp);
      if (timeouts.tcpFin !== 0) changed[TCP_FIN_WAIT] = secondsToTicks(timeouts.tcpFin);
      this.#settings.write(0, { tcpTimeouts: changed, udpTimeout: timeouts.udp === 0 ? udpTimeout : secondsToTicks(timeouts.udp) });
    });
  }

  markRules(): readonly MarkRule[] {
    return this.#markRules.read();
  }

  setMarkRules(rules: readonly MarkRule[]): void {
    this.#store.exclusively(() => this.#markRules.write(rules));
  }

  sysctls(): Sysctls {
    return this.#sysctls.read(0) as Sysctls;
  }

  setSysctls(values: Partial<Sysctls>): void {
    this.#store.exclusively(() => {
      this.#sysctls.write(0, values);
      this.#refreshRealServers();
    });
  }

  /** New maps are all zeros: the values that a kernel's IPVS starts with. The seed comes last; it says that this was done. */
  #initialise(): void {
    if (this.#settings.bigint(0, "hashSeed") !== 0n) return;
    this.#sysctls.write(0, startingSysctls());
    this.#settings.write(0, {
      tcpTimeouts: TCP_TIMEOUT_SECONDS.map(secondsToTicks), udpTimeout: secondsToTicks(UDP_TIMEOUT_SECONDS),
      sctpTimeouts: SCTP_TIMEOUT_SECONDS.map(secondsToTicks),
    });
    this.#settings.write(0, { hashSeed: randomBytes(8).readBigUInt64LE() | 1n });
  }

  /** In the order in which they were added. */
  #entries(): Entry[] {
    const entries: Entry[] = [];
    for (const key of this.#services.keys()) {
      const value = this.#services.lookup(key);
      if (value !== undefined) entries.push({ key, id: serviceIdOf(key), row: decode(ServiceStruct, value) });
    }
    return entries.sort((a, b) => a.row.sequence - b.row.sequence);
  }

  #spans(): ServiceRow[] {
    return this.#entries().map((entry) => entry.row);
  }

  #find(id: ServiceId, verb: string): Entry {
    const key = serviceKey(id);
    const value = this.#services.lookup(key);
    if (value === undefined) throw new DirectorError("NO_SUCH_SERVICE", `Cannot ${verb} the service ${name(id)}: there is none`);
    return { key, id: serviceIdOf(key), row: decode(ServiceStruct, value) };
  }

  #describe(entry: Entry): ServiceState {
    const { row } = entry;
    const indices = this.#lists.read(row).map((member) => member.destination);
    return {
      id: entry.id, scheduler: schedulerName(row.scheduler), schedulerFlags: row.schedulerFlags, persistentSeconds: row.persistentSeconds,
      netmask: fromNetmask(row.netmask, familyOf(entry.id)), persistenceEngine: (row.flags & maps.SERVICE_SIP) !== 0 ? "sip" : "", onePacket: (row.flags & maps.SERVICE_ONE_PACKET) !== 0,
      counters: this.#totals.ofService(row.slot, indices), rates: this.#totals.rates(indices),
      destinations: indices.map((index) => this.#describeDestination(index)),
    };
  }

  #describeDestination(index: number): DestinationState {
    const { activeConnections, inactiveConnections, persistentConnections } = this.#destinations.read(index);
    return {
      ...this.#destinations.describe(index), activeConnections, inactiveConnections, persistentConnections,
      counters: this.#totals.ofDestination(index), rates: this.#totals.rates([index]),
    };
  }

  #delete(entry: Entry): void {
    this.#services.delete(entry.key);
    this.#countServices();
    for (const { destination } of this.#lists.read(entry.row)) this.#destinations.remove(destination);
    this.#refreshFilters();
    this.#endAbandoned();
  }

  /** ip_vs_ctl.c, __ip_vs_del_dest(): with expire_nodest_conn a removed destination's connections end, without waiting for their packets. */
  #endAbandoned(): void {
    if (this.#sysctls.number(0, "expire_nodest_conn") === 0) return;
    this.#settings.write(0, { sweepUntil: this.#store.now() + secondsToTicks(SWEEP_SECONDS) });
  }

  #place(members: readonly Member[], id: DestinationId): number {
    return members.findIndex((member) => this.#destinations.isAt(member.destination, id));
  }

  #findPlace(members: readonly Member[], service: ServiceId, id: DestinationId, verb: string): number {
    const place = this.#place(members, id);
    if (place < 0) throw new DirectorError("NO_SUCH_DESTINATION", `Cannot ${verb} ${id.address}:${id.port} of ${name(service)}: there is no such destination`);
    return place;
  }

  #relist(entry: Entry, members: readonly Member[]): void {
    this.#replace(entry, this.#lists.write(members, entry.row.scheduler, entry.row, this.#spans()));
  }

  #replace(entry: Entry, changes: Partial<ServiceRow>): void {
    this.#services.update(entry.key, encode(ServiceStruct, { ...entry.row, ...changes }));
  }

  #countServices(): void {
    const entries = this.#entries();
    const ids = entries.map(({ id }) => id);
    this.#settings.write(0, {
      anyPortServices: ids.filter((id) => id.kind === "address" && id.port === 0).length,
      markServices: ids.filter((id) => id.kind === "fwmark").length,
      ftpServices: ids.filter(mayBringFtp).length,
      ftpDataServices: entries.filter(({ row }) => (row.flags & maps.SERVICE_FTP) !== 0).length,
    });
  }

  /**
   * Where packets need not be looked up. Bits are set before a service (`added`) can be found, and cleared after nothing needs them.
   * ip_vs_ctl.c, ip_vs_unlink_service(): without a service of a family, LVS has no hooks, and connections that still stand wait for the next.
   */
  #refreshFilters(added?: ServiceId): void {
    const ids = [...this.#entries().map(({ id }) => id), ...(added === undefined ? [] : [added])];
    const families = new Set(ids.map(familyOf));
    const standing = [...this.#destinations.all()].filter(({ virtualFamily }) => families.has(virtualFamily as Family));
    const filter = new Array<bigint>(maps.VIP_FILTER_BITS / 64).fill(0n);
    for (const id of ids) setBits(filter, id);
    for (const { virtualAddress } of standing) setBit(filter, virtualAddress);
    if (standing.some(({ virtualMark }) => virtualMark !== 0)) filter.fill(EVERY_BIT);
    const masqueraded = standing.filter(({ flags }) => (flags & maps.DESTINATION_MASQUERADED) !== 0);
    const count = (family: Family) => masqueraded.filter(({ virtualFamily }) => virtualFamily === family).length;
    this.#settings.write(0, { vipFilter: filter, natDestinations: count(4), natDestinationsIpv6: count(6) });
    this.#refreshRealServers();
  }

  /** Those that are told when nobody asked them: none, unless the sysctl nat_icmp_send is on. */
  #refreshRealServers(): void {
    const wanted = this.#sysctls.number(0, "nat_icmp_send") === 0 ? [] : [...this.#destinations.all()].filter(answersByNat).flatMap(byProtocol);
    const keys = wanted.map(({ address, port, protocol, family }) => encode(maps.RealServerKey, { address, port, protocol, family, spare: 0 }));
    const texts = new Set(keys.map(hex));
    for (const key of this.#realServers.keys()) if (!texts.has(hex(key))) this.#realServers.delete(key);
    const known = new Set([...this.#realServers.keys()].map(hex));
    for (const [i, key] of keys.entries()) {
      if (known.has(hex(key))) continue;
      const { address, family } = wanted[i]!;
      const director = this.#store.sourceTowards(fromAddress(address, family as Family));
      if (director !== undefined) this.#realServers.update(key, encode(maps.RealServer, { director: toAddress(director) }));
    }
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** ip_vs_ctl.c, ip_vs_has_real_service(): it stands. */
function answersByNat({ flags, method }: DestinationRow): boolean {
  return (flags & maps.DESTINATION_AVAILABLE) !== 0 && method === maps.METHOD_MASQ;
}

/** The same: of a service by mark, it may answer by any protocol. */
function byProtocol(row: DestinationRow): readonly DestinationRow[] {
  return row.virtualMark === 0 ? [row] : [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP].map((protocol) => ({ ...row, protocol }));
}

const EVERY_BIT = 2n ** 64n - 1n;

/** A mark may be on packets to any address. */
function setBits(filter: bigint[], id: ServiceId): void {
  if (id.kind === "fwmark") filter.fill(EVERY_BIT);
  else setBit(filter, toAddress(id.address));
}

function setBit(filter: bigint[], address: AddressValues): void {
  const bit = vipFilterBit(address as Address);
  filter[bit >>> 6] = (filter[bit >>> 6] ?? 0n) | (1n << BigInt(bit & 63));
}

/** What a service's entry says of the administrator's words. */
function wordsOf(service: Service): Partial<ServiceRow> {
  return {
    scheduler: schedulerNumber(service.scheduler), schedulerFlags: service.schedulerFlags, flags: flagsOf(service),
    persistentSeconds: service.persistentSeconds, netmask: toNetmask(service.netmask, familyOf(service.id)),
    mark: service.id.kind === "fwmark" ? service.id.fwmark : 0,
  };
}

function flagsOf({ id, persistentSeconds, persistenceEngine, onePacket }: Service): number {
  // ip_vs_core.c, ip_vs_sched_persist(): a persistent service by mark keeps the packet's port.
  const isFtp = bringsFtpData(id, persistentSeconds);
  const anyPort = id.kind === "fwmark" ? persistentSeconds !== 0 : id.port === 0 || isFtp;
  return (persistenceEngine !== "" ? maps.SERVICE_SIP : 0) | (isFtp ? maps.SERVICE_FTP : 0) | (onePacket ? maps.SERVICE_ONE_PACKET : 0) | (persistentSeconds !== 0 ? maps.SERVICE_PERSISTENT : 0) | (anyPort ? maps.SERVICE_ANY_PORT : 0);
}

function checkPersistenceEngine({ id, persistenceEngine }: Service): void {
  if (persistenceEngine === "" || persistenceEngine === "sip") return;
  throw new DirectorError("SCHEDULER_NOT_FOUND", `Cannot make the service ${name(id)}: there is no persistence engine "${persistenceEngine}"; there is sip`);
}

/** ip_vs_ctl.c, ip_vs_add_dest(), ip_vs_edit_dest(): weight, thresholds. */
function checkDestination(id: ServiceId, destination: Destination): void {
  const where = formatEndpoint(destination);
  // ip_vs_ctl.c, ip_vs_genl_set_cmd(): only a tunnel leads from one family to the other.
  if (addressFamily(destination.address) !== familyOf(id) && destination.forward !== "tunnel") {
    throw new DirectorError("INVALID", `Cannot use ${where} for ${name(id)}: a server of the other address family needs a tunnel (-i)`);
  }
  if (destination.weight < 0) throw new DirectorError("OUT_OF_RANGE", `Cannot give ${where} the weight ${destination.weight}: it is below 0`);
  if (destination.lowerThreshold > destination.upperThreshold) {
    throw new DirectorError("OUT_OF_RANGE", `Cannot give ${where} a lower threshold of ${destination.lowerThreshold}: it is over the upper one, ${destination.upperThreshold}`);
  }
}

/** ip_vs_ctl.c, ip_vs_new_dest(). */
function checkUnicast(destination: Destination): void {
  const reason = notUnicast(destination.address);
  if (reason !== undefined) throw new DirectorError("INVALID", `Cannot use ${formatEndpoint(destination)} as a real server: ${destination.address} ${reason}`);
}

/** The smallest number that no service has. */
function freeSlot(entries: readonly Entry[]): number {
  const taken = new Set(entries.map((entry) => entry.row.slot));
  for (let slot = 0; slot < maps.SERVICES_MAX; slot++) if (!taken.has(slot)) return slot;
  throw new DirectorError("NO_MEMORY", `Cannot add a service: there are ${maps.SERVICES_MAX} already`);
}

function name(id: ServiceId): string {
  return id.kind === "fwmark" ? `FWM ${id.fwmark}` : `${id.protocol.toUpperCase()} ${id.address}:${id.port}`;
}

