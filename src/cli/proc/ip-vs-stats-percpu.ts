// /proc/net/ip_vs_stats_percpu: the same by processor. Zeroing is for the sum alone: the processors' own lines have
// everything ever counted. Linux v6.1 net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_stats_percpu_show().

import type { Counters, Director } from "#model/director.js";
import { countColumns } from "./ip-vs-stats.js";
import { hexColumn } from "./numbers.js";

const NO_COUNTS: Counters = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };

/** `processorsCount`: how many the machine may have, running or not. */
export function* ipVsStatsPercpu(director: Director, processorsCount: number): Generator<string> {
  const { counters, processors, rates } = director.totals();
  yield "       Total Incoming Outgoing         Incoming         Outgoing\nCPU    Conns  Packets  Packets            Bytes            Bytes\n";
  for (let number = 0; number < processorsCount; number++) yield `${hexColumn(number, 3)} ${countColumns(processors[number] ?? NO_COUNTS)}\n`;
  yield `  ~ ${countColumns(counters)}\n\n`;
  yield `     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n    ${countColumns(rates)}\n`;
}
