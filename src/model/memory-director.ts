// A director in memory: it keeps services and destinations as the kernel's IPVS does, with its checks in its order, and
// forwards nothing. For tests, for simulations, and for a list where nothing was ever configured.
// Linux v6.1 net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_genl_set_cmd() and what it calls.

import { addressFamily, addressWords } from "./address.js";
import { notUnicast } from "./config/address.js";
import type {
  Connection, Counters, Destination, DestinationId, DestinationState, Director, DirectorErrorCode, Family, Operation, Service, ServiceId, ServiceState,
  SyncDaemon, SyncDaemonRequest, Timeouts, Totals,
} from "./director.js";
import { DirectorError } from "./director.js";
import type { MarkRule } from "./marks.js";
import { formatEndpoint, formatServiceId } from "./names.js";
import { completeSyncDaemon } from "./sync-daemon.js";
import type { Sysctls } from "./sysctls.js";
import { defaultSysctls } from "./sysctls.js";

/** What Debian's kernel 6.1 has. */
const SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "none"];
const PERSISTENCE_ENGINES = ["", "sip"];
const PROTOCOL_NUMBER = { tcp: 6, udp: 17, sctp: 132 } as const;
/** IP_VS_SVC_TAB_SIZE. */
const SERVICE_BUCKETS = 256;
/** 4 GiB. */
const MEMORY_PAGES = 2 ** 20;
/** Of interfaces that are not said. */
const ETHERNET_MTU = 1500;

export interface MemoryDirectorOptions {
  readonly schedulers?: readonly string[];
  /** Interfaces that a sync daemon may use, with their MTU; undefined: any, with Ethernet's. */
  readonly interfaces?: ReadonlyMap<string, number>;
  readonly connections?: readonly Connection[];
  readonly connectionTableSize?: number;
  readonly totals?: Totals;
  /** The kernel mixes an address of its own into the hash by which services are ordered. */
  readonly hashSalt?: number;
}

interface Entry {
  service: Service;
  counters: Counters;
  /** The newest first. */
  destinations: DestinationState[];
}

const ZERO: Counters = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };

export class MemoryDirector implements Director {
  /** By formatServiceId(), the newest last. */
  #entries = new Map<string, Entry>();
  #timeouts: Timeouts = { tcp: 900, tcpFin: 120, udp: 300 };
  #sysctls: Sysctls = defaultSysctls(MEMORY_PAGES);
  #daemons: SyncDaemon[] = [];
  #markRules: readonly MarkRule[] = [];
  readonly #options: MemoryDirectorOptions;

  constructor(options: MemoryDirectorOptions = {}) {
    this.#options = options;
  }

  get connectionTableSize(): number {
    return this.#options.connectionTableSize ?? 4096;
  }

  services(): readonly ServiceState[] {
    const buckets = new Map(Array.from(this.#entries.values(), (entry) => [entry, this.#bucket(entry.service.id)]));
    // The newest first in each of the kernel's buckets.
    return [...this.#entries.values()].reverse().sort((a, b) => buckets.get(a)! - buckets.get(b)!)
      .map(stateOf);
  }

  service(id: ServiceId): ServiceState | undefined {
    const entry = this.#lookup(id);
    return entry && stateOf(entry);
  }

  apply(operations: readonly Operation[]): void {
    const before = new Map(Array.from(this.#entries, ([name, entry]) => [name, { ...entry, destinations: [...entry.destinations] }]));
    try {
      for (const operation of operations) this.#step(operation);
    } catch (error) {
      this.#entries = before;
      throw error;
    }
  }

  #step(operation: Operation): void {
    switch (operation.kind) {
      case "addService": return this.addService(operation.service);
      case "editService": return this.editService(operation.service);
      case "deleteService": return this.deleteService(operation.service.id);
      case "addDestination": return this.addDestination(operation.service, operation.destination);
      case "editDestination": return this.editDestination(operation.service, operation.destination);
      case "deleteDestination": return this.deleteDestination(operation.service, operation.destination);
    }
  }

  addService(service: Service): void {
    if (this.#lookup(service.id) !== undefined) throw refusal("SERVICE_EXISTS", `add ${formatServiceId(service.id)}`, "it exists already");
    this.#checkService(service);
    this.#entries.set(formatServiceId(service.id), { service: wordsOf(service), counters: ZERO, destinations: [] });
  }

  editService(service: Service): void {
    const entry = this.#find(service.id, "edit");
    this.#checkService(service);
    entry.service = wordsOf(service);
  }

  deleteService(id: ServiceId): void {
    this.#find(id, "delete");
    this.#entries.delete(formatServiceId(id));
  }

  clear(): void {
    this.#entries.clear();
  }

  addDestination(id: ServiceId, destination: Destination): void {
    const entry = this.#find(id, "add a destination to", "SERVICE_NOT_DEFINED");
    const attempted = `add ${formatEndpoint(destination)} to ${formatServiceId(id)}`;
    this.#checkFamily(id, destination, attempted);
    checkDestination(destination, attempted);
    if (entry.destinations.some((other) => isSame(other, destination))) throw refusal("DESTINATION_EXISTS", attempted, "it is there already");
    const reason = notUnicast(destination.address);
    if (reason !== undefined) throw refusal("INVALID", attempted, `${destination.address} ${reason}`);
    entry.destinations.unshift({
      ...destination, activeConnections: 0, inactiveConnections: 0, persistentConnections: 0, counters: ZERO, rates: ZERO,
    });
  }

  editDestination(id: ServiceId, destination: Destination): void {
    const entry = this.#find(id, "edit a destination of", "SERVICE_NOT_DEFINED");
    const attempted = `edit ${formatEndpoint(destination)} of ${formatServiceId(id)}`;
    this.#checkFamily(id, destination, attempted);
    checkDestination(destination, attempted);
    const at = findDestination(entry, destination, attempted);
    entry.destinations[at] = { ...entry.destinations[at]!, ...destination };
  }

  deleteDestination(id: ServiceId, destination: DestinationId): void {
    const entry = this.#find(id, "delete a destination of", "SERVICE_NOT_DEFINED");
    entry.destinations.splice(findDestination(entry, destination, `delete ${formatEndpoint(destination)} of ${formatServiceId(id)}`), 1);
  }

  connections(): Iterable<Connection> {
    return this.#options.connections ?? [];
  }

  zero(id?: ServiceId): void {
    for (const entry of id === undefined ? this.#entries.values() : [this.#find(id, "zero the counters of")]) {
      entry.counters = ZERO;
      entry.destinations = entry.destinations.map((destination) => ({ ...destination, counters: ZERO }));
    }
  }

  totals(): Totals {
    return this.#options.totals ?? { counters: ZERO, processors: [], rates: ZERO };
  }

  timeouts(): Timeouts {
    return this.#timeouts;
  }

  setTimeouts({ tcp, tcpFin, udp }: Timeouts): void {
    const before = this.#timeouts;
    this.#timeouts = { tcp: tcp || before.tcp, tcpFin: tcpFin || before.tcpFin, udp: udp || before.udp };
  }

  markRules(): readonly MarkRule[] {
    return this.#markRules;
  }

  setMarkRules(rules: readonly MarkRule[]): void {
    this.#markRules = rules;
  }

  sysctls(): Sysctls {
    return this.#sysctls;
  }

  setSysctls(values: Partial<Sysctls>): void {
    this.#sysctls = { ...this.#sysctls, ...values };
  }

  syncDaemons(): readonly SyncDaemon[] {
    return [...this.#daemons].sort((a, b) => Number(a.role === "backup") - Number(b.role === "backup"));
  }

  startSyncDaemon(daemon: SyncDaemonRequest): void {
    const { role, interface: name } = daemon;
    const attempted = `start the ${role} daemon on "${name}"`;
    if (this.#mixesFamilies()) throw refusal("INVALID", attempted, "a service has destinations of the other address family");
    const mtu = this.#options.interfaces === undefined ? ETHERNET_MTU : this.#options.interfaces.get(name);
    if (mtu === undefined) throw refusal("NO_DEVICE", attempted, "there is no such interface");
    if (this.#daemons.some((one) => one.role === role)) throw refusal("DAEMON_RUNNING", attempted, "it runs already");
    this.#daemons.push(completeSyncDaemon(daemon, mtu));
  }

  stopSyncDaemon(role: SyncDaemon["role"]): void {
    const running = this.#daemons.filter((daemon) => daemon.role !== role);
    if (running.length === this.#daemons.length) throw refusal("NO_DAEMON", `stop the ${role} daemon`, "it does not run");
    this.#daemons = running;
  }

  #lookup(id: ServiceId): Entry | undefined {
    return this.#entries.get(formatServiceId(id));
  }

  #find(id: ServiceId, verb: string, code: DirectorErrorCode = "NO_SUCH_SERVICE"): Entry {
    const entry = this.#lookup(id);
    if (entry === undefined) throw refusal(code, `${verb} ${formatServiceId(id)}`, "there is no such service");
    return entry;
  }

  #checkService({ id, scheduler, persistenceEngine, netmask }: Service): void {
    const attempted = `configure ${formatServiceId(id)}`;
    const schedulers = this.#options.schedulers ?? SCHEDULERS;
    if (!schedulers.includes(scheduler)) throw refusal("SCHEDULER_NOT_FOUND", attempted, `there is no scheduler "${scheduler}"; there are ${schedulers.join(", ")}`);
    if (!PERSISTENCE_ENGINES.includes(persistenceEngine)) throw refusal("SCHEDULER_NOT_FOUND", attempted, `there is no persistence engine "${persistenceEngine}"; there is sip`);
    if (serviceFamily(id) === 6 && !(Number(netmask) >= 1 && Number(netmask) <= 128)) throw refusal("INVALID", attempted, `${netmask} is no prefix length from 1 to 128`);
  }

  /** A server of the other family is reached by a tunnel only, and sync messages cannot describe one. */
  #checkFamily(id: ServiceId, { address, forward }: Destination, attempted: string): void {
    if (addressFamily(address) === serviceFamily(id)) return;
    if (forward !== "tunnel") throw refusal("INVALID", attempted, "a server of the other address family needs a tunnel");
    if (this.#daemons.length > 0) throw refusal("INVALID", attempted, "a sync daemon runs, and cannot describe servers of the other address family");
  }

  #mixesFamilies(): boolean {
    return [...this.#entries.values()].some(({ service, destinations }) => destinations.some(({ address }) => addressFamily(address) !== serviceFamily(service.id)));
  }

  /** ip_vs_svc_hashkey(), ip_vs_svc_fwm_hashkey(); services by firewall mark stand behind all others. */
  #bucket(id: ServiceId): number {
    const salt = this.#options.hashSalt ?? 0;
    if (id.kind === "fwmark") return SERVICE_BUCKETS + ((id.fwmark ^ salt) & (SERVICE_BUCKETS - 1));
    const folded = addressWords(id.address).reduce((sum, word) => sum ^ word, 0);
    return (PROTOCOL_NUMBER[id.protocol] ^ folded ^ salt ^ (id.port >> 8) ^ id.port) & (SERVICE_BUCKETS - 1);
  }
}

function stateOf({ service, counters, destinations }: Entry): ServiceState {
  return { ...service, counters, rates: ZERO, destinations: [...destinations] };
}

/** Without what else may stand beside them. */
function wordsOf({ id, scheduler, schedulerFlags, persistentSeconds, netmask, persistenceEngine, onePacket }: Service): Service {
  return { id, scheduler, schedulerFlags, persistentSeconds, netmask, persistenceEngine, onePacket };
}

function serviceFamily(id: ServiceId): Family {
  return id.kind === "fwmark" ? id.family : addressFamily(id.address);
}

function isSame(a: DestinationId, b: DestinationId): boolean {
  return a.address === b.address && a.port === b.port;
}

function findDestination(entry: Entry, id: DestinationId, attempted: string): number {
  const at = entry.destinations.findIndex((destination) => isSame(destination, id));
  if (at < 0) throw refusal("NO_SUCH_DESTINATION", attempted, "there is no such destination");
  return at;
}

/** ip_vs_add_dest() and ip_vs_edit_dest(). */
function checkDestination({ weight, lowerThreshold, upperThreshold, forward, tunnelType, tunnelPort }: Destination, attempted: string): void {
  if (weight < 0) throw refusal("OUT_OF_RANGE", attempted, `the weight ${weight} is below 0`);
  if (lowerThreshold > upperThreshold) throw refusal("OUT_OF_RANGE", attempted, `the lower threshold ${lowerThreshold} is over the upper one, ${upperThreshold}`);
  if (forward === "tunnel" && tunnelType === "gue" && tunnelPort === 0) throw refusal("INVALID", attempted, "a GUE tunnel needs a port");
}

function refusal(code: DirectorErrorCode, attempted: string, found: string): DirectorError {
  return new DirectorError(code, `Cannot ${attempted}: ${found}`);
}
