// A connection's life beside its states: ports that are used again, destinations that go and come back, limits.

import type { Case, Forwarded, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, refused, service, serviceId, sysctl, toStack } from "../case.js";
import { ACK, FIN, RST, SYN, icmp, tcp, udp } from "../frame.js";
import type { Host } from "../network.js";
import { PLAIN_PROGRAMS } from "../world.js";
import { VIP, VIP6, at, client, client6, r1, r1v6, r2, r2v6, r3 } from "../network.js";

const PORT = 48000;
const SERVICE = at(VIP, 80);
const ID = serviceId("tcp", 80);
const AGED = { ttl: 63 };
/** XDP's packet ends the connection, and TC's has none. */
const TC_BEGINS_ANEW = "of a connection that XDP ended: TC begins anew";

/** Members stand newest first: the first connection goes to r3, then r2, then r1. */
const NAT_OF_THREE = [service("tcp", 80, [r1, r2, r3].map((host) => destination(host, 80, "masq")))];
const DR_OF_THREE = [service("tcp", 80, [r1, r2, r3].map((host) => destination(host, 80, "route")))];

const listed = (server: Host, state: string, expiresSeconds: number) =>
  ({ client: `10.0.0.2:${PORT}`, virtual: "10.0.0.100:80", destination: `${server.address}:80`, state, expiresSeconds });

export const lifecycleCases: readonly Case[] = [
  {
    description: "a client that uses its port again after TIME_WAIT gets a new connection, to the next server",
    services: NAT_OF_THREE,
    steps: [...connection(r3), { connections: [listed(r3, "TIME_WAIT", 119)] }, request(r2, SYN), { connections: [listed(r2, "SYN_RECV", 59)] }, answer(r2, SYN | ACK)],
  },
  {
    description: "a client that uses its port again after a reset gets a new connection, to the next server",
    services: NAT_OF_THREE,
    steps: [...opening(r3), request(r3, RST), { connections: [listed(r3, "CLOSE", 9)] }, request(r2, SYN), { connections: [listed(r2, "SYN_RECV", 59)] }],
  },
  {
    description: "with conn_reuse_mode 0 a port that is used again stays with its server",
    services: NAT_OF_THREE,
    steps: [sysctl({ conn_reuse_mode: 0 }), ...connection(r3), request(r3, SYN), { connections: [listed(r3, "SYN_RECV", 59)] }],
  },
  {
    description: "with conn_reuse_mode 1 a SYN in FIN_WAIT of DR stays with its server, with 3 it begins anew",
    services: DR_OF_THREE,
    steps: [
      direct(r3, SYN), direct(r3, ACK), direct(r3, FIN | ACK), { connections: [listed(r3, "FIN_WAIT", 119)] }, direct(r3, SYN), direct(r3, ACK), direct(r3, FIN | ACK),
      sysctl({ conn_reuse_mode: 3 }), direct(r2, SYN), { connections: [listed(r2, "SYN_RECV", 59)] },
    ],
  },
  {
    description: "a SYN of an established connection begins nothing",
    services: NAT_OF_THREE,
    steps: [...opening(r3), request(r3, SYN), { connections: [listed(r3, "ESTABLISHED", 899)] }],
  },
  {
    description: "a removed destination's packets are dropped in silence until it is added again: then its connections and counters go on",
    services: NAT_OF_THREE,
    steps: [
      ...opening(r3),
      { change: ({ director }) => director.deleteDestination(ID, { address: r3.address, port: 80 }) },
      fromClient(tcp(at(client, PORT), SERVICE, { flags: ACK }), dropped("destinationRemoved")),
      { connections: [listed(r3, "ESTABLISHED", 899)] },
      { change: ({ director }) => director.addDestination(ID, destination(r3, 80, "masq")) },
      { destination: r3, is: { active: 1, inactive: 0, connections: 1n, packetsIn: 2n, packetsOut: 1n } },
      request(r3, ACK),
      { destination: r3, is: { active: 1, inactive: 0, connections: 1n, packetsIn: 3n, packetsOut: 1n } },
    ],
  },
  {
    description: "a removed service's connections are dropped in silence, and its answers still find their way",
    services: [...NAT_OF_THREE, service("udp", 80, [])],
    steps: [
      ...opening(r3),
      { change: ({ director }) => director.deleteService(ID) },
      fromClient(tcp(at(client, PORT), SERVICE, { flags: ACK }), dropped("destinationRemoved")),
      answer(r3, ACK),
      fromClient(tcp(at(client, PORT + 1), SERVICE, { flags: SYN }), toStack("notOurs")),
      { connections: [listed(r3, "ESTABLISHED", 899)] },
      { change: ({ director }) => director.addService(NAT_OF_THREE[0]!.service) },
      { change: ({ director }) => director.addDestination(ID, destination(r3, 80, "masq")) },
      request(r3, ACK),
    ],
  },
  {
    description: "when a family's last service is removed its connections wait, and all packets are the stack's, until there is a service again",
    services: [...NAT_OF_THREE, service("udp", 80, [], { address: VIP6 })],
    steps: [
      ...opening(r3),
      { change: ({ director }) => director.deleteService(ID) },
      fromClient(tcp(at(client, PORT), SERVICE, { flags: ACK }), toStack("notOurs")),
      fromServer(r3, tcp(at(r3, 80), at(client, PORT), { flags: ACK }), toStack("notOurs")),
      { connections: [listed(r3, "ESTABLISHED", 899)] },
      { change: ({ director }) => director.addService(NAT_OF_THREE[0]!.service) },
      { change: ({ director }) => director.addDestination(ID, destination(r3, 80, "masq")) },
      request(r3, ACK),
    ],
  },
  {
    description: "connections of a VIP without a service wait for a service of any other VIP: until then their packets are the stack's, from then on they are dropped",
    services: NAT_OF_THREE,
    steps: [
      ...opening(r3),
      { change: ({ director }) => director.deleteService(ID) },
      fromClient(tcp(at(client, PORT), SERVICE, { flags: ACK }), toStack("notOurs")),
      { change: ({ director }) => director.addService(service("udp", 80, [], { address: VIP6 }).service) },
      fromClient(tcp(at(client, PORT), SERVICE, { flags: ACK }), toStack("notOurs")),
      fromServer(r3, tcp(at(r3, 80), at(client, PORT), { flags: ACK }), toStack("notOurs")),
      { change: ({ director }) => director.addService(service("udp", 80, [], { address: "10.0.0.101" }).service) },
      fromClient(tcp(at(client, PORT), SERVICE, { flags: ACK }), dropped("destinationRemoved")),
      answer(r3, ACK),
    ],
  },
  {
    description: "a connection keeps its method when its server gets another, and its answers by NAT still find their way",
    services: NAT_OF_THREE,
    steps: [
      ...opening(r3),
      { change: ({ director }) => [r1, r2, r3].forEach((host) => director.editDestination(ID, destination(host, 80, "route"))) },
      request(r3, ACK), answer(r3, ACK), direct(r2, SYN, PORT + 1),
    ],
  },
  {
    description: "a destination of weight 0 gets no new connections and keeps the ones that it has",
    services: NAT_OF_THREE,
    steps: [
      ...opening(r3),
      { change: ({ director }) => director.editDestination(ID, destination(r3, 80, "masq", { weight: 0 })) },
      request(r3, ACK), answer(r3, ACK),
      ...[r2, r1, r2, r1].map((server, i) => request(server, SYN, PORT + 1 + i)),
    ],
  },
  {
    description: "with expire_nodest_conn a removed destination's connection is none any more: its next packet is the stack's, and a SYN or a datagram begins another",
    services: NAT_OF_THREE,
    steps: [
      sysctl({ expire_nodest_conn: 1 }), ...opening(r3),
      { change: ({ director }) => director.deleteDestination(ID, { address: r3.address, port: 80 }) },
      fromClient(tcp(at(client, PORT), SERVICE, { flags: ACK }), toStack("notASyn", TC_BEGINS_ANEW)),
      { connections: [] },
      fromClient(tcp(at(client, PORT), SERVICE, { flags: ACK }), toStack("notASyn")),
      ...opening(r2),
      { change: ({ director }) => director.deleteDestination(ID, { address: r2.address, port: 80 }) },
      request(r1, SYN, PORT, TC_BEGINS_ANEW), { connections: [listed(r1, "SYN_RECV", 59)] },
    ],
  },
  {
    description: "with expire_nodest_conn a datagram of a removed destination's connection goes to another server at once, in IPv6 too",
    services: [
      service("udp", 80, [destination(r1, 80, "masq"), destination(r2, 80, "masq")]),
      service("udp", 80, [destination(r1v6, 80, "route"), destination(r2v6, 80, "route")], { address: VIP6 }),
    ],
    steps: [
      sysctl({ expire_nodest_conn: 1 }),
      datagram(r2, PORT), datagram6(r2v6),
      { change: ({ director }) => director.deleteDestination(serviceId("udp", 80), { address: r2.address, port: 80 }) },
      { change: ({ director }) => director.deleteDestination(serviceId("udp", 80, VIP6), { address: r2v6.address, port: 80 }) },
      datagram(r1, PORT, TC_BEGINS_ANEW), datagram(r1, PORT), datagram6(r1v6, TC_BEGINS_ANEW), datagram6(r1v6),
    ],
  },
  {
    description: "with expire_nodest_conn a client of a server of weight 0 that uses its port again begins a new connection",
    services: NAT_OF_THREE,
    steps: [
      ...opening(r3),
      { change: ({ director }) => director.editDestination(ID, destination(r3, 80, "masq", { weight: 0 })) },
      request(r3, SYN), sysctl({ expire_nodest_conn: 1 }), request(r3, ACK), request(r2, SYN), request(r2, ACK),
    ],
  },
  {
    description: "a destination at its upper threshold gets no more connections until it is below its lower one",
    services: [service("tcp", 80, [destination(r1, 80, "masq", { upperThreshold: 2, lowerThreshold: 1 }), destination(r2, 80, "masq")])],
    // recordings/no-destination.txt: r2 r1 r2 r1 r2 r2 r2 r2, and closed connections still count.
    steps: [
      ...[r2, r1, r2, r1, r2, r2, r2, r2].flatMap((server, i) => opening(server, PORT + i)),
      { destination: r1, is: { active: 2, inactive: 0 } }, { destination: r2, is: { active: 6, inactive: 0 } },
      ...[r2, r1, r2, r1, r2, r2, r2, r2].flatMap((server, i) => closing(server, PORT + i)),
      { destination: r1, is: { active: 0, inactive: 2 } }, { destination: r2, is: { active: 0, inactive: 6 } },
      ...[8, 9, 10, 11].map((i) => request(r2, SYN, PORT + i)),
    ],
  },
  {
    description: "when every destination is at its upper threshold, new connections are refused",
    services: [service("udp", 80, [destination(r1, 80, "masq", { upperThreshold: 1 }), destination(r2, 80, "masq", { upperThreshold: 2 })])],
    steps: [
      ...[r2, r1, r2].map((server, i) => datagram(server, PORT + i)),
      refusedDatagram(PORT + 3), datagram(r2, PORT), datagram(r1, PORT + 1), refusedDatagram(PORT + 3),
      // A larger threshold opens it at once: ip_vs_ctl.c, __ip_vs_update_dest().
      { change: ({ director }) => director.editDestination(serviceId("udp", 80), destination(r1, 80, "masq", { upperThreshold: 2 })) },
      datagram(r1, PORT + 3), refusedDatagram(PORT + 4),
    ],
  },
  {
    description: "changed timeouts hold for connections from their next packet on",
    services: NAT_OF_THREE,
    steps: [
      ...opening(r3), { connections: [listed(r3, "ESTABLISHED", 899)] },
      { change: ({ director }) => director.setTimeouts({ tcp: 60, tcpFin: 30, udp: 20 }) },
      { connections: [listed(r3, "ESTABLISHED", 899)] }, request(r3, ACK), { connections: [listed(r3, "ESTABLISHED", 59)] },
      answer(r3, FIN | ACK), { connections: [listed(r3, "FIN_WAIT", 29)] },
    ],
  },
  {
    description: "a full table refuses and counts new connections, and those that stand in it go on",
    connections: 64,
    services: [service("udp", 80, [destination(r1, 80, "masq")])],
    steps: [
      ...numbers(64).map((i) => datagram(r1, PORT + i)),
      ...numbers(20).map((i) => fromClient(udp(at(client, 1000 + i), SERVICE), dropped("tableFull"))),
      ...numbers(64).map((i) => datagram(r1, PORT + i)),
      ...numbers(64).map((i) => fromServer(r1, udp(at(r1, 80), at(client, PORT + i)), answered(client, udp(SERVICE, at(client, PORT + i), AGED)))),
      { destination: r1, is: { inactive: 64, connections: 64n, packetsIn: 128n, packetsOut: 64n } },
    ],
  },
  {
    description: "one client's end may talk to 128 VIPs at once, in buckets beyond its own; the 129th finds no place",
    connections: 1024,
    programs: PLAIN_PROGRAMS,
    services: numbers(129).map((i) => service("udp", 80, [destination(r1, 80, "route")], { address: vip(i) })),
    steps: [
      ...numbers(128).map((i) => toVip(i)),
      fromClient(udp(at(client, PORT), at(vip(128), 80)), dropped("tableFull")),
      ...numbers(128).reverse().map((i) => toVip(i)),
      // Another port of the client's stands elsewhere.
      fromClient(udp(at(client, PORT + 1), at(vip(128), 80)), forwarded(r1, udp(at(client, PORT + 1), at(vip(128), 80), AGED))),
    ],
  },
];

function request(server: Host, flags: number, port = PORT, leftToTc?: string): Step {
  return fromClient(tcp(at(client, port), SERVICE, { flags }), left(forwarded(server, tcp(at(client, port), at(server, 80), { flags, ...AGED })), leftToTc));
}

function left(expectation: Forwarded, leftToTc: string | undefined): Forwarded {
  return leftToTc === undefined ? expectation : { ...expectation, leftToTc };
}

function answer(server: Host, flags: number, port = PORT): Step {
  return fromServer(server, tcp(at(server, 80), at(client, port), { flags }), answered(client, tcp(SERVICE, at(client, port), { flags, ...AGED })));
}

/** By DR. */
function direct(server: Host, flags: number, port = PORT): Step {
  return fromClient(tcp(at(client, port), SERVICE, { flags }), forwarded(server, tcp(at(client, port), SERVICE, { flags, ...AGED })));
}

function opening(server: Host, port = PORT): readonly Step[] {
  return [request(server, SYN, port), answer(server, SYN | ACK, port), request(server, ACK, port)];
}

function closing(server: Host, port = PORT): readonly Step[] {
  return [request(server, FIN | ACK, port), answer(server, FIN | ACK, port), request(server, ACK, port)];
}

function connection(server: Host): readonly Step[] {
  return [...opening(server), ...closing(server)];
}

function datagram(server: Host, port: number, leftToTc?: string): Step {
  return fromClient(udp(at(client, port), SERVICE), left(forwarded(server, udp(at(client, port), at(server, 80), AGED)), leftToTc));
}

/** By DR. */
function datagram6(server: Host, leftToTc?: string): Step {
  const packet = (ttl: number) => udp(at(client6, PORT), at(VIP6, 80), { ttl });
  return fromClient(packet(64), left(forwarded(server, packet(63)), leftToTc), client6);
}

function refusedDatagram(port: number): Step {
  const cause = udp(at(client, port), SERVICE);
  return fromClient(cause, refused("noDestination", icmp(VIP, client.address, { type: 3, code: 3, typeOfService: 0xc0, dontFragment: false, payload: cause })));
}

function vip(i: number): string {
  return `10.7.0.${i + 1}`;
}

function toVip(i: number): Step {
  return fromClient(udp(at(client, PORT), at(vip(i), 80)), forwarded(r1, udp(at(client, PORT), at(vip(i), 80), AGED)));
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
