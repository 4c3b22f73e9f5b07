// Operations on the parts of a director: one change at a time, each told to who listens.

import type { Configuration, InterfaceSelection } from "#model/config.js";
import type { Change } from "#model/diff.js";
import type { Connection, Destination, DestinationId, Service, ServiceId, ServiceState, SyncDaemon, SyncDaemonRequest, Timeouts, Totals } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import type { HealthView } from "#model/health-view.js";
import type { MarkRule } from "#model/marks.js";
import { formatMarkRule } from "#model/marks.js";
import type { SysctlName, Sysctls } from "#model/sysctls.js";
import { isSetTo } from "#model/sysctls.js";
import type { DirectorParts } from "#control/apply.js";
import { applyConfiguration, takeDown } from "#control/apply.js";
import { describeChange, describeSyncDaemon, describeSyncStop, describeSysctl, describeTimeouts } from "#control/describe.js";
import type { EventHub, EventSource } from "#control/event-hub.js";
import type { Plan } from "#control/plan.js";
import { planConfiguration } from "#control/plan.js";
import type { DataPlaneStatus } from "#control/plane.js";
import type { ServiceUse } from "#control/uses.js";
import { findService } from "./find.js";
import type { Changes, Operations, RunningConfiguration } from "./operations.js";
import { ConfigurationWatch } from "./watch.js";

export interface DirectorOperationsOptions {
  readonly version: string;
  readonly namespace: string;
  readonly parts: Omit<DirectorParts, "report">;
  readonly hub: EventHub;
  /** Undefined: there are no checks. */
  readonly health?: HealthView;
  /** By what is true of this machine. Throws ConfigError. */
  readConfiguration(text: string, file: string): Configuration;
  selectInterfaces(configuration: Configuration): readonly InterfaceSelection[];
  proc(name: string): Iterable<string>;
  /** Among processes: control/command-lock.ts. */
  exclusively?<T>(use: () => Promise<T>): Promise<T>;
  /** Before a service or a server is added or edited: sees to what its packets need. */
  prepare?(service: ServiceUse): Promise<void>;
  /** After services or servers were deleted or changed: sees to what nobody needs any more. */
  settle?(): Promise<void>;
  /** For a daemon that keeps more than the director to what a configuration says. */
  apply?(configuration: Configuration, report: (line: string) => void): Promise<void>;
  plan?(configuration: Configuration): Promise<Plan>;
  takeDown?(report: (line: string) => void): Promise<void>;
  readonly watchMilliseconds?: number;
}

const NO_HEALTH: HealthView = { servers: () => [], quorums: () => [] };

export class DirectorOperations implements Operations {
  readonly #options: DirectorOperationsOptions;
  readonly #watch: ConfigurationWatch;
  readonly events: EventSource;
  /** Ends when the changes that were asked for so far have been made. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DirectorOperationsOptions) {
    const { hub } = options;
    this.#options = options;
    this.#watch = new ConfigurationWatch({
      read: () => this.running(), report: (changes) => hub.publish({ kind: "configuration", by: "other", changes }),
      ...(options.watchMilliseconds === undefined ? {} : { intervalMilliseconds: options.watchMilliseconds }),
    });
    this.events = {
      run: hub.run,
      get last() { return hub.last; },
      since: (number) => hub.since(number),
      subscribe: (listener) => this.#subscribe(listener),
    };
  }

  get version(): string { return this.#options.version; }
  get namespace(): string { return this.#options.namespace; }
  get health(): HealthView { return this.#options.health ?? NO_HEALTH; }
  get #director() { return this.#options.parts.director; }

  services(): readonly ServiceState[] { return this.#director.services(); }
  service(id: ServiceId): ServiceState | undefined { return this.#director.service(id); }
  connections(): Iterable<Connection> { return this.#director.connections(); }
  connectionTableSize(): number { return this.#director.connectionTableSize; }
  totals(): Totals { return this.#director.totals(); }
  timeouts(): Timeouts { return this.#director.timeouts(); }
  sysctls(): Sysctls { return this.#director.sysctls(); }
  markRules(): readonly MarkRule[] { return this.#director.markRules(); }
  syncDaemons(): readonly SyncDaemon[] | undefined { return this.#director.syncDaemons?.(); }
  status(): DataPlaneStatus { return this.#options.parts.dataPlane.status(); }
  proc(name: string): Iterable<string> { return this.#options.proc(name); }
  readConfiguration(text: string, file: string): Configuration { return this.#options.readConfiguration(text, file); }

  running(): RunningConfiguration {
    return { services: this.services(), timeouts: this.timeouts(), sysctls: this.sysctls(), markRules: this.markRules(), syncDaemons: this.syncDaemons() ?? [], applied: this.#options.parts.record.read()?.applied ?? [] };
  }

  plan(configuration: Configuration): Promise<Plan> {
    const { parts, selectInterfaces, plan = (wanted) => planConfiguration(wanted, selectInterfaces(wanted), { ...parts, report: () => {} }, parts.host) } = this.#options;
    return plan(configuration);
  }

  change<T>(use: (changes: Changes) => T | Promise<T>): Promise<T> {
    const { exclusively = (inner) => inner() } = this.#options;
    const result = this.#last.then(() => exclusively(() => this.#change(use)));
    this.#last = result.catch(() => {});
    return result;
  }

  /** A change of somebody else's, who tells of it himself: it is none of those that nobody told of. Under the same lock as change(). */
  aside<T>(use: () => T): T {
    this.#watch.compare();
    const result = use();
    if (result instanceof Promise) return result.finally(() => this.#watch.note()) as T;
    this.#watch.note();
    return result;
  }

  /** Even one that fails may have changed something before, which was put back: what stands then is what is known. */
  async #change<T>(use: (changes: Changes) => T | Promise<T>): Promise<T> {
    this.#watch.compare();
    const changes = new DirectorChanges(this.#options);
    const result = await use(changes);
    if (changes.lines.length > 0) {
      this.#watch.note();
      this.#options.hub.publish({ kind: "configuration", by: "api", changes: changes.lines });
    }
    return result;
  }

  #subscribe(listener: Parameters<EventHub["subscribe"]>[0]): () => void {
    const [endWatch, endEvents] = [this.#watch.listen(), this.#options.hub.subscribe(listener)];
    return () => {
      endEvents();
      endWatch();
    };
  }
}

class DirectorChanges implements Changes {
  /** What was changed, in an operator's words. */
  readonly lines: string[] = [];
  readonly #options: DirectorOperationsOptions;

  constructor(options: DirectorOperationsOptions) {
    this.#options = options;
  }

  get #director() { return this.#options.parts.director; }

  async addService(service: Service): Promise<void> {
    await this.#prepare(service.id, service.persistenceEngine);
    this.#carryOut({ kind: "addService", service });
  }

  async editService(service: Service): Promise<void> {
    await this.#prepare(service.id, service.persistenceEngine);
    this.#carryOut({ kind: "editService", service, before: findService(this.#director, service.id, "edit") });
  }

  async deleteService(id: ServiceId): Promise<void> {
    this.#carryOut({ kind: "deleteService", service: findService(this.#director, id, "delete") });
    await this.#options.settle?.();
  }

  async clear(): Promise<void> {
    const services = this.#director.services();
    this.#director.clear();
    this.lines.push(...services.map((service) => describeChange({ kind: "deleteService", service })));
    await this.#options.settle?.();
  }

  async addDestination(service: ServiceState, destination: Destination): Promise<void> {
    await this.#prepare(service.id, "", [destination]);
    this.#carryOut({ kind: "addDestination", service: service.id, destination });
  }

  async editDestination(service: ServiceState, destination: Destination): Promise<void> {
    await this.#prepare(service.id, "", [destination]);
    const before = service.destinations.find(({ address, port }) => address === destination.address && port === destination.port);
    this.#carryOut({ kind: "editDestination", service: service.id, destination, before: before ?? destination });
    await this.#options.settle?.();
  }

  async deleteDestination(service: ServiceId, { address, port }: DestinationId): Promise<void> {
    this.#director.deleteDestination(service, { address, port });
    this.lines.push(describeChange({ kind: "deleteDestination", service, destination: { address, port } as Destination }));
    await this.#options.settle?.();
  }

  zero(id?: ServiceId): void {
    this.#director.zero(id);
  }

  setTimeouts(timeouts: Timeouts): void {
    const before = this.#director.timeouts();
    this.#director.setTimeouts(timeouts);
    const after = this.#director.timeouts();
    if (before.tcp !== after.tcp || before.tcpFin !== after.tcpFin || before.udp !== after.udp) this.lines.push(describeTimeouts(after));
  }

  setSysctls(values: Partial<Sysctls>): void {
    const before = this.#director.sysctls();
    this.#director.setSysctls(values);
    const changed = (Object.keys(values) as SysctlName[]).filter((name) => !isSetTo(name, values[name]!, before[name]));
    this.lines.push(...changed.map((name) => describeSysctl(name, values[name]!)));
  }

  setMarkRules(rules: readonly MarkRule[]): void {
    this.#director.setMarkRules(rules);
    this.lines.push(rules.length === 0 ? "marks: no rules any more" : `marks: ${rules.map(formatMarkRule).join("; ")}`);
  }

  startSyncDaemon(daemon: SyncDaemonRequest): void {
    if (this.#director.startSyncDaemon === undefined) throw withoutSync();
    this.#director.startSyncDaemon(daemon);
    this.lines.push(describeSyncDaemon(daemon));
  }

  stopSyncDaemon(role: SyncDaemon["role"]): void {
    if (this.#director.stopSyncDaemon === undefined) throw withoutSync();
    this.#director.stopSyncDaemon(role);
    this.lines.push(describeSyncStop(role));
  }

  async apply(configuration: Configuration): Promise<readonly string[]> {
    const { parts, selectInterfaces, apply = (wanted, report) => applyConfiguration(wanted, selectInterfaces(wanted), { ...parts, report }) } = this.#options;
    return this.#collect((report) => apply(configuration, report));
  }

  async takeDown(): Promise<readonly string[]> {
    const { parts, takeDown: down = (report) => takeDown({ ...parts, report }) } = this.#options;
    return this.#collect((report) => down(report));
  }

  /** Lines of what failed are of no interest: it was put back. */
  async #collect(use: (report: (line: string) => void) => Promise<void>): Promise<readonly string[]> {
    const lines: string[] = [];
    await use((line) => void lines.push(line));
    this.lines.push(...lines);
    return lines;
  }

  #carryOut(change: Change): void {
    this.#director.apply([change]);
    this.lines.push(describeChange(change));
  }

  async #prepare(id: ServiceId, persistenceEngine: string, destinations: readonly Destination[] = []): Promise<void> {
    await this.#options.prepare?.({ id, persistenceEngine, destinations });
  }
}

export function withoutSync(): DirectorError {
  return new DirectorError("UNSUPPORTED", "Cannot start or stop a sync daemon: this director does not synchronise connections");
}
