// One check of one server: what its last verdicts make of it, and when it is due again. No clock and no I/O.
// keepalived 2.2.7 keepalived/check/check_misc.c, misc_check_child_thread(): failures are forgiven only while the check is up;
// one success is enough to come up.

import type { Check } from "#model/health.js";
import type { Verdict } from "./verdict.js";

export class CheckState {
  #isUp: boolean;
  #hasRun = false;
  #forgiven = 0;
  #detail = "not checked yet";

  constructor(readonly check: Check, { isUp }: { readonly isUp: boolean }) {
    this.#isUp = isUp;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get hasRun(): boolean {
    return this.#hasRun;
  }

  /** Of the last verdict. */
  get detail(): string {
    return this.#detail;
  }

  /** Takes a verdict in; gives the seconds until the next check. */
  take({ healthy, detail }: Verdict): number {
    this.#hasRun = true;
    this.#detail = detail;
    if (!healthy && this.#isUp && this.#forgiven < this.check.retries) {
      this.#forgiven++;
      return this.check.retryDelay;
    }
    this.#forgiven = 0;
    this.#isUp = healthy;
    return this.check.every;
  }

  /** The same check under another configuration goes on from where it was. keepalived 2.2.7 ipwrapper.c, migrate_checkers(). */
  continuedAs(check: Check): CheckState {
    const continued = new CheckState(check, this);
    continued.#hasRun = this.#hasRun;
    continued.#detail = this.#detail;
    continued.#forgiven = Math.min(this.#forgiven, check.retries);
    return continued;
  }
}

/** Until the first check; `random`: from 0 up to 1. keepalived 2.2.7 check_api.c, register_checkers_thread(). */
export function firstCheckSeconds({ warmup }: Check, random: () => number): number {
  return warmup * random();
}
