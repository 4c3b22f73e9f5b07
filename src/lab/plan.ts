// The three textbook networks of LVS as data: which hosts, on which segments, with which addresses and routes.
// topology.ts makes them; nothing here touches the system.
//
//   NAT   client ── router ──┬── director ──┬── r1        the servers' gateway is the director
//         198.51.100.0/24    │203.0.113.0/24├── r2
//                                           └── r3  10.0.0.0/24
//
//   DR    client ── router ──┬── director                 one segment; the servers' gateway is the router;
//                            ├── r1                       they hold the VIP without answering ARP for it
//                            ├── r2
//                            └── r3  203.0.113.0/24
//
//   TUN   client ── router ──┬── director                 the servers are anywhere; they hold the VIP, hidden,
//                            │                 ┌── r1     and take off the outer header
//                            └── remote router ┼── r2
//                                              └── r3  10.0.1.0/24, 10.0.2.0/24, 10.0.3.0/24
//
// A MAC address ends as the IP address does, read as decimal digits: 203.0.113.11 has 02:00:00:00:02:11. The byte before
// is the segment's number.

export type Method = "nat" | "dr" | "tun";
export const METHODS: readonly Method[] = ["nat", "dr", "tun"];

export interface NetworkPlan {
  readonly method: Method;
  readonly hosts: readonly HostPlan[];
}

export interface HostPlan {
  /** "client", "router", "director", "remote", "r1"… */
  readonly name: string;
  readonly interfaces: readonly InterfacePlan[];
  /** As `ip route add` takes them. */
  readonly routes: readonly string[];
  /** Forwards packets that are not its own. */
  readonly forwards: boolean;
  /** Holds the VIP for others to see, by ARP. */
  readonly showsVip: boolean;
  /** Holds the VIP on lo, and neither answers ARP for it nor asks with it: a real server of DR and TUN. */
  readonly hidesVip: boolean;
}

export interface InterfacePlan {
  readonly name: string;
  readonly segment: Segment;
  readonly address: string;
  readonly mac: string;
}

interface Segment {
  /** The bridge's name. */
  readonly name: string;
  readonly number: number;
  /** The first three numbers of its addresses, all of them /24. */
  readonly network: string;
}

/** RFC 5737 for what is public, RFC 1918 for what is private. */
export const VIP = "203.0.113.100";
const clients: Segment = { name: "clients", number: 1, network: "198.51.100" };
const front: Segment = { name: "public", number: 2, network: "203.0.113" };
const inside: Segment = { name: "private", number: 3, network: "10.0.0" };
const remotes: readonly Segment[] = [1, 2, 3].map((n) => ({ name: `remote${n}`, number: 10 + n, network: `10.0.${n}` }));

/** The network for a forwarding method, with three real servers. */
export function networkPlan(method: Method): NetworkPlan {
  if (method === "nat") return { method, hosts: natHosts() };
  if (method === "dr") return { method, hosts: drHosts() };
  return { method, hosts: tunHosts() };
}

export function hostOf(plan: NetworkPlan, name: string): HostPlan {
  const host = plan.hosts.find((candidate) => candidate.name === name);
  if (host === undefined) throw new RangeError(`the ${plan.method} network has no host ${name}`);
  return host;
}

export const serversOf = (plan: NetworkPlan): readonly HostPlan[] => plan.hosts.filter(({ name }) => /^r\d$/.test(name));

/** The address of a host's interface, the first by default. */
export function addressOf(host: HostPlan, index = 0): string {
  const found = host.interfaces[index];
  if (found === undefined) throw new RangeError(`${host.name} has no interface ${index}`);
  return found.address;
}

function natHosts(): HostPlan[] {
  return [
    client(),
    // The way to the real servers themselves, without the director's turning anything: what "direct" is measured on.
    router([`10.0.0.0/24 via ${at(front, 2)}`]),
    host("director", [on(front, 2), on(inside, 1)], { routes: [`default via ${at(front, 1)}`], forwards: true, showsVip: true }),
    ...[11, 12, 13].map((last, i) => host(`r${i + 1}`, [on(inside, last)], { routes: [`default via ${at(inside, 1)}`] })),
  ];
}

function drHosts(): HostPlan[] {
  return [
    client(),
    router([]),
    director([]),
    ...[11, 12, 13].map((last, i) => host(`r${i + 1}`, [on(front, last)], { routes: [`default via ${at(front, 1)}`], hidesVip: true })),
  ];
}

function tunHosts(): HostPlan[] {
  const toServers = `10.0.0.0/16 via ${at(front, 3)}`;
  return [
    client(),
    router([toServers]),
    director([toServers]),
    host("remote", [on(front, 3), ...remotes.map((segment) => on(segment, 1))], { routes: [`default via ${at(front, 1)}`], forwards: true }),
    ...remotes.map((segment, i) => host(`r${i + 1}`, [on(segment, 11 + i)], { routes: [`default via ${at(segment, 1)}`], hidesVip: true })),
  ];
}

const client = (): HostPlan => host("client", [on(clients, 10)], { routes: [`default via ${at(clients, 1)}`] });
const router = (routes: readonly string[]): HostPlan => host("router", [on(clients, 1), on(front, 1)], { routes, forwards: true });
const director = (routes: readonly string[]): HostPlan =>
  host("director", [on(front, 2)], { routes: [`default via ${at(front, 1)}`, ...routes], showsVip: true });

type Place = readonly [Segment, number];
const on = (segment: Segment, last: number): Place => [segment, last];
const at = (segment: Segment, last: number): string => `${segment.network}.${last}`;

function host(name: string, places: readonly Place[], rest: Partial<Omit<HostPlan, "name" | "interfaces">>): HostPlan {
  const interfaces = places.map(([segment, last], i) => ({ name: `eth${i}`, segment, address: at(segment, last), mac: macOf(segment, last) }));
  return { name, interfaces, routes: [], forwards: false, showsVip: false, hidesVip: false, ...rest };
}

function macOf(segment: Segment, last: number): string {
  const digits = (value: number): string => String(value).padStart(2, "0");
  return `02:00:00:00:${digits(segment.number)}:${digits(last)}`;
}
