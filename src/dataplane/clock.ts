// The data plane's clock counts ticks of 2^26 ns (67 ms) since boot in 32 bits: fine enough for timeouts of seconds, wide
// enough for a year, and read by the cheapest clock that user space can read too (CLOCK_MONOTONIC_COARSE).

import { u32, u64 } from "#layout/numbers.js";
import { bpf_ktime_get_coarse_ns } from "#prelude/helpers.js";

export const TICK_SHIFT = 26n;

export function ticks(): u32 {
  return u32(bpf_ktime_get_coarse_ns() >> TICK_SHIFT);
}

export function ticksOf(seconds: u32): u32 {
  return u32((u64(seconds) * 1_000_000_000n) >> TICK_SHIFT);
}

/** Whether `time` is in the past at `now`; right as long as they are less than 2^31 ticks (4.5 years) apart. */
export function hasPassed(time: u32, now: u32): boolean {
  return u32(now - time) < 0x80000000;
}
