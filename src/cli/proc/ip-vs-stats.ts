// /proc/net/ip_vs_stats: what all services counted together since the last zeroing, and their rates. Linux v6.1
// net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_stats_show().

import type { Counters, Director, Rates } from "#model/director.js";
import { hexColumn } from "./numbers.js";

export function* ipVsStats(director: Director): Generator<string> {
  const { counters, rates } = director.totals();
  yield "   Total Incoming Outgoing         Incoming         Outgoing\n   Conns  Packets  Packets            Bytes            Bytes\n";
  yield `${countColumns(counters)}\n\n`;
  yield ` Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n${countColumns(rates)}\n`;
}

export function countColumns({ connections, packetsIn, packetsOut, bytesIn, bytesOut }: Counters | Rates): string {
  return [...[connections, packetsIn, packetsOut].map((count) => hexColumn(count, 8)), ...[bytesIn, bytesOut].map((count) => hexColumn(count, 16))].join(" ");
}
