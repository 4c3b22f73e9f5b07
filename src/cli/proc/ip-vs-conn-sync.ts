// /proc/net/ip_vs_conn_sync: the connections, and whether another director told of them. Linux v6.1
// net/netfilter/ipvs/ip_vs_conn.c, ip_vs_conn_sync_seq_show().

import type { Director } from "#model/director.js";
import { connectionColumns } from "./ip-vs-conn.js";

export function* ipVsConnSync(director: Director): Generator<string> {
  yield "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n";
  for (const connection of director.connections()) {
    yield `${connectionColumns(connection)} ${(connection.isTold ? "SYNC" : "LOCAL").padEnd(6)} ${`${connection.expiresSeconds}`.padStart(7)}\n`;
  }
}
