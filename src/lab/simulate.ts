// The laboratory where no kernel may be used: the same program, compiled from the same sources, runs on weir's own eBPF
// machine as the director; client, router and real servers are models that send and answer packets of one request.

import { hostOf, networkPlan, serversOf, addressOf, VIP, type Method, type NetworkPlan } from "./plan.js";
import { SERVICE_PORT, configuration } from "./scenario.js";
import { simulatedDirector } from "./simulation/director.js";
import { Client, router, server, type Host } from "./simulation/hosts.js";
import { SimulatedNetwork } from "./simulation/network.js";
import { walkOf, type Walk } from "./walk.js";
import { LabError } from "./errors.js";

const CLIENT_PORT_FIRST = 40000;

/** One request's walk over every wire. */
export async function simulateWalk(method: Method): Promise<Walk> {
  const laboratory = await simulatedLaboratory(method);
  const answeredBy = request(laboratory, CLIENT_PORT_FIRST);
  return { server: answeredBy, steps: walkOf(laboratory.network.frames, laboratory.plan, CLIENT_PORT_FIRST) };
}

/** How many of `count` connections, one after the other, each server answered. */
export async function simulateDistribution(method: Method, count: number): Promise<Record<string, number>> {
  const laboratory = await simulatedLaboratory(method);
  const answered: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = request(laboratory, CLIENT_PORT_FIRST + i);
    answered[name] = (answered[name] ?? 0) + 1;
  }
  return answered;
}

export interface SimulatedLaboratory {
  readonly plan: NetworkPlan;
  readonly client: Client;
  readonly network: SimulatedNetwork;
}

/** The method's network, its director configured as the real laboratory's. */
export async function simulatedLaboratory(method: Method): Promise<SimulatedLaboratory> {
  const plan = networkPlan(method);
  const client = new Client(plan, hostOf(plan, "client"));
  const servers = serversOf(plan);
  const director = await simulatedDirector(plan, configuration({ method, vip: VIP, addresses: { servers: servers.map((host) => addressOf(host)) } }));
  const hosts = new Map<string, Host>(plan.hosts.map((host) => [host.name, servers.includes(host) ? server(plan, host) : router(plan, host)]));
  hosts.set("client", client).set("director", director);
  return { plan, client, network: new SimulatedNetwork(plan, hosts) };
}

/** One connection to the VIP from that port; who answered. */
function request({ client, network }: SimulatedLaboratory, port: number): string {
  network.carry("client", client.connect(port, { address: VIP, port: SERVICE_PORT }));
  const name = client.answered.get(port);
  if (name === undefined) throw new LabError("NOT_SEEN", `No server answered the simulated request from port ${port} to ${VIP}:${SERVICE_PORT}`);
  return name;
}
