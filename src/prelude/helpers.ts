// The kernel's helper functions under the kernel's names. Numbers: Linux include/uapi/linux/bpf.h, ___BPF_FUNC_MAPPER;
// `since`: the release that brought it to XDP and TC programs.

import type { u32, u64, i64, i32 } from "#layout/numbers.js";
import { u64 as U64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import type { MapSpec } from "#ebpf/spec.js";
import type { Packet } from "./packet.js";

/**
 * What an argument is. "in", "out" and "inout" are memory (a struct from make(), a view of a packet or a map value),
 * read, written or both; "size" is the constant size of the memory before it; "length" is such a size or a variable,
 * which is kept between 1 and the memory's size, a power of two; "timer" is a bpf_timer in a map value; "function" names
 * a function of the program; "state" is memory that a callback gets as its own parameter, or null.
 */
export type ArgumentKind =
  | "context" | "u32" | "u64" | "i32" | "map" | "in" | "out" | "inout" | "size" | "length" | "timer" | "function" | "state";

export interface Helper {
  readonly helper: string;
  readonly id: number;
  readonly args: readonly ArgumentKind[];
  readonly returns: "i64" | "u64" | "u32" | "void";
  readonly since: string;
  readonly programs: readonly ("xdp" | "tc")[];
  /** Views of the packet are invalid after it. */
  readonly movesPacket: boolean;
}

function helper<F>(id: number, name: string, args: readonly ArgumentKind[], returns: Helper["returns"], since: string,
  options: { programs?: Helper["programs"]; movesPacket?: boolean } = {}): F & Helper {
  const call = () => {
    throw new TypeError(`${name}() has a meaning in the kernel only; run the compiled program (ebpf/machine) instead`);
  };
  return Object.assign(call, {
    helper: name, id, args, returns, since, programs: options.programs ?? ["xdp", "tc"], movesPacket: options.movesPacket ?? false,
  }) as unknown as F & Helper;
}

const xdp = ["xdp"] as const;
const tc = ["tc"] as const;
const moves = { programs: tc, movesPacket: true } as const;

/** struct bpf_timer, opaque. */
export const Timer = struct("bpf_timer", { opaqueLow: U64, opaqueHigh: U64 });

export const bpf_ktime_get_ns = helper<() => u64>(5, "bpf_ktime_get_ns", [], "u64", "4.1");
export const bpf_ktime_get_coarse_ns = helper<() => u64>(160, "bpf_ktime_get_coarse_ns", [], "u64", "5.11");
export const bpf_jiffies64 = helper<() => u64>(118, "bpf_jiffies64", [], "u64", "5.6");
export const bpf_get_prandom_u32 = helper<() => u32>(7, "bpf_get_prandom_u32", [], "u32", "4.1");
export const bpf_get_smp_processor_id = helper<() => u32>(8, "bpf_get_smp_processor_id", [], "u32", "4.1");

export const bpf_skb_store_bytes = helper<(packet: Packet, offset: u32, from: object, length: u32, flags: u64) => i64>(
  9, "bpf_skb_store_bytes", ["context", "u32", "in", "length", "u64"], "i64", "4.1", moves);
export const bpf_l3_csum_replace = helper<(packet: Packet, offset: u32, from: u64, to: u64, size: u64) => i64>(
  10, "bpf_l3_csum_replace", ["context", "u32", "u64", "u64", "u64"], "i64", "4.1", moves);
export const bpf_l4_csum_replace = helper<(packet: Packet, offset: u32, from: u64, to: u64, flags: u64) => i64>(
  11, "bpf_l4_csum_replace", ["context", "u32", "u64", "u64", "u64"], "i64", "4.1", moves);
export const bpf_skb_load_bytes = helper<(packet: Packet, offset: u32, to: object, length: u32) => i64>(
  26, "bpf_skb_load_bytes", ["context", "u32", "out", "length"], "i64", "4.5", { programs: tc });
export const bpf_csum_diff = helper<(from: object | null, fromSize: u32, to: object | null, toSize: u32, seed: u32) => i64>(
  28, "bpf_csum_diff", ["in", "size", "in", "size", "u32"], "i64", "4.6");
/** To ETH_P_IP or ETH_P_IPV6 from the other: the packet grows or shrinks by 20 bytes behind its Ethernet header; all bytes are the program's to write. */
export const bpf_skb_change_proto = helper<(packet: Packet, protocol: u32, flags: u64) => i64>(
  31, "bpf_skb_change_proto", ["context", "u32", "u64"], "i64", "4.8", moves);
export const bpf_skb_change_tail = helper<(packet: Packet, length: u32, flags: u64) => i64>(
  38, "bpf_skb_change_tail", ["context", "u32", "u64"], "i64", "4.9", moves);
export const bpf_skb_pull_data = helper<(packet: Packet, length: u32) => i64>(
  39, "bpf_skb_pull_data", ["context", "u32"], "i64", "4.9", moves);
export const bpf_skb_change_head = helper<(packet: Packet, length: u32, flags: u64) => i64>(
  43, "bpf_skb_change_head", ["context", "u32", "u64"], "i64", "4.10", moves);
export const bpf_skb_adjust_room = helper<(packet: Packet, difference: i32, mode: u32, flags: u64) => i64>(
  50, "bpf_skb_adjust_room", ["context", "i32", "u32", "u64"], "i64", "4.13", moves);
export const bpf_xdp_adjust_head = helper<(packet: Packet, difference: i32) => i64>(
  44, "bpf_xdp_adjust_head", ["context", "i32"], "i64", "4.10", { programs: xdp, movesPacket: true });
export const bpf_xdp_adjust_tail = helper<(packet: Packet, difference: i32) => i64>(
  65, "bpf_xdp_adjust_tail", ["context", "i32"], "i64", "4.18", { programs: xdp, movesPacket: true });

export const bpf_redirect = helper<(ifindex: u32, flags: u64) => i64>(23, "bpf_redirect", ["u32", "u64"], "i64", "4.4");
/** Sends a copy; what the program does to the packet afterwards is not done to it. */
export const bpf_clone_redirect = helper<(packet: Packet, ifindex: u32, flags: u64) => i64>(
  13, "bpf_clone_redirect", ["context", "u32", "u64"], "i64", "4.2", moves);
export const bpf_redirect_peer = helper<(ifindex: u32, flags: u64) => i64>(
  155, "bpf_redirect_peer", ["u32", "u64"], "i64", "5.10", { programs: tc });
/** `neighbour`: a struct bpf_redir_neigh, or null for the route's own next hop. */
export const bpf_redirect_neigh = helper<(ifindex: u32, neighbour: object | null, size: u32, flags: u64) => i64>(
  152, "bpf_redirect_neigh", ["u32", "in", "size", "u64"], "i64", "5.10", { programs: tc });
export const bpf_fib_lookup = helper<(packet: Packet, parameters: object, size: u32, flags: u32) => i64>(
  69, "bpf_fib_lookup", ["context", "inout", "size", "u32"], "i64", "4.18");
export const bpf_tail_call = helper<(packet: Packet, programs: MapSpec, index: u32) => void>(
  12, "bpf_tail_call", ["context", "map", "u32"], "void", "4.2");

/** The callback gets the index and `state`; it returns 0 to go on, 1 to stop. Gives the number of rounds run. */
export const bpf_loop = helper<<S extends object>(rounds: u32, callback: (index: u32, state: S) => i64, state: S, flags: u64) => i64>(
  181, "bpf_loop", ["u32", "function", "state", "u64"], "i64", "5.17");

export const bpf_timer_init = helper<(timer: object, map: MapSpec, flags: u64) => i64>(
  169, "bpf_timer_init", ["timer", "map", "u64"], "i64", "5.15");
/** The callback gets the map, the key and the value that hold the timer; it returns 0. */
export const bpf_timer_set_callback = helper<<K extends object, V extends object>(timer: object, callback: (map: MapSpec, key: K, value: V) => i64) => i64>(
  170, "bpf_timer_set_callback", ["timer", "function"], "i64", "5.15");
export const bpf_timer_start = helper<(timer: object, nanoseconds: u64, flags: u64) => i64>(
  171, "bpf_timer_start", ["timer", "u64", "u64"], "i64", "5.15");
