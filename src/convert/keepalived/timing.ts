// When checks come, in a virtual_server, a real_server or a checker: what the inner one does not say, the outer does.

import type { WrittenTiming } from "../document.js";
import type { Keywords } from "./read.js";

/** As the directives stand. */
export interface Timing {
  delayLoop?: number | undefined;
  connectTimeout?: number | undefined;
  retry?: number | undefined;
  delayBeforeRetry?: number | undefined;
  warmup?: number | undefined;
}

/** keepalived/check/check_api.h, KEEPALIVED_DEFAULT_DELAY; keepalived.conf(5) for the others. */
const DELAY_LOOP = 60;
const CONNECT_TIMEOUT = 5;

/** What a kind of checker has as its own default; undefined: delay_loop. */
export interface TimingDefaults {
  readonly retry: number;
  readonly delayBeforeRetry: number | undefined;
}
export const USUAL_TIMING: TimingDefaults = { retry: 1, delayBeforeRetry: 1 };

/** The bounds are weir's own: model/config/schema.ts. */
export function timingKeywords(retryMin: number): Keywords<Timing> {
  return {
    delay_loop: { words: 1, becomes: "`every`", read: (directive, timing, reading) => { timing.delayLoop = reading.timer(directive, 0.1, 86400) ?? timing.delayLoop; } },
    connect_timeout: { words: 1, becomes: "`timeout`", read: (directive, timing, reading) => { timing.connectTimeout = reading.timer(directive, 0.1, 3600) ?? timing.connectTimeout; } },
    retry: { words: 1, becomes: "`retries`", read: (directive, timing, reading) => { timing.retry = reading.number(directive, "a whole number", retryMin, 1000) ?? timing.retry; } },
    delay_before_retry: { words: 1, becomes: "`retryDelay`", read: (directive, timing, reading) => { timing.delayBeforeRetry = reading.timer(directive, 0, 86400) ?? timing.delayBeforeRetry; } },
    warmup: { words: 1, becomes: "`warmup`", read: (directive, timing, reading) => { timing.warmup = reading.timer(directive, 0, 86400) ?? timing.warmup; } },
  };
}

/** `own` before what is outside of it, nearest first. keepalived/check/check_data.c, validate_check_config(). */
export function completeTiming(levels: readonly Timing[], defaults: TimingDefaults): Required<WrittenTiming> {
  const find = <K extends keyof Timing>(key: K): Timing[K] => levels.find((level) => level[key] !== undefined)?.[key];
  const every = find("delayLoop") ?? DELAY_LOOP;
  return {
    every,
    timeout: find("connectTimeout") ?? CONNECT_TIMEOUT,
    retries: find("retry") ?? defaults.retry,
    retryDelay: find("delayBeforeRetry") ?? defaults.delayBeforeRetry ?? every,
    warmup: find("warmup") ?? every,
  };
}
