// The laboratory's wires with IPv6 addresses beside IPv4's.
//
//   client 2001:db8:1::10 ─ router 2001:db8:1::1, :2::1 ─ director :2::2 (VIP :2::100), by NAT fd00:3::1 ─ servers :2::11 … or fd00:3::11 …

import type { Bed } from "./bed.js";
import { succeeded } from "./bed.js";

export const VIP = "2001:db8:2::100";
/** A server's number follows. */
export const SERVERS = { nat: "fd00:3::1", dr: "2001:db8:2::1" } as const;

/** In every namespace of the laboratory, which are without IPv6 by themselves. */
export async function addIpv6(bed: Bed, method: "nat" | "dr"): Promise<void> {
  const { client, router, director, servers } = bed.topology.namespaces;
  const everywhere = [client, router, director, ...servers];
  const set = (namespace: string, settings: string) => bed.topology.run(namespace, ["sh", "-c", settings.split(" ").map((one) => `echo ${one.split("=")[1]} > /proc/sys/net/ipv6/conf/${one.split("=")[0]}`).join(" && ")]);
  for (const namespace of everywhere) succeeded(await set(namespace, "all/disable_ipv6=0 default/disable_ipv6=0 all/forwarding=0"));
  const address = (namespace: string, text: string, device: string) => bed.ip(`address add ${text} dev ${device} nodad`, namespace);
  const route = (namespace: string, text: string) => bed.ip(`-6 route add ${text}`, namespace);
  await address(client, "2001:db8:1::10/64", "eth0");
  await address(router, "2001:db8:1::1/64", "eth0");
  await address(router, "2001:db8:2::1/64", "eth1");
  succeeded(await set(router, "all/forwarding=1"));
  await address(director, "2001:db8:2::2/64", "eth0");
  await address(director, `${VIP}/128`, "eth0");
  await route(client, "default via 2001:db8:1::1");
  await route(director, "default via 2001:db8:2::1");
  if (method === "nat") {
    await address(director, "fd00:3::1/64", "eth1");
    succeeded(await set(director, "all/forwarding=1"));
  }
  for (const [i, server] of servers.entries()) {
    await address(server, `${SERVERS[method]}${i + 1}/64`, "eth0");
    await route(server, `default via ${method === "nat" ? "fd00:3::1" : "2001:db8:2::1"}`);
    if (method === "dr") await address(server, `${VIP}/128`, "lo");
  }
}
