// What the laboratory configures: one virtual service, scheduled by weight, on three real servers.

import { stringify } from "yaml";
import type { Method } from "./plan.js";
import type { Topology } from "./topology.js";

export const SERVICE_PORT = 80;
/** NAT can map ports, so it shows that; DR and TUN leave the packet's port alone. */
export const serverPort = (method: Method): number => (method === "nat" ? 8080 : SERVICE_PORT);
/**
 * For asking a server without the director. Not the service's own port: where an answer passes the director on its way
 * (NAT), it would take it for one of a connection that had the same client port.
 */
export const DIRECT_PORT = 8081;
/** Of r1, r2, r3: a round of wrr is six connections. */
export const WEIGHTS: readonly number[] = [1, 2, 3];

/** The director's whole weir.yaml. */
export function configuration({ method, vip, addresses }: Pick<Topology, "method" | "vip"> & { readonly addresses: Pick<Topology["addresses"], "servers"> }): string {
  return stringify({
    services: [{
      protocol: "tcp", address: vip, port: SERVICE_PORT, scheduler: "wrr", method,
      destinations: addresses.servers.map((address, i) => ({ address, port: serverPort(method), weight: WEIGHTS[i] })),
    }],
  });
}

/** Starts HTTP on every real server: the same site, each with its own name. */
export async function startServers(topology: Topology): Promise<void> {
  await Promise.all(topology.namespaces.servers.map(async (namespace, i) => {
    const worker = await topology.worker(namespace);
    for (const port of [serverPort(topology.method), DIRECT_PORT]) await worker.serveHttp({ name: `r${i + 1}`, port });
  }));
}
