// Persistence: one client's connections go to one server, by a template (dataplane/persistence.ts); one-packet scheduling,
// where every packet is a connection of its own. What is expected is what recordings/connections.txt has of the real IPVS.

import type { Service } from "#model/director.js";
import type { Case, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, refused, service, serviceId, sysctl, toStack } from "../case.js";
import { ACK, FIN, SYN, icmp, ipip, tcp, udp } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, at, distantClient, eth1, r1, r2, r3 } from "../network.js";

const one = distantClient(0x0132);
const other = distantClient(0x0133);
const third = distantClient(0x0134);
const AGED = { ttl: 63 };

const persistent = (changes: Partial<Service> = {}, port = 80) => [service("tcp", port, [r1, r2, r3].map((host) => destination(host, port, "masq")), { persistentSeconds: 100, ...changes })];
const ID = serviceId("tcp", 80);

export const persistenceCases: readonly Case[] = [
  {
    description: "a persistent service sends all connections of a client to the server of its first one",
    services: persistent(),
    steps: [
      ...[0, 1].flatMap((i) => connection(one, r3, 47000 + i)), ...[0, 1].flatMap((i) => connection(other, r2, 47000 + i)),
      {
        connections: [
          template(one.address, r3, "ASSURED", 99), ...[0, 1].map((i) => listed(one, 47000 + i, r3, "TIME_WAIT", 119)),
          template(other.address, r2, "ASSURED", 99), ...[0, 1].map((i) => listed(other, 47000 + i, r2, "TIME_WAIT", 119)),
        ],
      },
      { destination: r3, is: { active: 0, inactive: 2, persistent: 1, connections: 2n } }, { destination: r1, is: { active: 0, inactive: 0, persistent: 0, connections: 0n } },
    ],
  },
  {
    description: "a template is assured when a connection of it is established, by UDP when the server answers",
    services: [...persistent(), service("udp", 53, [destination(r1, 53, "masq")], { persistentSeconds: 30 })],
    steps: [
      request(one, r3, SYN), { connections: [template(one.address, r3, "NONE", 99), listed(one, 47000, r3, "SYN_RECV", 59)] },
      request(one, r3, ACK), { connections: [template(one.address, r3, "ASSURED", 99), listed(one, 47000, r3, "ESTABLISHED", 899)] },
      fromClient(udp(at(one, 47000), at(VIP, 53)), forwarded(r1, udp(at(one, 47000), at(r1, 53), AGED)), one),
      { connections: [template(one.address, r3, "ASSURED", 99), listed(one, 47000, r3, "ESTABLISHED", 899), template(one.address, r1, "NONE", 29, 53), listed(one, 47000, r1, "UDP", 299, 53)] },
      fromServer(r1, udp(at(r1, 53), at(one, 47000)), answered(one, udp(at(VIP, 53), at(one, 47000), AGED))),
      { connections: [template(one.address, r3, "ASSURED", 99), listed(one, 47000, r3, "ESTABLISHED", 899), template(one.address, r1, "ASSURED", 29, 53), listed(one, 47000, r1, "UDP", 299, 53)] },
    ],
  },
  {
    description: "with a netmask a template is a network's",
    services: persistent({ netmask: "255.255.255.0" }),
    steps: [
      ...[one, other, third].map((from) => request(from, r3, SYN)), request(distantClient(0x0232), r2, SYN),
      {
        connections: [
          template("10.3.1.0", r3, "NONE", 99), ...[one, other, third].map((from) => listed(from, 47000, r3, "SYN_RECV", 59)),
          template("10.3.2.0", r2, "NONE", 99), listed(distantClient(0x0232), 47000, r2, "SYN_RECV", 59),
        ],
      },
    ],
  },
  {
    description: "a persistent service on port 0 sends each port to the same port of the client's server; ports with a service of their own stay its",
    services: [...persistent({ persistentSeconds: 200 }, 0), service("tcp", 90, [destination(r1, 90, "masq")])],
    steps: [
      request(one, r3, SYN, 47100, 5000), request(one, r3, SYN, 47101, 8080), request(other, r2, SYN, 47101, 8080), request(one, r1, SYN, 47102, 90),
      {
        connections: [
          template(one.address, r3, "NONE", 199, 0), template(other.address, r2, "NONE", 199, 0), listed(one, 47100, r3, "SYN_RECV", 59, 5000),
          listed(one, 47101, r3, "SYN_RECV", 59, 8080), listed(other, 47101, r2, "SYN_RECV", 59, 8080), listed(one, 47102, r1, "SYN_RECV", 59, 90),
        ],
      },
      { change: ({ director }) => director.deleteService(serviceId("tcp", 0)) },
      fromClient(tcp(at(one, 47100), at(VIP, 5000), { flags: ACK }), dropped("destinationRemoved"), one),
    ],
  },
  {
    description: "a persistent FTP service takes the port of data and unprivileged ports too, to the same port of the client's server",
    services: [service("tcp", 21, [r1, r2].map((host) => destination(host, 2121, "masq")), { persistentSeconds: 60 }), service("udp", 5000, [])],
    steps: [
      ...([[21, 2121], [20, 20], [5000, 5000], [1024, 1024]] as const).map(([port, there], i) =>
        fromClient(tcp(at(one, 47000 + i), at(VIP, port), { flags: SYN }),
          { ...forwarded(r2, tcp(at(one, 47000 + i), at(r2, there), { flags: SYN, ...AGED })), ...(port === 21 ? { leftToTc: "XDP has no part in applications" } : {}) }, one)),
      ...[80, 1023].map((port) => fromClient(tcp(at(one, 47000), at(VIP, port), { flags: SYN }), toStack("notOurs"), one)),
      { connections: [
        template(one.address, r2, "NONE", 59, 0), listed(one, 47000, r2, "SYN_RECV", 59, 21, 2121), ...[20, 5000, 1024].map((port, i) => listed(one, 47001 + i, r2, "SYN_RECV", 59, port)),
      ] },
      { change: ({ director }) => director.editService(service("tcp", 21, []).service) },
      ...[20, 5000].map((port) => fromClient(tcp(at(other, 47000), at(VIP, port), { flags: SYN }), toStack("notOurs"), other)),
    ],
  },
  {
    description: "no packet belongs to a template, not even one from port 0",
    services: persistent(),
    steps: [request(one, r3, SYN), request(one, r3, SYN, 0), { destination: r3, is: { connections: 2n, active: 2 } }],
  },
  {
    description: "a server of weight 0 keeps the clients whose template leads to it",
    services: persistent(),
    steps: [...connection(one, r3), weightless(r3), request(one, r3, SYN, 47001), request(other, r2, SYN)],
  },
  {
    description: "with expire_quiescent_template a server of weight 0 loses them: the template is invalid, and there is a new one",
    services: persistent(),
    steps: [
      ...connection(one, r3), weightless(r3), sysctl({ expire_quiescent_template: 1 }),
      ...connection(one, r2, 47001),
      { connections: [invalid(one.address, r3, 99), template(one.address, r2, "ASSURED", 99), listed(one, 47000, r3, "TIME_WAIT", 119), listed(one, 47001, r2, "TIME_WAIT", 119)] },
    ],
  },
  {
    description: "a template whose server was removed is invalid, and there is a new one",
    services: persistent(),
    steps: [
      ...connection(one, r3), { change: ({ director }) => director.deleteDestination(ID, { address: r3.address, port: 80 }) }, ...connection(one, r2, 47001),
      { connections: [invalid(one.address, r3, 99), template(one.address, r2, "ASSURED", 99), listed(one, 47000, r3, "TIME_WAIT", 119), listed(one, 47001, r2, "TIME_WAIT", 119)] },
      { change: ({ director }) => director.addDestination(ID, destination(r3, 80, "masq")) },
      { destination: r3, is: { persistent: 1 } }, request(one, r2, SYN, 47002),
    ],
  },
  {
    description: "a client that uses its port again after TIME_WAIT stays with its server",
    services: persistent(),
    steps: [...connection(one, r3), request(one, r3, SYN), { connections: [template(one.address, r3, "ASSURED", 99), listed(one, 47000, r3, "SYN_RECV", 59)] }],
  },
  {
    description: "a persistent service without a server refuses, and leaves no template",
    services: persistent().map(({ service: described }) => ({ service: described, destinations: [] })),
    steps: [refusedRequest(one), { connections: [] }],
  },
  {
    description: "edited, a service's persistence is for new templates, and without it new connections are scheduled again",
    services: persistent(),
    steps: [
      request(one, r3, SYN), { change: ({ director }) => director.editService(persistent({ persistentSeconds: 50 })[0]!.service) }, request(one, r3, SYN, 47001), request(other, r2, SYN),
      {
        connections: [
          template(one.address, r3, "NONE", 99), listed(one, 47000, r3, "SYN_RECV", 59), listed(one, 47001, r3, "SYN_RECV", 59),
          template(other.address, r2, "NONE", 49), listed(other, 47000, r2, "SYN_RECV", 59),
        ],
      },
      { change: ({ director }) => director.editService(persistent({ persistentSeconds: 0 })[0]!.service) }, request(one, r1, SYN, 47002), request(one, r3, SYN, 47003),
    ],
  },
  {
    description: "a table that is full has no room for templates either",
    connections: 64,
    services: [service("udp", 80, [destination(r1, 80, "route")]), ...persistent()],
    steps: [
      ...Array.from({ length: 64 }, (_, i) => fromClient(udp(at(one, 1000 + i), at(VIP, 80)), forwarded(r1, udp(at(one, 1000 + i), at(VIP, 80), AGED)), one)),
      fromClient(tcp(at(one, 47000), at(VIP, 80), { flags: SYN }), dropped("tableFull"), one), { destination: r3, is: { active: 0, inactive: 0, persistent: 0 } },
    ],
  },
  ...(["route", "tunnel", "masq"] as const).map((method): Case => ({
    description: `one-packet scheduling chooses a server for every packet and keeps no connection: ${method}`,
    services: [service("udp", 53, [r1, r2].map((host) => destination(host, 53, method)), { onePacket: true })],
    steps: [
      ...[r2, r1, r2].map((server) => fromClient(query(), forwarded(server, method === "route" ? udp(at(one, 47000), at(VIP, 53), AGED) : method === "masq" ? udp(at(one, 47000), at(server, 53), AGED) : tunnelled(server)), one)),
      { connections: [] },
      { destination: r2, is: { connections: 2n, packetsIn: 2n, active: 0, inactive: 0 } }, { destination: r1, is: { connections: 1n, packetsIn: 1n, active: 0, inactive: 0 } },
    ],
  })),
  {
    description: "one-packet scheduling of a persistent service goes by the client's template",
    services: [service("udp", 53, [r1, r2].map((host) => destination(host, 53, "route")), { onePacket: true, persistentSeconds: 100 })],
    steps: [
      ...[one, one, one].map((from) => fromClient(query(), forwarded(r2, udp(at(one, 47000), at(VIP, 53), AGED)), from)),
      { connections: [{ ...template(one.address, r2, "NONE", 99, 53) }] }, { destination: r2, is: { connections: 3n, packetsIn: 3n, active: 0, inactive: 0, persistent: 1 } },
    ],
  },
];

function request(from: Host, server: Host, flags: number, port = 47000, servicePort = 80): Step {
  return fromClient(tcp(at(from, port), at(VIP, servicePort), { flags }), forwarded(server, tcp(at(from, port), at(server, servicePort), { flags, ...AGED })), from);
}

function answer(to: Host, server: Host, flags: number, port: number): Step {
  return fromServer(server, tcp(at(server, 80), at(to, port), { flags }), answered(to, tcp(at(VIP, 80), at(to, port), { flags, ...AGED })));
}

/** Opened and closed. */
function connection(from: Host, server: Host, port = 47000): readonly Step[] {
  return [
    request(from, server, SYN, port), answer(from, server, SYN | ACK, port), request(from, server, ACK, port),
    request(from, server, FIN | ACK, port), answer(from, server, FIN | ACK, port), request(from, server, ACK, port),
  ];
}

function refusedRequest(from: Host): Step {
  const cause = tcp(at(from, 47000), at(VIP, 80), { flags: SYN });
  return fromClient(cause, refused("noDestination", icmp(VIP, from.address, { type: 3, code: 3, typeOfService: 0xc0, dontFragment: false, payload: cause })), from);
}

function weightless(server: Host): Step {
  return { change: ({ director }) => director.editDestination(ID, destination(server, 80, "masq", { weight: 0 })) };
}

function tunnelled(server: Host): Uint8Array {
  return ipip(eth1.address, server.address, udp(at(one, 47000), at(VIP, 53), AGED), { ttl: 63, identification: 0 });
}

function query(): Uint8Array {
  return udp(at(one, 47000), at(VIP, 53));
}

function listed(from: Host, port: number, server: Host, state: string, expiresSeconds: number, servicePort = 80, serverPort = servicePort) {
  return { client: `${from.address}:${port}`, virtual: `${VIP}:${servicePort}`, destination: `${server.address}:${serverPort}`, state, expiresSeconds };
}

function template(network: string, server: Host, state: string, expiresSeconds: number, servicePort = 80) {
  return { client: `${network}:0`, virtual: `${VIP}:${servicePort}`, destination: `${server.address}:${servicePort}`, state, expiresSeconds };
}

function invalid(network: string, server: Host, expiresSeconds: number) {
  return template(network, server, "ASSURED", expiresSeconds, 65535);
}
