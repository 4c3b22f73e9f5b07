// Configurations of the tests: services on the laboratory's real servers, as weir.yaml has them.

import type { Topology } from "#lab/topology.js";

export interface ServiceWords {
  readonly protocol?: "tcp" | "udp";
  readonly port?: number;
  /** The real servers' port; by NAT only. Default: the service's. */
  readonly serverPort?: number;
  /** Numbers of real servers, from 1. Default: all three. */
  readonly servers?: readonly number[];
  readonly scheduler?: string;
  readonly weight?: number;
}

/** One service of weir.yaml at the VIP, to the laboratory's servers by its method. */
export function service({ method, vip, addresses }: Topology, words: ServiceWords = {}): object {
  const { protocol = "tcp", port = 80, serverPort = port, servers = [1, 2, 3], scheduler = "rr", weight = 1 } = words;
  return {
    protocol, address: vip, port, scheduler, method, weight,
    destinations: servers.map((number) => ({ address: addresses.servers[number - 1], port: serverPort })),
  };
}
