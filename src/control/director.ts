// The director of LVS, on whichever store (store.ts): services, destinations and connections as ipvsadm names them, kept
// in the maps that packets are forwarded by. Each operation checks all of its input before it writes anything.
// Linux v6.12 net/netfilter/ipvs/ip_vs_ctl.c, do_ip_vs_set_ctl(), is what the order of checks follows.

import { randomBytes } from "node:crypto";
import { encode } from "#layout/codec.js";
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";
import * as maps from "#dataplane/maps.js";
import { TCP_ESTABLISHED, TCP_FIN_WAIT } from "#dataplane/protocols/tcp.js";
import type {
  Connection, Destination, DestinationId, DestinationState, Director, Family, Operation, Service, ServiceId, ServiceState, Timeouts, Totals,
} from "#model/director.js";
import { DirectorError } from "#model/director.js";
import type { MarkRule } from "#model/marks.js";
import { familyOf } from "#model/config/address.js";
import type { Sysctls } from "#model/sysctls.js";
import type { Draft, DraftMember, Plan } from "./batch.js";
import { Batch, nameOf } from "./batch.js";
import { connectionsOf } from "./connections.js";
import type { DestinationRow } from "./destinations.js";
import { Destinations } from "./destinations.js";
import { SCTP_TIMEOUT_SECONDS, TCP_TIMEOUT_SECONDS, UDP_TIMEOUT_SECONDS, fromAddress, fromNetmask, schedulerName, secondsToTicks, serviceKey, ticksToSeconds, toAddress } from "./encode.js";
import { Filters } from "./filters.js";
import { forgetLocalities } from "./localities.js";
import { MarkRules } from "./mark-rules.js";
import type { ListPlace, ListWriter } from "./members.js";
import { MemberLists } from "./members.js";
import { Rows } from "./rows.js";
import type { ServiceEntry, ServiceRow } from "./service-table.js";
import { ServiceTable, idOf } from "./service-table.js";
import { startingSysctls } from "./starting-sysctls.js";
import type { HashAccess, Store } from "./store.js";
import { DestinationTotals } from "./totals.js";
import type { ServiceUse } from "./uses.js";

/** Twice as long as the expiry's walk takes round the largest table (dataplane/expiry.ts), so that templates end after their connections. */
const SWEEP_SECONDS = 6;

/** Of a destination that has been there before, and what is to be written of it. */
interface StandingRow {
  readonly destination: number;
  readonly draft: Draft;
  readonly values: Partial<DestinationRow>;
}

export class StoreDirector implements Director {
  readonly #store: Store;
  readonly #table: ServiceTable;
  readonly #settings: Rows<typeof maps.settings.value>;
  readonly #sysctls: Rows<typeof maps.sysctls.value>;
  readonly #totals: DestinationTotals;
  readonly #destinations: Destinations;
  readonly #lists: MemberLists;
  readonly #filters: Filters;
  readonly #markRules: MarkRules;
  readonly #realServers: HashAccess;

  constructor(store: Store) {
    this.#store = store;
    this.#table = new ServiceTable(store);
    this.#settings = new Rows(store, maps.settings);
    this.#sysctls = new Rows(store, maps.sysctls);
    this.#totals = new DestinationTotals(store);
    this.#destinations = new Destinations(store, this.#totals);
    this.#lists = new MemberLists(store);
    this.#filters = new Filters(this.#settings, this.#destinations, () => this.isStandingBy());
    this.#markRules = new MarkRules(store, this.#settings);
    this.#realServers = store.hash(maps.realServers);
    if (this.#settings.bigint(0, "hashSeed") === 0n) store.exclusively(() => this.#initialise());
  }

  get connectionTableSize(): number {
    return this.#store.table(maps.buckets4).length / maps.Bucket.size;
  }

  services(): readonly ServiceState[] {
    return this.#table.read().map((entry) => this.#describe(entry));
  }

  service(id: ServiceId): ServiceState | undefined {
    const entry = this.#table.find(serviceKey(id));
    return entry && this.#describe(entry);
  }

  destinationPlaces(): { readonly taken: number; readonly all: number } {
    return this.#destinations.places();
  }

  serviceIds(): readonly { readonly id: ServiceId }[] {
    return this.#table.read().map((entry) => ({ id: idOf(entry) }));
  }

  /** What they need of the data plane (uses.ts), without what was counted. */
  serviceUses(): readonly ServiceUse[] {
    return this.#table.read().map((entry): ServiceUse => ({
      id: idOf(entry), persistenceEngine: engineOf(entry.row), destinations: this.#lists.read(entry.row).map(({ destination }) => this.#destinations.describe(destination)),
    }));
  }

  apply(operations: readonly Operation[]): void {
    if (operations.length === 0) return;
    this.#store.exclusively(() => {
      this.#table.settle();
      const plan = new Batch(this.#table, this.#lists, this.#destinations).plan(operations);
      const rows = this.#writeBeside(plan);
      this.#open(plan, rows);
      this.#table.publish();
      this.#close(plan, rows);
    });
  }

  addService(service: Service): void {
    this.apply([{ kind: "addService", service }]);
  }

  editService(service: Service): void {
    this.apply([{ kind: "editService", service }]);
  }

  deleteService(id: ServiceId): void {
    this.apply([{ kind: "deleteService", service: { id } }]);
  }

  clear(): void {
    this.#store.exclusively(() => {
      this.apply(this.#table.read().map((entry): Operation => ({ kind: "deleteService", service: { id: idOf(entry) } })));
    });
  }

  /** Clears away what commands that were killed half-way left behind. */
  reclaim(): void {
    this.#store.exclusively(() => {
      this.#table.settle();
      const entries = this.#table.read();
      this.#destinations.removeUnlisted(new Set(entries.flatMap(({ row }) => this.#lists.read(row).map(({ destination }) => destination))));
      this.#filters.narrow(entries);
      this.#refreshRealServers();
    });
  }

  addDestination(service: ServiceId, destination: Destination): void {
    this.apply([{ kind: "addDestination", service, destination }]);
  }

  editDestination(service: ServiceId, destination: Destination): void {
    this.apply([{ kind: "editDestination", service, destination }]);
  }

  deleteDestination(service: ServiceId, destination: DestinationId): void {
    this.apply([{ kind: "deleteDestination", service, destination }]);
  }

  connections(): Iterable<Connection> {
    return connectionsOf(this.#store);
  }

  zero(id?: ServiceId): void {
    this.#store.exclusively(() => {
      for (const entry of id === undefined ? this.#table.read() : [this.#find(id, "zero")]) {
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
      const stoodBy = this.isStandingBy();
      this.#sysctls.write(0, values);
      this.#refreshRealServers();
      if (this.isStandingBy() !== stoodBy) this.refreshFilters();
    });
  }

  /** ip_vs.h, sysctl_backup_only(): a backup daemon was started and not stopped, so that requests are the stack's (ip_vs_core.c, ip_vs_in_hook()); answers are met still. */
  isStandingBy(): boolean {
    return this.#sysctls.number(0, "backup_only") !== 0 && this.isBackup();
  }

  /** Whether this director learns another's connections. Without daemons: never. */
  protected isBackup(): boolean {
    return false;
  }

  protected refreshFilters(): void {
    this.#filters.narrow(this.#table.read());
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

  /**
   * All that comes, at places that nobody has: packets find none of it as yet. When there is no room, all is as it was.
   * Gives what is still to be written in place: rows of destinations that stand.
   */
  #writeBeside({ drafts, gone }: Plan): readonly StandingRow[] {
    const fresh = drafts.flatMap((draft) => membersOf(draft, "new").map((member) => ({ draft, member })));
    try {
      for (const { draft, member } of fresh) this.#destinations.writeNew(member.destination, draft.id, draft.slot, member.settings!);
      const lists = this.#lists.beside(this.#table.lists());
      const written = drafts.map((draft): ServiceEntry => ({ key: draft.key, row: { ...draft.row, ...(draft.isRelisted ? this.#writeList(draft, lists) : {}) } }));
      const rows = drafts.flatMap((draft) => [
        ...membersOf(draft, "revived").map(({ destination, settings }) => ({ destination, draft, values: this.#destinations.revived(destination, draft.slot, settings!) })),
        ...membersOf(draft, "edited").map(({ destination, settings }) => ({ destination, draft, values: this.#destinations.edited(destination, settings!) })),
      ]);
      this.#table.prepare(written, gone, (i) => !drafts[i]!.hasKey);
      const masqueraded = rows.filter(({ values }) => isMasqueraded(values)).map(({ draft }) => draft);
      this.#filters.widen(written.filter((_, i) => drafts[i]!.isReworded), familiesOf(drafts), familiesOf(masqueraded));
      return rows;
    } catch (error) {
      for (const { member } of fresh) this.#destinations.remove(member.destination);
      throw error;
    }
  }

  #writeList({ row, before, isNewToScheduler, members }: Draft, lists: ListWriter): ListPlace {
    const list = members === undefined ? this.#lists.read(row) : Array.from(members.values(), ({ destination, weight }) => ({ destination, weight })).reverse();
    return lists.write(list, row.scheduler, isNewToScheduler ? undefined : before);
  }

  /** What comes back to its connections or gets more is open before packets are led to it. */
  #open({ drafts }: Plan, rows: readonly StandingRow[]): void {
    for (const draft of drafts) {
      if (draft.isNewToScheduler) forgetLocalities(this.#store, draft.slot, draft.row.scheduler);
      if (draft.before === undefined) this.#totals.clearService(draft.slot);
      const isNew = draft.before === undefined;
      const comeBack = isNew ? [...membersOf(draft, "revived"), ...membersOf(draft, "edited")] : membersOf(draft, "revived");
      for (const { destination } of comeBack) {
        this.#totals.join(draft.slot, destination);
        // ip_vs_ctl.c, __ip_vs_update_dest(): a removed destination that another service gets, if only a new one of the same name, begins to count anew.
        if (isNew || this.#destinations.isOrphaned(destination)) this.#totals.zeroDestination(destination);
      }
    }
    for (const { destination, values } of rows) if (values.weight !== 0) this.#destinations.write(destination, values);
  }

  /** What packets are led to no more, or what takes no more of them. */
  #close({ drafts, gone, removed }: Plan, rows: readonly StandingRow[]): void {
    for (const { destination, values } of rows) if (values.weight === 0) this.#destinations.write(destination, values);
    for (const { destination, serviceSlot } of removed) {
      this.#destinations.remove(destination);
      this.#totals.leave(serviceSlot, destination);
    }
    if (gone.length > 0) this.#destinations.orphan(new Set(gone.map(({ slot }) => slot)));
    if (gone.length > 0 || drafts.some(({ before, isReworded }) => before !== undefined && isReworded)) this.#filters.narrow(this.#table.read());
    else if (removed.length > 0) this.#filters.narrowNat();
    this.#refreshRealServers();
    if (gone.length > 0 || removed.length > 0) this.#endAbandoned();
  }

  #find(id: ServiceId, verb: string): ServiceEntry {
    const entry = this.#table.find(serviceKey(id));
    if (entry === undefined) throw new DirectorError("NO_SUCH_SERVICE", `Cannot ${verb} the service ${nameOf(id)}: there is none`);
    return entry;
  }

  #describe(entry: ServiceEntry): ServiceState {
    const { row } = entry;
    const id = idOf(entry);
    const indices = this.#lists.read(row).map((member) => member.destination);
    return {
      id, scheduler: schedulerName(row.scheduler), schedulerFlags: row.schedulerFlags, persistentSeconds: row.persistentSeconds,
      netmask: fromNetmask(row.netmask, familyOf(id)), persistenceEngine: engineOf(row), onePacket: (row.flags & maps.SERVICE_ONE_PACKET) !== 0,
      counters: this.#totals.ofService(row.slot, indices), rates: this.#totals.rates(indices),
      destinations: indices.map((index) => this.#describeDestination(index)),
    };
  }

  #describeDestination(index: number): DestinationState {
    const { activeConnections, inactiveConnections, persistentConnections } = this.#destinations.rows.pick(index, "activeConnections", "inactiveConnections", "persistentConnections");
    const { address, port, forward, weight, upperThreshold, lowerThreshold, tunnelType, tunnelPort, tunnelChecksum } = this.#destinations.describe(index);
    return {
      address, port, forward, weight, upperThreshold, lowerThreshold, tunnelType, tunnelPort, tunnelChecksum,
      activeConnections, inactiveConnections, persistentConnections, counters: this.#totals.ofDestination(index), rates: this.#totals.rates([index]),
    };
  }

  /** ip_vs_ctl.c, __ip_vs_del_dest(): with expire_nodest_conn a removed destination's connections end, without waiting for their packets. */
  #endAbandoned(): void {
    if (this.#sysctls.number(0, "expire_nodest_conn") === 0) return;
    this.#settings.write(0, { sweepUntil: this.#store.now() + secondsToTicks(SWEEP_SECONDS) });
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

function membersOf({ members }: Draft, change: DraftMember["change"]): readonly DraftMember[] {
  return members === undefined ? [] : [...members.values()].filter((member) => member.change === change);
}

const engineOf = ({ flags }: ServiceRow): string => ((flags & maps.SERVICE_SIP) !== 0 ? "sip" : "");

const isMasqueraded = ({ flags = 0 }: Partial<DestinationRow>): boolean => (flags & maps.DESTINATION_MASQUERADED) !== 0;

const familiesOf = (drafts: readonly Draft[]): ReadonlySet<Family> => new Set(drafts.map(({ id }) => familyOf(id)));
