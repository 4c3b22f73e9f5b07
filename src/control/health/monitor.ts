// Which servers are to be in each service, by what the checks found: pure state, no clock and no I/O. Verdicts go in; events,
// commands to run and the services as they should stand come out.
// keepalived 2.2.7 keepalived/check/ipwrapper.c: update_svr_checker_state(), perform_svr_state(), update_quorum_state().

import { isDeepStrictEqual } from "node:util";
import type { ConfiguredDestination, ConfiguredService } from "#model/config.js";
import type { Destination, DestinationId, ServiceId, ServiceState } from "#model/director.js";
import type { HealthView, QuorumView, ServerCondition, ServerView } from "#model/health-view.js";
import type { Check, Command } from "#model/health.js";
import { formatEndpoint, formatServiceId } from "#model/names.js";
import { CheckState } from "./check-state.js";
import type { HealthEvent } from "./events.js";
import { judgeQuorum } from "./quorum.js";
import type { Verdict } from "./verdict.js";

/** A check in its place; the same as long as its configuration is the same, but for its timing. */
export interface PlacedCheck {
  readonly key: string;
  readonly service: ServiceId;
  readonly destination: ConfiguredDestination;
  readonly check: Check;
}

export interface Outcome {
  readonly events: readonly HealthEvent[];
  /** To be run one after another, in this order. */
  readonly commands: readonly Command[];
}

export class Monitor implements HealthView {
  /** By the name of each service. */
  #services: ReadonlyMap<string, Watch> = new Map();
  #places: ReadonlyMap<string, { readonly service: WatchedService; readonly server: WatchedServer; readonly check: CheckState; readonly placed: PlacedCheck }> = new Map();

  /**
   * Watches these services from now on; what was watched before keeps its state. `standing`: what the director has, when nothing
   * was watched before: a server that a service there lacks, or has with weight 0, was down, and is until its checks succeed.
   */
  configure(services: readonly ConfiguredService[], at: Date, standing: readonly ServiceState[] = []): Outcome {
    const before = this.#services;
    const standingByName = new Map(standing.map((service) => [formatServiceId(service.id), service]));
    const watched = groupServices(services).map((members) => {
      const names = members.map(({ id }) => formatServiceId(id));
      return new WatchedService(members, at, firstOf(names, before)?.watched, firstOf(names, standingByName));
    });
    this.#services = new Map(watched.flatMap((service) => service.members.map(({ id }, member) => [formatServiceId(id), { watched: service, member }])));
    this.#places = new Map(watched.flatMap((service) => service.places()));
    return join(watched.map((service) => service.settle(at)));
  }

  /** Another that goes on from here; what becomes of it is nothing to this one once it is configured. */
  copy(): Monitor {
    const copy = new Monitor();
    copy.#services = this.#services;
    copy.#places = this.#places;
    return copy;
  }

  placed(key: string): PlacedCheck | undefined {
    return this.#places.get(key)?.placed;
  }

  checks(): PlacedCheck[] {
    return [...this.#places.values()].map(({ placed }) => placed);
  }

  /** Takes a verdict in; undefined when its check is not watched any more. */
  take(key: string, verdict: Verdict, at: Date): (Outcome & { readonly services: readonly ServiceId[]; readonly nextSeconds: number }) | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const { service, server, check } = place;
    const nextSeconds = check.take(verdict, at);
    return { ...join([server.judge(verdict, at), service.settle(at)]), services: service.members.map(({ id }) => id), nextSeconds };
  }

  /** All services as they should stand, or one of them. */
  wanted(): ConfiguredService[] {
    return [...this.#services.values()].map(({ watched, member }) => watched.wanted(member));
  }

  wantedOf(id: ServiceId): ConfiguredService | undefined {
    const watch = this.#services.get(formatServiceId(id));
    return watch?.watched.wanted(watch.member);
  }

  servers(): ServerView[] {
    return [...this.#services.values()].flatMap(({ watched, member }) => watched.servers.map((server) => server.view(member, watched.sorryServerStandsIn)));
  }

  quorums(): QuorumView[] {
    return [...this.#services.values()].map(({ watched, member }) => watched.view(member));
  }
}

/** Who watches a service, and which of its members that is. */
interface Watch {
  readonly watched: WatchedService;
  readonly member: number;
}

/** One service, or all of a group: what they have in common is taken from the first, and told of it. */
class WatchedService {
  readonly servers: readonly WatchedServer[];
  #hasQuorum: boolean;
  #since: Date;
  #isNew: boolean;

  /** `standing`: the first of the members that stands. */
  constructor(readonly members: readonly ConfiguredService[], at: Date, before: WatchedService | undefined, standing: ServiceState | undefined) {
    const serversBefore = new Map(before?.servers.flatMap((server) => server.names.map((name) => [name, server])));
    const place: EventPlace = { service: this.first.id, ...(this.first.health.group !== undefined && { group: this.first.health.group }) };
    this.servers = this.first.destinations.map((_destination, i) => {
      const places = members.map(({ id, destinations }) => ({ service: id, destination: destinations[i]! }));
      const was = firstOf(places.map(({ destination }) => formatEndpoint(destination)), serversBefore);
      return was === undefined ? new WatchedServer(place, places, at, wasUp(places, standing)) : was.continuedAs(place, places);
    });
    this.#hasQuorum = before?.hasQuorum ?? false;
    this.#since = before?.since ?? at;
    this.#isNew = before === undefined;
  }

  get first(): ConfiguredService {
    return this.members[0]!;
  }

  get hasQuorum(): boolean {
    return this.#hasQuorum;
  }

  /** Of its quorum's state. */
  get since(): Date {
    return this.#since;
  }

  get sorryServerStandsIn(): boolean {
    return !this.#hasQuorum && this.first.health.sorryServer !== undefined;
  }

  /** After a change of the configuration or of a server. */
  settle(at: Date): Outcome {
    return join([...this.servers.map((server) => server.tell("its checks are others now", at)), this.#settleQuorum(at)]);
  }

  /** Decides anew. keepalived tells of the beginning too, but for a lost quorum that nobody stands in for. */
  #settleQuorum(at: Date): Outcome {
    const { id, health: { group, quorum, sorryServer } } = this.first;
    const weight = this.#healthyWeight();
    const { isUp, threshold } = judgeQuorum(quorum, this.#hasQuorum, weight);
    const tells = isUp !== this.#hasQuorum || (this.#isNew && !isUp && sorryServer !== undefined);
    if (isUp !== this.#hasQuorum) this.#since = at;
    this.#hasQuorum = isUp;
    this.#isNew = false;
    if (!tells) return NOTHING;
    const command = isUp ? quorum.notify.up : quorum.notify.down;
    return { events: [{ kind: "quorum", service: id, ...(group !== undefined && { group }), held: isUp, weight, threshold, sorryServer }], commands: command === undefined ? [] : [command] };
  }

  view(member: number): QuorumView {
    const { id, health: { quorum, sorryServer } } = this.members[member]!;
    const weight = this.#healthyWeight();
    const { threshold: needed } = judgeQuorum(quorum, this.hasQuorum, weight);
    return { service: id, held: this.hasQuorum, since: this.#since, weight, needed, sorryServer: sorryServer && idOf(sorryServer), sorry: sorryServer && this.sorryServerStandsIn };
  }

  #healthyWeight(): number {
    return this.servers.reduce((sum, server) => sum + (server.isHealthy ? server.weight : 0), 0);
  }

  /** While the sorry server stands in, it is the only one that takes connections. */
  wanted(member: number): ConfiguredService {
    const configured = this.members[member]!;
    const { sorryServer, sorryServerQuiesced } = configured.health;
    const destinations = new Map<string, ConfiguredDestination>();
    for (const server of this.servers) {
      const destination = server.wanted(member, this.sorryServerStandsIn);
      if (destination !== undefined) destinations.set(formatEndpoint(destination), destination);
    }
    if (sorryServer !== undefined) {
      const name = formatEndpoint(sorryServer);
      if (this.sorryServerStandsIn) destinations.set(name, unwatched(sorryServer, sorryServer.weight));
      else if (sorryServerQuiesced && !destinations.has(name)) destinations.set(name, unwatched(sorryServer, 0));
    }
    return { ...configured, destinations: [...destinations.values()] };
  }

  places(): [string, { readonly service: WatchedService; readonly server: WatchedServer; readonly check: CheckState; readonly placed: PlacedCheck }][] {
    const { id, health: { group } } = this.first;
    return this.servers.flatMap((server) => server.checks.map((check, i) => {
      const same = server.checks.slice(0, i).filter((other) => isSameCheck(other.check, check.check)).length;
      const { destination } = server;
      const key = [group === undefined ? formatServiceId(id) : `group ${group}`, formatEndpoint(destination), identity(check.check), same].join(" ");
      return [key, { service: this, server, check, placed: { key, service: id, destination, check: check.check } }];
    }));
  }
}

/** Where its events say that it is. */
interface EventPlace {
  readonly service: ServiceId;
  readonly group?: string;
}

/** A server in one of the services of its group. */
interface ServerPlace {
  readonly service: ServiceId;
  readonly destination: ConfiguredDestination;
}

class WatchedServer {
  #setWeight: number | undefined;
  #state: ServerCondition;
  /** Of the state. */
  #since: Date;

  constructor(
    readonly told: EventPlace, readonly places: readonly ServerPlace[], since: Date, wasUp: boolean | undefined, readonly checks = startingChecks(places[0]!.destination, wasUp),
  ) {
    this.#state = this.isHealthy ? "up" : "starting";
    this.#since = since;
  }

  /** In the first service. */
  get destination(): ConfiguredDestination {
    return this.places[0]!.destination;
  }

  /** By which it is known again. */
  get names(): readonly string[] {
    return [...new Set(this.places.map(({ destination }) => formatEndpoint(destination)))];
  }

  get isHealthy(): boolean {
    return this.checks.every((check) => check.isUp);
  }

  get weight(): number {
    return this.#setWeight ?? this.destination.weight;
  }

  view(member: number, sorryServerStandsIn: boolean): ServerView {
    const { service, destination } = this.places[member]!;
    return {
      service, server: idOf(destination), state: this.#state, since: this.#since, weight: destination.weight,
      weightGiven: this.wanted(member, sorryServerStandsIn)?.weight, checks: this.checks.map((check) => check.view(this.destination)),
    };
  }

  /** Of a check that has taken the verdict in already. */
  judge({ detail, weight }: Verdict, at: Date): Outcome {
    return join([this.#judgeWeight(weight, detail), this.tell(detail, at)]);
  }

  wanted(member: number, sorryServerStandsIn: boolean): ConfiguredDestination | undefined {
    const { destination } = this.places[member]!;
    if (this.isHealthy && !sorryServerStandsIn) return { ...destination, weight: this.weight };
    return destination.health.onFailure === "quiesce" ? { ...destination, weight: 0 } : undefined;
  }

  /** The same server under another configuration. keepalived 2.2.7 ipwrapper.c, clear_diff_rs(), migrate_checkers(). */
  continuedAs(told: EventPlace, places: readonly ServerPlace[]): WatchedServer {
    const { destination } = places[0]!;
    const left = [...this.checks];
    const checks = destination.health.checks.map((check) => {
      const at = left.findIndex((old) => isSameCheck(old.check, check));
      // A new check of a healthy server begins as it does; it does not make a dead server healthy.
      return at < 0 ? new CheckState(check, { isUp: this.isHealthy }) : left.splice(at, 1)[0]!.continuedAs(check);
    });
    const continued = new WatchedServer(told, places, this.#since, false, checks);
    const isWeighed = destination.health.checks.some((check) => check.type === "script" && check.setsWeight);
    continued.#setWeight = isWeighed ? this.#setWeight : undefined;
    continued.#state = this.#state;
    return continued;
  }

  #judgeWeight(weight: number | undefined, reason: string): Outcome {
    const before = this.weight;
    if (weight === undefined || weight === before) return NOTHING;
    this.#setWeight = weight;
    return { events: [{ kind: "weight", ...this.told, server: idOf(this.destination), before, weight, reason }], commands: [] };
  }

  /** What was not told yet. The first failure of a server that starts down is told too. */
  tell(reason: string, at: Date): Outcome {
    const was = this.#state;
    const failed = this.checks.some((check) => check.hasRun && !check.isUp);
    if (this.isHealthy ? was === "up" : was === "down" || (was === "starting" && !failed)) return NOTHING;
    this.#state = this.isHealthy ? "up" : "down";
    this.#since = at;
    const { notify } = this.destination.health;
    const command = this.isHealthy ? notify.up : notify.down;
    return {
      events: [{ kind: "server", ...this.told, server: idOf(this.destination), healthy: this.isHealthy, reason }],
      commands: command === undefined ? [] : [command],
    };
  }
}

/** Services of one group together, each of the others by itself; in the order of the first of each. */
function groupServices(services: readonly ConfiguredService[]): readonly (readonly ConfiguredService[])[] {
  const groups = new Map<string, ConfiguredService[]>();
  for (const service of services) {
    const { group } = service.health;
    const name = group === undefined ? `service ${formatServiceId(service.id)}` : `group ${group}`;
    const members = groups.get(name);
    if (members === undefined) groups.set(name, [service]);
    else members.push(service);
  }
  return [...groups.values()];
}

function firstOf<T>(names: readonly string[], among: ReadonlyMap<string, T>): T | undefined {
  const name = names.find((one) => among.has(one));
  return name === undefined ? undefined : among.get(name);
}

/** A sorry server is believed to live. */
function unwatched(sorryServer: Destination, weight: number): ConfiguredDestination {
  return { ...sorryServer, weight, health: { checks: [], onFailure: "remove", startsDown: false, notify: { up: undefined, down: undefined } } };
}

const idOf = ({ address, port }: DestinationId): DestinationId => ({ address, port });

const NOTHING: Outcome = { events: [], commands: [] };

function join(outcomes: readonly Outcome[]): Outcome {
  return { events: outcomes.flatMap(({ events }) => events), commands: outcomes.flatMap(({ commands }) => commands) };
}

function startingChecks({ health: { checks, startsDown } }: ConfiguredDestination, wasUp: boolean | undefined): CheckState[] {
  return checks.map((check) => new CheckState(check, { isUp: wasUp ?? !startsDown }));
}

/** Undefined: it is not in a service that stands already. A server that is to have weight 0 is not down by that. */
function wasUp(places: readonly ServerPlace[], standing: ServiceState | undefined): boolean | undefined {
  if (standing === undefined) return undefined;
  const { destination } = places.find(({ service }) => formatServiceId(service) === formatServiceId(standing.id))!;
  const name = formatEndpoint(destination);
  const found = standing.destinations.find((other) => formatEndpoint(other) === name);
  return found !== undefined && (found.weight !== 0 || destination.weight === 0);
}

/** All but the timing. */
function withoutTiming({ every: _every, timeout: _timeout, retries: _retries, retryDelay: _retryDelay, warmup: _warmup, ...rest }: Check): object {
  return rest;
}

const isSameCheck = (a: Check, b: Check): boolean => isDeepStrictEqual(withoutTiming(a), withoutTiming(b));
const identity = (check: Check): string => JSON.stringify(withoutTiming(check));
