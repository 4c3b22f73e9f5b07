// The clock, randomness and the CPU: whatever the machine's options say.

import type { HelperFunctions } from "../helpers.js";

const NANOSECONDS = 1_000_000_000n;
/** Jiffies count from five minutes before they wrap at 32 bits: Linux include/linux/jiffies.h, INITIAL_JIFFIES. */
const WRAP_AFTER_SECONDS = 300n;

export const timeHelpers: HelperFunctions = {
  bpf_ktime_get_ns: (x) => x.options.now(),
  bpf_jiffies64: (x) => jiffies(x.options.now(), x.options.hz),
  /** The time of the last tick. */
  bpf_ktime_get_coarse_ns: (x) => {
    const tick = NANOSECONDS / BigInt(x.options.hz);
    return (x.options.now() / tick) * tick;
  },
  bpf_get_prandom_u32: (x) => Math.floor(x.options.random() * 0x1_0000_0000),
  bpf_get_smp_processor_id: (x) => x.cpu,
};

function jiffies(now: bigint, hz: number): bigint {
  const initial = BigInt.asUintN(32, -WRAP_AFTER_SECONDS * BigInt(hz));
  return initial + (now * BigInt(hz)) / NANOSECONDS;
}
