// /proc/net/ip_vs_conn: the connections, in the order in which the director keeps them. Linux v6.1
// net/netfilter/ipvs/ip_vs_conn.c, ip_vs_conn_seq_show().

import type { Connection, Director } from "#model/director.js";
import { hexAddress, hexPort } from "./numbers.js";

export function* ipVsConn(director: Director): Generator<string> {
  yield "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";
  for (const connection of director.connections()) {
    const { persistenceData: data } = connection;
    yield `${connectionColumns(connection)} ${`${connection.expiresSeconds}`.padStart(7)}${data === undefined ? "" : ` ${data.engine} ${data.text}`}\n`;
  }
}

/** "TCP 0A000002 4E22 0A000064 0050 0A01000B 1F90 TIME_WAIT  ". */
export function connectionColumns({ protocol, client, virtual, destination, state }: Connection): string {
  const ends = [client, virtual, destination].flatMap(({ address, port }) => [hexAddress(address), hexPort(port)]);
  return [protocol.toUpperCase().padEnd(3), ...ends, state.padEnd(11)].join(" ");
}
