// What a compilation decides once for the whole program; control/programs overrides these by `define`.

/** Which hook the program is compiled for. */
export type Hook = number;
export const XDP: Hook = 0;
export const TC: Hook = 1;
export const HOOK: Hook = TC;

/** Whether bpf_fib_lookup can tell the source address of a route (BPF_FIB_LOOKUP_SRC, Linux 6.7). */
export const FIB_GIVES_SOURCE: boolean = true;

/** Processors that have counters of their own: a power of two. */
export const PROCESSORS: number = 2;
