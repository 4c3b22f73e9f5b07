// /proc/net/ip_vs: the services with their destinations. Linux v6.1 net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_info_seq_show().
//
//   TCP  0A000064:0050 wrr persistent 75000 FFFFFFFF
//     -> 0A01000B:1F90      Masq    1      0          0

import { parseIpv4 } from "#model/address.js";
import type { DestinationState, Director, ForwardMethod, ServiceState } from "#model/director.js";
import { formatBanner } from "../ipvsadm/list.js";
import { hex, hexEndpoint } from "./numbers.js";

/** The time of persistence is printed in ticks of the kernel's clock: CONFIG_HZ of Debian's kernels. */
const TICKS_PER_SECOND = 250;
const METHOD_NAME: Readonly<Record<ForwardMethod, string>> = { masq: "Masq", local: "Local", tunnel: "Tunnel", route: "Route", bypass: "Bypass" };

export function* ipVs(director: Director): Generator<string> {
  yield formatBanner(director);
  yield "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n";
  for (const service of director.services()) {
    yield `${head(service)}${persistence(service)}\n`;
    for (const destination of service.destinations) yield server(destination);
  }
}

/** Each kind has blanks of its own, and IPv6's does not say that it is of single packets. */
function head({ id, scheduler, onePacket }: ServiceState): string {
  const ops = onePacket ? "ops " : "";
  if (id.kind === "fwmark") return `FWM  ${hex(id.fwmark, 8)} ${scheduler} ${ops}`;
  const name = `${id.protocol.toUpperCase()}  ${hexEndpoint(id)} ${scheduler} `;
  return id.address.includes(":") ? name : `${name}${ops} `;
}

function persistence({ persistentSeconds, netmask }: ServiceState): string {
  return persistentSeconds === 0 ? "" : `persistent ${persistentSeconds * TICKS_PER_SECOND} ${hex(netmaskNumber(netmask), 8)}`;
}

/** IPv6 has a prefix length in the mask's place, which a little-endian kernel prints the wrong way round: 64 is 40000000. */
function netmaskNumber(netmask: string): number {
  return parseIpv4(netmask) ?? Number(netmask) * 2 ** 24;
}

function server(destination: DestinationState): string {
  const { forward, weight, activeConnections, inactiveConnections } = destination;
  const columns = [METHOD_NAME[forward].padEnd(7), `${weight}`.padEnd(6), `${activeConnections}`.padEnd(10), `${inactiveConnections}`.padEnd(10)];
  return `  -> ${hexEndpoint(destination)}      ${columns.join(" ")}\n`;
}
