// bpf_timer: a callback of a program at a later time. Linux kernel/bpf/helpers.c, bpf_timer_init() and after.

import type { EmulatedMap, ValueRegion } from "./emulated-map.js";
import { EBUSY, EINVAL } from "./errors.js";
import type { LoadedProgram } from "./loaded-program.js";
import type { Region } from "./memory.js";

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const BPF_F_TIMER_ABS = 1n;
const BPF_F_TIMER_CPU_PIN = 2n;

export interface Timer {
  readonly value: ValueRegion;
  callback?: { readonly program: LoadedProgram; readonly at: number };
  /** In nanoseconds; undefined while it does not run. */
  due?: bigint | undefined;
}

/** A map value has at most one timer, so the value stands for it. */
export class Timers {
  readonly #timers = new Map<Region, Timer>();

  init(region: Region, map: EmulatedMap, flags: bigint): number {
    const clock = Number(flags & 15n);
    if (flags > 15n || ![CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME].includes(clock)) return -EINVAL;
    if (!isValueOf(region, map)) return -EINVAL;
    if (this.#timers.has(region)) return -EBUSY;
    this.#timers.set(region, { value: region });
    return 0;
  }

  setCallback(region: Region, program: LoadedProgram, at: number): number {
    const timer = this.#timers.get(region);
    if (timer === undefined) return -EINVAL;
    timer.callback = { program, at };
    return 0;
  }

  start(region: Region, nanoseconds: bigint, flags: bigint, now: bigint): number {
    const timer = this.#timers.get(region);
    if (timer?.callback === undefined || flags & ~(BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN)) return -EINVAL;
    timer.due = flags & BPF_F_TIMER_ABS ? nanoseconds : now + nanoseconds;
    return 0;
  }

  /** The first that is due at that time; it is no longer running. A timer goes with the value that holds it. */
  takeDue(time: bigint): (Timer & { readonly due: bigint }) | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (timer.due !== undefined && timer.due <= time && (first === undefined || timer.due < first.due!)) first = timer;
    }
    if (first === undefined) return undefined;
    const taken = { ...first, due: first.due! };
    first.due = undefined;
    if (this.#stands(first.value)) return taken;
    this.#timers.delete(first.value);
    return this.takeDue(time);
  }

  #stands(value: ValueRegion): boolean {
    return value.map.find(value.key, 0) === value;
  }
}

const isValueOf = (region: Region, map: EmulatedMap): region is ValueRegion => "map" in region && region.map === map && region !== map.handle;
