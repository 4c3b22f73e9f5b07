// A textbook LVS network that lives as long as a function needs it:
//
//   await withTopology("dr", async (topology) => {
//     const [server] = topology.namespaces.servers;
//     await (await topology.worker(server)).serveHttp({ name: "r1", port: 80 });
//     …
//   });

import { buildNetwork, namespaceOf, namespacesOf, portOf, switchOf, type NetworkOptions } from "./build.js";
import { requireTools, run, type CommandOptions, type CommandResult } from "./command.js";
import { laboratoryPrefix, removeLeftovers, removeNamespaces } from "./namespaces.js";
import { addressOf, hostOf, networkPlan, serversOf, VIP, type HostPlan, type Method } from "./plan.js";
import { startWorker, type Worker } from "./remote.js";
import { requirePrivileges } from "./requirements.js";
import { startTap, type Tap } from "./tap.js";

export type { Method } from "./plan.js";

export interface Topology {
  readonly method: Method;
  /** Network namespaces, as `ip netns exec` takes them. */
  readonly namespaces: {
    readonly client: string;
    readonly router: string;
    readonly director: string;
    readonly servers: readonly string[];
    /** The servers' gateway: with NAT the director, with DR the router, with TUN a router of their own. */
    readonly gateway: string;
    /** The bridges; captures at its ports see the wires. */
    readonly switch: string;
  };
  readonly addresses: {
    readonly client: string;
    /** The router's, on the director's segment. */
    readonly router: string;
    /** The director's towards the router. */
    readonly director: string;
    /** DIP: the director's towards the servers; with NAT their gateway. */
    readonly dip: string;
    readonly servers: readonly string[];
  };
  readonly vip: string;
  readonly hosts: readonly HostPlan[];
  /** Runs a program in a namespace. */
  run(namespace: string, argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The namespace's worker process; started when first asked for. */
  worker(namespace: string): Promise<Worker>;
  /** Captures on all wires at once, as seen from outside the hosts: whatever their hooks do, it is seen. */
  tap(): Promise<Tap>;
  /** Lets every neighbour be resolved, so that no test's first packet waits for ARP. */
  warm(): Promise<void>;
  close(): Promise<void>;
}

/** Builds the network, lends it to `body`, and removes it whatever happens. */
export async function withTopology<T>(method: Method, body: (topology: Topology) => Promise<T>, options: NetworkOptions = {}): Promise<T> {
  const topology = await buildTopology(method, options);
  try {
    return await body(topology);
  } finally {
    await topology.close();
  }
}

export async function buildTopology(method: Method, options: NetworkOptions = {}): Promise<Topology> {
  requirePrivileges();
  requireTools(options.offloads === "off" ? ["ip", "ethtool"] : ["ip"]);
  await removeLeftovers();
  const plan = networkPlan(method);
  const prefix = laboratoryPrefix();
  try {
    await buildNetwork(prefix, plan, options);
  } catch (error) {
    await removeNamespaces(namespacesOf(prefix, plan));
    throw error;
  }
  return liveTopology(method, prefix);
}

/** An object of functions, not of methods: tests take what they need out of it. */
function liveTopology(method: Method, prefix: string): Topology {
  const plan = networkPlan(method);
  const servers = serversOf(plan);
  const director = hostOf(plan, "director");
  const named = (host: string): string => namespaceOf(prefix, host);
  const namespaces: Topology["namespaces"] = {
    client: named("client"), router: named("router"), director: named("director"),
    servers: servers.map(({ name }) => named(name)), switch: switchOf(prefix),
    gateway: named({ nat: "director", dr: "router", tun: "remote" }[method]),
  };
  const addresses: Topology["addresses"] = {
    client: addressOf(hostOf(plan, "client")), router: addressOf(hostOf(plan, "router"), 1),
    director: addressOf(director), dip: addressOf(director, director.interfaces.length - 1),
    servers: servers.map((server) => addressOf(server)),
  };

  const workers = new Map<string, Promise<Worker>>();
  const worker = (namespace: string): Promise<Worker> => {
    const started = workers.get(namespace) ?? startWorker(namespace);
    workers.set(namespace, started);
    return started;
  };

  return {
    method, namespaces, addresses, vip: VIP, hosts: plan.hosts, worker,
    run: (namespace, argv, options = {}) => run(["ip", "netns", "exec", namespace, ...argv], options),
    async tap() {
      const ports = plan.hosts.flatMap((host) => host.interfaces.map(({ name }) => ({ host: host.name, interface: name, port: portOf(host.name, name) })));
      return startTap(await worker(namespaces.switch), ports);
    },
    async warm() {
      const [atClient, atDirector] = await Promise.all([worker(namespaces.client), worker(namespaces.director)]);
      for (const address of addresses.servers) await atDirector.ping({ address });
      for (const address of [addresses.director, VIP, ...addresses.servers]) await atClient.ping({ address });
    },
    async close() {
      // A worker that failed to start has nothing to be ended.
      const settled = await Promise.allSettled(workers.values());
      await Promise.all(settled.map((result) => (result.status === "fulfilled" ? result.value.end() : undefined)));
      await removeNamespaces(namespacesOf(prefix, plan));
    },
  };
}
