// Tells of changes that others make to the same director: ipvsadm writes to the kernel's maps, and tells nobody. While somebody listens,
// what stands is compared with what stood a second ago.

import { isDeepStrictEqual } from "node:util";
import { diffServices } from "#model/diff.js";
import { formatMarkRule } from "#model/marks.js";
import type { SysctlName } from "#model/sysctls.js";
import { isSetTo } from "#model/sysctls.js";
import { describeChange, describeSyncDaemon, describeSyncStop, describeSysctl, describeTimeouts } from "#control/describe.js";
import type { RunningConfiguration } from "./operations.js";

const INTERVAL_MILLISECONDS = 1000;
/** Reading tens of thousands of services takes its time: it has a twentieth of it. */
const SHARE = 20;

export interface WatchOptions {
  read(): RunningConfiguration;
  report(changes: readonly string[]): void;
  readonly intervalMilliseconds?: number;
}

export class ConfigurationWatch {
  #known: RunningConfiguration | undefined;
  #timer: NodeJS.Timeout | undefined;
  #listeners = 0;

  constructor(readonly options: WatchOptions) {}

  /** Gives what ends it. */
  listen(): () => void {
    if (this.#listeners++ === 0) {
      this.#known = this.options.read();
      this.#wait(0);
    }
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      if (--this.#listeners > 0) return;
      clearTimeout(this.#timer);
      this.#known = undefined;
    };
  }

  /** Reports what others have changed since it looked last. */
  compare(): void {
    if (this.#known === undefined) return;
    const before = this.#known;
    this.#known = this.options.read();
    const changes = describeDifference(before, this.#known);
    if (changes.length > 0) this.options.report(changes);
  }

  /** What stands now has been told of. */
  note(): void {
    if (this.#known !== undefined) this.#known = this.options.read();
  }

  #wait(tookMilliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), Math.max(this.options.intervalMilliseconds ?? INTERVAL_MILLISECONDS, SHARE * tookMilliseconds));
    this.#timer.unref();
  }

  #look(): void {
    const start = performance.now();
    try {
      this.compare();
    } catch {
      // The director is being taken down, or made anew: the next look tells.
    }
    this.#wait(performance.now() - start);
  }
}

/** In the words of `weir apply`. */
export function describeDifference(before: RunningConfiguration, after: RunningConfiguration): readonly string[] {
  const sysctls = (Object.keys(after.sysctls) as SysctlName[]).filter((name) => !isSetTo(name, after.sysctls[name], before.sysctls[name]));
  return [
    ...(isDeepStrictEqual(before.timeouts, after.timeouts) ? [] : [describeTimeouts(after.timeouts)]),
    ...sysctls.map((name) => describeSysctl(name, after.sysctls[name])),
    ...(isDeepStrictEqual(before.markRules, after.markRules) ? [] : [after.markRules.length === 0 ? "marks: no rules any more" : `marks: ${after.markRules.map(formatMarkRule).join("; ")}`]),
    ...before.syncDaemons.filter((one) => !after.syncDaemons.some((other) => isDeepStrictEqual(one, other))).map(({ role }) => describeSyncStop(role)),
    ...after.syncDaemons.filter((one) => !before.syncDaemons.some((other) => isDeepStrictEqual(one, other))).map(describeSyncDaemon),
    ...diffServices(before.services, after.services).map(describeChange),
  ];
}
