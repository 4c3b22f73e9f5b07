// Packets, bytes and connections of a destination, counted on the processor that saw them. Linux v6.12
// net/netfilter/ipvs/ip_vs_core.c, ip_vs_in_stats(), ip_vs_out_stats(), ip_vs_conn_stats(); services and totals are sums.

import type { u32 } from "#layout/numbers.js";
import { u64 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { DESTINATIONS } from "./config.js";
import { destinationCounters } from "./maps.js";

export function countIn(destination: u32, bytes: u32): void {
  const counters = destinationCounters.at(bpf_get_smp_processor_id() * DESTINATIONS + destination);
  counters.packetsIn += 1n;
  counters.bytesIn += u64(bytes);
}

export function countOut(destination: u32, bytes: u32): void {
  const counters = destinationCounters.at(bpf_get_smp_processor_id() * DESTINATIONS + destination);
  counters.packetsOut += 1n;
  counters.bytesOut += u64(bytes);
}

/** Bytes of a packet that is counted already, by its first fragment. */
export function countMoreIn(destination: u32, bytes: u64): void {
  destinationCounters.at(bpf_get_smp_processor_id() * DESTINATIONS + destination).bytesIn += bytes;
}

export function countMoreOut(destination: u32, bytes: u64): void {
  destinationCounters.at(bpf_get_smp_processor_id() * DESTINATIONS + destination).bytesOut += bytes;
}

export function countConnection(destination: u32): void {
  destinationCounters.at(bpf_get_smp_processor_id() * DESTINATIONS + destination).connections += 1n;
}
