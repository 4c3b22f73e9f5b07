// What the API asks of whoever serves it. director-operations.ts has it on the parts of a director; a daemon may do some of it its own way.

import type { Configuration } from "#model/config.js";
import type { Connection, Destination, DestinationId, Service, ServiceId, ServiceState, SyncDaemon, SyncDaemonRequest, Timeouts, Totals } from "#model/director.js";
import type { HealthView } from "#model/health-view.js";
import type { MarkRule } from "#model/marks.js";
import type { Sysctls } from "#model/sysctls.js";
import type { EventSource } from "#control/event-hub.js";
import type { Plan } from "#control/plan.js";
import type { DataPlaneStatus } from "#control/plane.js";
import type { Applied } from "#control/settings/setting.js";

/** What a running director's configuration is, as far as it can be told from the director. */
export interface RunningConfiguration {
  readonly services: readonly ServiceState[];
  readonly timeouts: Timeouts;
  readonly sysctls: Sysctls;
  readonly markRules: readonly MarkRule[];
  readonly syncDaemons: readonly SyncDaemon[];
  /** What was changed on this machine for it: the VIPs. */
  readonly applied: readonly Applied[];
}

/** Changes throw what the director throws, and have changed nothing then. */
export interface Operations {
  readonly version: string;
  /** "net:[4026531840]": whose director it is. */
  readonly namespace: string;
  readonly health: HealthView;
  readonly events: EventSource;

  services(): readonly ServiceState[];
  service(id: ServiceId): ServiceState | undefined;
  connections(): Iterable<Connection>;
  connectionTableSize(): number;
  totals(): Totals;
  timeouts(): Timeouts;
  sysctls(): Sysctls;
  markRules(): readonly MarkRule[];
  /** Undefined where connections are not synchronised. */
  syncDaemons(): readonly SyncDaemon[] | undefined;
  status(): DataPlaneStatus;
  running(): RunningConfiguration;
  /** What a file of /proc/net prints, piece by piece. */
  proc(name: string): Iterable<string>;

  /** Runs one change after another, also among processes; listeners are told of what is another afterwards. */
  change<T>(use: (changes: Changes) => T | Promise<T>): Promise<T>;
  /** Throws ConfigError with every mistake. `file`: as messages name it. */
  readConfiguration(text: string, file: string): Configuration;
  plan(configuration: Configuration): Promise<Plan>;
}

/** What may be done inside of change(). */
export interface Changes {
  addService(service: Service): Promise<void>;
  editService(service: Service): Promise<void>;
  deleteService(id: ServiceId): Promise<void>;
  clear(): Promise<void>;
  addDestination(service: ServiceState, destination: Destination): Promise<void>;
  editDestination(service: ServiceState, destination: Destination): Promise<void>;
  deleteDestination(service: ServiceId, destination: DestinationId): Promise<void>;
  zero(id?: ServiceId): void;
  setTimeouts(timeouts: Timeouts): void;
  setSysctls(values: Partial<Sysctls>): void;
  setMarkRules(rules: readonly MarkRule[]): void;
  startSyncDaemon(daemon: SyncDaemonRequest): void;
  stopSyncDaemon(role: SyncDaemon["role"]): void;
  /** Gives what changed, one line each. */
  apply(configuration: Configuration): Promise<readonly string[]>;
  /** Forwarding ends, and what was changed on this machine is taken back. */
  takeDown(): Promise<readonly string[]>;
}
