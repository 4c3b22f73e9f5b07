// What goes on in the kernel by itself. start() arms the timers: control/ runs it once, when the programs are new; each
// timer's function arms it again for ever after.

import type { i32 } from "#layout/numbers.js";
import { bpf_timer_init, bpf_timer_set_callback, bpf_timer_start } from "#prelude/helpers.js";
import type { Packet } from "#prelude/packet.js";
import { FAMILY, IPV6 } from "./config.js";
import { ESTIMATOR_SLICE_NANOSECONDS, estimate } from "./estimator.js";
import { SLICE_NANOSECONDS, expire } from "./expiry.js";
import { estimator, expiry } from "./maps.js";

const CLOCK_MONOTONIC = 1n;
const STARTED = 0;
const FAILED = 1;

/** A timer that runs already gets the new function: bpf_timer_init() then says EBUSY, which is as well. */
export function start(_packet: Packet): i32 {
  const expiryState = expiry.lookup(0);
  if (expiryState === null) return FAILED;
  bpf_timer_init(expiryState.timer, expiry, CLOCK_MONOTONIC);
  if (bpf_timer_set_callback(expiryState.timer, expire) !== 0n) return FAILED;
  if (bpf_timer_start(expiryState.timer, SLICE_NANOSECONDS, 0n) !== 0n) return FAILED;
  // Rates are of destinations, which have no family.
  if (FAMILY === IPV6) return STARTED;
  const estimatorState = estimator.lookup(0);
  if (estimatorState === null) return FAILED;
  bpf_timer_init(estimatorState.timer, estimator, CLOCK_MONOTONIC);
  if (bpf_timer_set_callback(estimatorState.timer, estimate) !== 0n) return FAILED;
  if (bpf_timer_start(estimatorState.timer, ESTIMATOR_SLICE_NANOSECONDS, 0n) !== 0n) return FAILED;
  return STARTED;
}
