// Where a program goes on: tail calls (Linux kernel/bpf/core.c, JMP_TAIL_CALL), bpf_loop (kernel/bpf/bpf_iter.c) and
// timers (kernel/bpf/helpers.c).

import { E2BIG, EINVAL, Fault } from "../errors.js";
import type { HelperFunctions } from "../helpers.js";
import { setNumber } from "../registers.js";
import { ProgramArrayMap } from "../program-array.js";

/** Linux include/linux/bpf.h, MAX_TAIL_CALL_CNT. */
const TAIL_CALLS_MAX = 33;
/** Linux include/linux/bpf.h, BPF_MAX_LOOPS. */
const LOOPS_MAX = 8 * 1024 * 1024;

export const controlHelpers: HelperFunctions = {
  /** Without a program at that index it does nothing, and the caller goes on. */
  bpf_tail_call: (x) => {
    x.expectContext(1);
    const map = x.argumentMap(2);
    if (!(map instanceof ProgramArrayMap)) throw new Fault(`argument 2 is map ${map.spec.name}, which holds no programs`);
    const target = map.programAt(x.argument32(3));
    if (target === undefined || x.tailCalls === TAIL_CALLS_MAX) return -EINVAL;
    x.tailCalls++;
    x.tailCallTarget = target;
    return 0;
  },

  bpf_loop: (x) => {
    const rounds = x.argument32(1);
    const at = x.argumentFunction(2);
    const program = x.program!;
    const state = x.registers.slice(6, 8);
    if (x.argument64(4) !== 0n) return -EINVAL;
    if (rounds > LOOPS_MAX) return -E2BIG;
    for (let round = 0; round < rounds; round++) {
      setNumber(x.registers, 2, round);
      x.registers.set(state, 4);
      x.call(program, at);
      if (x.registers[0] !== 0 || x.registers[1] !== 0) return round + 1;
    }
    return rounds;
  },

  bpf_timer_init: (x) => x.timers.init(x.argumentRegion(1), x.argumentMap(2), x.argument64(3)),
  bpf_timer_set_callback: (x) => x.timers.setCallback(x.argumentRegion(1), x.program!, x.argumentFunction(2)),
  bpf_timer_start: (x) => x.timers.start(x.argumentRegion(1), x.argument64(2), x.argument64(3), x.options.now()),
};
