// What an administrator of an LVS director means: services, destinations, connections, and what may be done to them.
// No kernel and no I/O here. control/director makes it so in the kernel; a list in memory can too (tests).

import type { MarkRule } from "./marks.js";
import type { Sysctls } from "./sysctls.js";

export type Protocol = "tcp" | "udp" | "sctp";
export type Family = 4 | 6;

/** An address in its usual text form: "10.0.0.100", "fd00::100" (RFC 5952). */
export type Address = string;

/** What a virtual service is known by: protocol, VIP and port, or a firewall mark and a family. */
export type ServiceId =
  | { readonly kind: "address"; readonly protocol: Protocol; readonly address: Address; readonly port: number }
  | { readonly kind: "fwmark"; readonly fwmark: number; readonly family: Family };

export interface Service {
  readonly id: ServiceId;
  /** "rr", "wrr", "wlc" …; the director refuses what it does not have. */
  readonly scheduler: string;
  /** Bits 1, 2, 4: IP_VS_SVC_F_SCHED1…3 >> 3; sh: 1 fallback, 2 port; mh: the same. */
  readonly schedulerFlags: number;
  /** Persistence in seconds; 0: not persistent. */
  readonly persistentSeconds: number;
  /** IPv4: a mask in dotted form, "255.255.255.255" by default. IPv6: a prefix length as text, "128" by default. */
  readonly netmask: string;
  /** "" or "sip". */
  readonly persistenceEngine: string;
  /** One-packet scheduling (-o). */
  readonly onePacket: boolean;
}

export type ForwardMethod = "masq" | "local" | "tunnel" | "route" | "bypass";

export interface DestinationId {
  readonly address: Address;
  readonly port: number;
}

export interface Destination extends DestinationId {
  readonly forward: ForwardMethod;
  /** 0 … 2147483647; 0 takes no new connections. */
  readonly weight: number;
  /** Connections at which it is full, and at which it is open again; 0: no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly tunnelType: "ipip" | "gue" | "gre";
  readonly tunnelPort: number;
  readonly tunnelChecksum: "none" | "checksum" | "remote";
}

export interface ServiceWithDestinations extends Service {
  readonly destinations: readonly Destination[];
}

/** Since the entry was made or zeroed. Bytes are IP lengths. */
export interface Counters {
  readonly connections: bigint;
  readonly packetsIn: bigint;
  readonly packetsOut: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
}

/** A second's worth, averaged as the kernel's estimator does. */
export interface Rates {
  readonly connections: bigint;
  readonly packetsIn: bigint;
  readonly packetsOut: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
}

export interface DestinationState extends Destination {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly counters: Counters;
  readonly rates: Rates;
}

export interface ServiceState extends ServiceWithDestinations {
  readonly counters: Counters;
  readonly rates: Rates;
  /** In the kernel's order: the newest first. */
  readonly destinations: readonly DestinationState[];
}

export interface Connection {
  /** "IP" for the template of a fwmark service. */
  readonly protocol: Protocol | "ip";
  /** As the kernel prints it: "ESTABLISHED", "SYN_RECV", "UDP", "NONE" … */
  readonly state: string;
  readonly expiresSeconds: number;
  readonly forward: ForwardMethod;
  readonly client: DestinationId;
  readonly virtual: DestinationId;
  readonly destination: DestinationId;
  /** The persistence engine's data (--pe sip), or undefined. */
  readonly persistenceData?: { readonly engine: string; readonly text: string };
  /** Another director told of it first. */
  readonly isTold?: true;
}

/** Of all services together, those that are gone among them. */
export interface Totals {
  /** Since the director was made, or all was zeroed. */
  readonly counters: Counters;
  /** Since the director was made, on each processor; of those that are not listed there is nothing. */
  readonly processors: readonly Counters[];
  readonly rates: Rates;
}

/** Seconds. */
export interface Timeouts {
  readonly tcp: number;
  readonly tcpFin: number;
  readonly udp: number;
}

/** A daemon that sends the state of connections to other directors, or one that takes it from them. */
export interface SyncDaemon {
  readonly role: "master" | "backup";
  readonly interface: string;
  /** 0 … 255; 0 takes every master's messages. */
  readonly syncId: number;
  /** Of a message, in bytes. */
  readonly lengthMax: number;
  /** Multicast. */
  readonly group: Address;
  readonly port: number;
  readonly ttl: number;
}

/** A daemon as a process: one that was killed is still said to have been started. */
export interface SyncProcess extends SyncDaemon {
  readonly pid: number;
  readonly isRunning: boolean;
  /** A backup while the sysctl backup_only is on: what comes to the VIPs is the stack's. */
  readonly standsBy: boolean;
}

/** What is not given is the director's choice. */
export type SyncDaemonRequest = Pick<SyncDaemon, "role" | "interface" | "syncId"> & Partial<SyncDaemon>;

/** One step of a change to services and destinations. */
export type Operation =
  | { readonly kind: "addService" | "editService"; readonly service: Service }
  | { readonly kind: "deleteService"; readonly service: Pick<Service, "id"> }
  | { readonly kind: "addDestination" | "editDestination"; readonly service: ServiceId; readonly destination: Destination }
  | { readonly kind: "deleteDestination"; readonly service: ServiceId; readonly destination: DestinationId };

export interface Director {
  /** In the kernel's order. Cheap: counters are read too. */
  services(): readonly ServiceState[];
  /** One of them, without reading the others; undefined when there is none. */
  service(id: ServiceId): ServiceState | undefined;
  /**
   * All of them, each on what those before it make, or none: a wrong one throws what it would throw alone, and nothing is changed.
   * Packets that begin connections see all at once: which services there are, their settings, their servers and the weights that schedulers
   * share out by. A server's own row is written by itself, just before that where it comes or changes, just after where it goes or its weight
   * becomes 0: its method, tunnel and thresholds, and what connections that stand meet.
   */
  apply(operations: readonly Operation[]): void;
  addService(service: Service): void;
  editService(service: Service): void;
  deleteService(id: ServiceId): void;
  clear(): void;
  addDestination(service: ServiceId, destination: Destination): void;
  editDestination(service: ServiceId, destination: Destination): void;
  deleteDestination(service: ServiceId, destination: DestinationId): void;
  connections(): Iterable<Connection>;
  /** Of one service, or of all and their totals. */
  zero(id?: ServiceId): void;
  totals(): Totals;
  timeouts(): Timeouts;
  /** 0 keeps a value. */
  setTimeouts(timeouts: Timeouts): void;
  /** All of net.ipv4.vs. */
  sysctls(): Sysctls;
  /** Sets those that are named, all at once. */
  setSysctls(values: Partial<Sysctls>): void;
  /** Rules that give packets firewall marks, in their order. */
  markRules(): readonly MarkRule[];
  /** In the place of those that there are; packets see the old or the new list. */
  setMarkRules(rules: readonly MarkRule[]): void;
  /** How many destinations have a place, and how many there are in all; absent where there is no end to them. Removed ones with connections keep theirs besides. */
  destinationPlaces?(): { readonly taken: number; readonly all: number };
  /** What "(size=…)" shows: entries of the connection table's index. */
  readonly connectionTableSize: number;
  /** Those that run, the master first. All of these are absent where connections are not synchronised. */
  syncDaemons?(): readonly SyncDaemon[];
  syncProcesses?(): readonly SyncProcess[];
  startSyncDaemon?(daemon: SyncDaemonRequest): void;
  stopSyncDaemon?(role: SyncDaemon["role"]): void;
}

/** The codes of DirectorError: what the kernel's IPVS answers, by errno, and what ipvsadm says then. */
export type DirectorErrorCode =
  | "SERVICE_EXISTS" | "NO_SUCH_SERVICE" | "SERVICE_NOT_DEFINED" | "SCHEDULER_NOT_FOUND"
  | "DESTINATION_EXISTS" | "NO_SUCH_DESTINATION" | "INVALID" | "OUT_OF_RANGE" | "NO_MEMORY" | "PERMISSION"
  | "DAEMON_RUNNING" | "NO_DAEMON" | "NO_DEVICE" | "IPV6_UNSUPPORTED" | "FAMILY_UNSUPPORTED" | "UNSUPPORTED";

export class DirectorError extends Error {
  override readonly name = "DirectorError";
  constructor(readonly code: DirectorErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
  }
}
