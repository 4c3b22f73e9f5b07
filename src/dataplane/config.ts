// What a compilation decides once for the whole program; control/programs overrides these by `define`.

/** Which hook the program is compiled for. */
export type Hook = number;
export const XDP: Hook = 0;
export const TC: Hook = 1;
export const HOOK: Hook = TC;

/** Which family's packets it takes: each has programs, and a connection table, of its own. */
export type Family = number;
export const IPV4: Family = 4;
export const IPV6: Family = 6;
export const FAMILY: Family = IPV4;

/** Which protocols above IP it takes: those of nearly all packets, or the others, so that the first pay nothing for them. */
export type Transports = number;
export const TCP_AND_UDP: Transports = 0;
export const SCTP_AND_IPSEC: Transports = 1;
export const TRANSPORTS: Transports = TCP_AND_UDP;

/** Whether it meets all fragments (fragments.ts), or the first ones alone, which pass for whole packets. */
export const FRAGMENTS: boolean = false;

/** Whether it is the program for connections of applications (application.ts), which reads what they say. */
export const APPLICATION: boolean = false;

/** Whether it is the program for services with a persistence engine (engines/), which reads what begins a connection. */
export const ENGINE: boolean = false;

/** Whether bpf_fib_lookup can tell the source address of a route (BPF_FIB_LOOKUP_SRC, Linux 6.7). */
export const FIB_GIVES_SOURCE: boolean = true;

/** Whether bpf_l4_csum_replace takes BPF_F_IPV6 (Linux 6.16). */
export const CSUM_KNOWS_IPV6: boolean = true;

/** Processors that have counters of their own: a power of two. */
export const PROCESSORS: number = 2;

/** Destinations that fit, a power of two. */
export const DESTINATIONS: number = 2 ** 14;

/** Connections of its family that fit, a power of two. */
export const CONNECTIONS: number = 2 ** 18;
