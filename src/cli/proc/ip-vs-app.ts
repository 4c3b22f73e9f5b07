// /proc/net/ip_vs_app: the protocols whose payload is read, and of how many connections. Linux v6.1
// net/netfilter/ipvs/ip_vs_app.c, ip_vs_app_seq_show(). There is FTP's, as if the module ip_vs_ftp were loaded.

import { FTP_PORT } from "#control/uses.js";
import type { Connection, Director } from "#model/director.js";

export function* ipVsApp(director: Director): Generator<string> {
  yield "prot port    usecnt name\n";
  let count = 0;
  for (const connection of director.connections()) if (isFtp(connection)) count++;
  yield `TCP  ${`${FTP_PORT}`.padEnd(7)} ${`${count}`.padEnd(6)} ${"ftp".padEnd(17)}\n`;
}

/** ip_vs_proto_tcp.c, tcp_app_conn_bind(): by NAT, to that port of the VIP. A persistent service's template (port 0) is none. */
function isFtp({ protocol, virtual, client, forward }: Connection): boolean {
  return protocol === "tcp" && virtual.port === FTP_PORT && client.port !== 0 && forward === "masq";
}
