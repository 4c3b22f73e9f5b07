// Asks the servers in time, gives what they answered to the monitor, and makes the director what the monitor then says. Only
// differences that health makes are carried out: what an operator changes meanwhile stays until the server's health is another.
// configuration ─▶ monitor ◀─ verdicts ◀─ probe ◀─ clock;  monitor ─▶ events, commands, changes of the director

import type { ConfiguredService } from "#model/config.js";
import type { Change } from "#model/diff.js";
import { diffServices } from "#model/diff.js";
import type { DestinationId, ServiceId, ServiceState } from "#model/director.js";
import type { HealthView } from "#model/health-view.js";
import type { Check, Command } from "#model/health.js";
import { formatServiceId } from "#model/names.js";
import type { CarriedOut } from "./carry-out.js";
import { firstCheckSeconds } from "./check-state.js";
import type { Clock } from "./clock.js";
import type { HealthEvent } from "./events.js";
import type { Outcome } from "./monitor.js";
import { Monitor } from "./monitor.js";
import { Turns } from "./turns.js";
import type { Verdict } from "./verdict.js";
import { unhealthy } from "./verdict.js";

/** A check that does not end when it is told to is not waited for any longer. */
const GRACE_SECONDS = 1;
/** After a change that could not be made. */
const RETRY_SECONDS = 1;

export interface EngineParts {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** How many checks are under way at once, and how many programs among them. */
  readonly atOnceMax: { readonly checks: number; readonly programs: number };
  readonly probe: (check: Check, destination: DestinationId, signal: AbortSignal) => Promise<Verdict>;
  /** One change of the director at a time, among processes too. What it throws is tried again. */
  readonly exclusively: (use: () => void) => Promise<void>;
  readonly carryOut: (changes: readonly Change[]) => CarriedOut;
  readonly emit: (event: HealthEvent) => void;
  readonly notify: (command: Command) => void;
}

interface Runner {
  /** Its turn has come. */
  readonly isAsking?: boolean;
  readonly stop: () => void;
}

export class HealthEngine {
  readonly #parts: EngineParts;
  #monitor = new Monitor();
  /** By key of their checks. */
  readonly #runners = new Map<string, Runner>();
  /** What the director was made, by name. */
  #applied = new Map<string, ConfiguredService>();
  /** Whose servers have another health since then. */
  readonly #changed = new Map<string, ServiceId>();
  /** Verdicts that came while the configuration was changed. */
  #held: (() => void)[] | undefined;
  /** Of a change that waits for its turn. */
  #turn: Promise<void> | undefined;
  #lastFailure: string | undefined;
  readonly #turns: { readonly checks: Turns; readonly programs: Turns };
  /** What was told of checks that are late, or could not be made; each once, until it is over. */
  readonly #told = new Set<string>();
  #isStopped = false;
  #isConfigured = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#turns = { checks: new Turns(parts.atOnceMax.checks), programs: new Turns(parts.atOnceMax.programs) };
  }

  /** Whether nothing was configured as yet. */
  get isIdle(): boolean {
    return !this.#isConfigured;
  }

  get view(): HealthView {
    return { servers: () => this.#monitor.servers(), quorums: () => this.#monitor.quorums() };
  }

  /**
   * Watches these services from now on; nobody else may change the director meanwhile. `apply` makes it what it is given; when it
   * throws, all stays as it was. `standing`: what the director has, for the first time.
   */
  async configure(services: readonly ConfiguredService[], standing: readonly ServiceState[], apply: (wanted: readonly ConfiguredService[]) => Promise<void>): Promise<void> {
    const next = this.#monitor.copy();
    const outcome = next.configure(services, this.#parts.clock.now(), standing);
    const wanted = next.wanted();
    this.#held = [];
    try {
      await apply(wanted);
      this.#monitor = next;
      this.#isConfigured = true;
      this.#applied = new Map(wanted.map((service) => [formatServiceId(service.id), service]));
      this.#changed.clear();
      this.#tell(outcome);
      this.#startAndStopChecks();
    } finally {
      const held = this.#held;
      this.#held = undefined;
      for (const take of held) take();
    }
  }

  /** What configure() would have these stand as, once something was configured. It changes nothing. */
  wanted(services: readonly ConfiguredService[]): readonly ConfiguredService[] {
    const next = this.#monitor.copy();
    next.configure(services, this.#parts.clock.now());
    return next.wanted();
  }

  /** Ends all checks. What forwards is left as it is. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const runner of this.#runners.values()) runner.stop();
    this.#runners.clear();
    await this.#turn;
  }

  #startAndStopChecks(): void {
    if (this.#isStopped) return;
    const checks = new Map(this.#monitor.checks().map((placed) => [placed.key, placed.check]));
    for (const [key, runner] of this.#runners) {
      if (checks.has(key)) continue;
      runner.stop();
      this.#runners.delete(key);
    }
    const begun = [...checks].filter(([key]) => !this.#runners.has(key));
    for (const [key, check] of begun) this.#schedule(key, firstCheckSeconds(check, begun.length, this.#parts.random));
  }

  #schedule(key: string, seconds: number): void {
    this.#runners.set(key, { stop: this.#parts.clock.after(seconds, () => this.#askInTurn(key)) });
  }

  /** The time of a check begins with its turn. */
  #askInTurn(key: string): void {
    const check = this.#monitor.placed(key)?.check;
    if (check === undefined) return;
    const turns = this.#turns[check.type === "script" ? "programs" : "checks"];
    const since = this.#parts.clock.now();
    const callOff = turns.take(() => {
      this.#tellIfLate(check, turns, since);
      void this.#ask(key).finally(() => turns.free());
    });
    if (this.#runners.get(key)?.isAsking !== true) this.#runners.set(key, { stop: callOff });
  }

  async #ask(key: string): Promise<void> {
    const placed = this.#monitor.placed(key);
    if (placed === undefined) return;
    const controller = new AbortController();
    const runner = { isAsking: true, stop: () => controller.abort("the check is no longer wanted") };
    this.#runners.set(key, runner);
    const verdict = await this.#verdict(placed.check, placed.destination, controller);
    // Another configuration may have ended it, and begun one with the same key anew.
    const take = (): void => { if (this.#runners.get(key) === runner) this.#take(key, verdict); };
    if (this.#held === undefined) take();
    else this.#held.push(take);
  }

  /** Comes by the end of the check's time, whatever the probe does. */
  #verdict(check: Check, destination: DestinationId, controller: AbortController): Promise<Verdict> {
    const { clock, probe } = this.#parts;
    const late = `no answer within ${check.timeout} s`;
    return new Promise((resolve) => {
      let callOffGrace = (): void => undefined;
      const callOff = clock.after(check.timeout, () => {
        callOffGrace = clock.after(GRACE_SECONDS, () => resolve(unhealthy(late)));
        controller.abort(late);
      });
      void probe(check, destination, controller.signal).catch((error: unknown) => unhealthy(`the check did not work: ${String(error)}`)).then((verdict) => {
        callOff();
        callOffGrace();
        resolve(verdict);
      });
    });
  }

  #take(key: string, verdict: Verdict): void {
    if (verdict.isUnknown) {
      this.#tellOnce("unknown", "ask the servers", `${verdict.detail}; what is known of them stays, and they are asked again`);
      return this.#schedule(key, RETRY_SECONDS);
    }
    this.#told.delete("unknown");
    const outcome = this.#monitor.take(key, verdict, this.#parts.clock.now());
    if (outcome === undefined) return;
    this.#schedule(key, outcome.nextSeconds);
    if (outcome.events.length === 0) return;
    for (const id of outcome.services) this.#changed.set(formatServiceId(id), id);
    this.#tell(outcome);
    this.#carryOutSoon();
  }

  #tell({ events, commands }: Outcome): void {
    for (const event of events) this.#parts.emit(event);
    for (const command of commands) this.#parts.notify(command);
  }

  #carryOutSoon(): void {
    this.#turn ??= this.#parts.exclusively(() => {
      this.#turn = undefined;
      this.#carryOut();
    }).catch((error: unknown) => {
      this.#turn = undefined;
      this.#tellOfFailure((error as Error).message);
      this.#runners.get(RETRY)?.stop();
      this.#runners.set(RETRY, { stop: this.#parts.clock.after(RETRY_SECONDS, () => this.#carryOutSoon()) });
    });
  }

  #carryOut(): void {
    if (this.#isStopped) return;
    const services = [...this.#changed.values()].flatMap((id) => this.#monitor.wantedOf(id) ?? []);
    const changes = services.flatMap((service) => diffServices([this.#applied.get(formatServiceId(service.id)) ?? service], [service]));
    const { done, failed } = changes.length === 0 ? { done: [], failed: [] } : this.#parts.carryOut(changes);
    for (const service of services) this.#applied.set(formatServiceId(service.id), service);
    this.#changed.clear();
    this.#lastFailure = undefined;
    if (done.length > 0) this.#parts.emit({ kind: "configuration", by: "health", changes: done });
    for (const failure of failed) this.#parts.emit({ kind: "failure", ...failure });
  }

  #tellIfLate({ every }: Check, turns: Turns, since: Date): void {
    const seconds = (this.#parts.clock.now().getTime() - since.getTime()) / 1000;
    if (seconds === 0 && turns.waiting === 0) this.#told.delete(`late ${turns.max}`);
    if (seconds <= every) return;
    this.#tellOnce(`late ${turns.max}`, "ask the servers as often as the file says",
      `${turns.max} checks are under way at once, and ${turns.waiting} wait for their turn, the last for ${Math.round(seconds)} s; a longer every or a shorter timeout would do`);
  }

  #tellOnce(what: string, attempted: string, reason: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#parts.emit({ kind: "failure", attempted, reason });
  }

  /** Once, however often it is tried. */
  #tellOfFailure(reason: string): void {
    if (reason === this.#lastFailure) return;
    this.#lastFailure = reason;
    this.#parts.emit({ kind: "failure", attempted: "change the director as its servers' health asks for", reason: `${reason}; it is tried again` });
  }
}

/** Stands among the checks, and is stopped with them. */
const RETRY = "retry";
