// One check of one server: what its last verdicts make of it, and when it is due again. No clock and no I/O.
// keepalived 2.2.7 keepalived/check/check_misc.c, misc_check_child_thread(): failures are forgiven only while the check is up;
// one success is enough to come up.

import type { DestinationId } from "#model/director.js";
import type { CheckView } from "#model/health-view.js";
import type { Check } from "#model/health.js";
import { formatEndpoint } from "#model/names.js";
import type { Verdict } from "./verdict.js";

export class CheckState {
  #isUp: boolean;
  #verdict: Verdict | undefined;
  #at: Date | undefined;
  #failures = 0;
  #forgiven = 0;

  constructor(readonly check: Check, { isUp }: { readonly isUp: boolean }) {
    this.#isUp = isUp;
  }

  /** Failures that are forgiven leave it up. */
  get isUp(): boolean {
    return this.#isUp;
  }

  get hasRun(): boolean {
    return this.#verdict !== undefined;
  }

  /** `destination`: whose check it is. */
  view(destination: DestinationId): CheckView {
    const healthy = this.hasRun ? this.#isUp : undefined;
    return { check: describeCheck(this.check, destination), healthy, verdict: this.#verdict?.detail ?? "not asked yet", at: this.#at, failures: this.#failures };
  }

  /** Takes a verdict in; gives the seconds until the next check. */
  take(verdict: Verdict, at: Date): number {
    this.#verdict = verdict;
    this.#at = at;
    this.#failures = verdict.healthy ? 0 : this.#failures + 1;
    if (!verdict.healthy && this.#isUp && this.#forgiven < this.check.retries) {
      this.#forgiven++;
      return this.check.retryDelay;
    }
    this.#forgiven = 0;
    this.#isUp = verdict.healthy;
    return this.check.every;
  }

  /** The same check under another configuration goes on from where it was. keepalived 2.2.7 ipwrapper.c, migrate_checkers(). */
  continuedAs(check: Check): CheckState {
    const continued = new CheckState(check, this);
    continued.#verdict = this.#verdict;
    continued.#at = this.#at;
    continued.#failures = this.#failures;
    continued.#forgiven = Math.min(this.#forgiven, check.retries);
    return continued;
  }
}

/** "tcp 192.168.1.11:80", "script /usr/local/bin/probe". */
function describeCheck(check: Check, destination: DestinationId): string {
  if (check.type === "script") return `script ${check.command.join(" ")}`;
  const target = { address: check.address ?? destination.address, port: check.port ?? destination.port };
  return `${check.type} ${check.type === "ping" ? target.address : formatEndpoint(target)}`;
}

/** With so many that begin together, the first checks come at once; with more they are spread, so many in a second. */
const FIRST_CHECKS_MAX = 100;
const FIRST_CHECKS_PER_SECOND = 1000;

/**
 * Until the first check, of `count` that begin together; `random`: from 0 up to 1. keepalived 2.2.7 check_api.c,
 * register_checkers_thread(), where warmup is delay_loop if nothing is said. What is begun at once would come at once for ever.
 */
export function firstCheckSeconds({ warmup, every }: Check, count: number, random: () => number): number {
  const spread = count <= FIRST_CHECKS_MAX ? 0 : Math.min(every, count / FIRST_CHECKS_PER_SECOND);
  return Math.max(warmup, spread) * random();
}
