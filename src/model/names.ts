// How messages and listings name a service and a server.

import type { DestinationId, ForwardMethod, ServiceId } from "./director.js";

/** "tcp 10.0.0.100:80", "udp [fd00::1]:53", "fwmark 3". */
export function formatServiceId(id: ServiceId): string {
  if (id.kind === "fwmark") return `fwmark ${id.fwmark}${id.family === 6 ? " IPv6" : ""}`;
  return `${id.protocol} ${formatEndpoint(id)}`;
}

export function formatEndpoint({ address, port }: DestinationId): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The three methods by their names in LVS; the kernel's own two besides. */
export function formatMethod(forward: ForwardMethod): string {
  return { masq: "nat", route: "dr", tunnel: "tun", local: "local", bypass: "bypass" }[forward];
}
