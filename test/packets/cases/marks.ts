// Services by firewall mark: of netfilter's marks, which TC sees, and of weir's own rules, which XDP sees too. What is expected
// is what recordings/connections.txt has ("persistence on a fwmark") and Linux v6.12 ip_vs_ctl.c, ip_vs_service_find().

import type { Destination, Service, ServiceId } from "#model/director.js";
import type { MarkRule } from "#model/marks.js";
import type { Case, ServiceDescription, Step } from "../case.js";
import { answered, destination, forwarded, fromClient, fromClientMarked, fromServer, refused, service, toStack } from "../case.js";
import { ACK, FIN, PSH, RST, SYN, icmp, tcp, udp } from "../frame.js";
import { VIP, VIP6, at, client, client6, distantClient, r1, r1v6, r2, r3 } from "../network.js";

const CLIENT = at(client, 40000);
const AGED = { ttl: 63 };
const AT_XDP = { xdp: "XDP sees none of netfilter's marks" };

const byMark = (fwmark: number, destinations: readonly Destination[], changes: Partial<Service> = {}, family: 4 | 6 = 4): ServiceDescription => {
  const id: ServiceId = { kind: "fwmark", fwmark, family };
  const { service: described } = service("tcp", 0, [], { ...changes, ...(family === 6 ? { netmask: "128" } : {}) });
  return { service: { ...described, id }, destinations };
};

const rule = (mark: number, changes: Partial<MarkRule>): MarkRule =>
  ({ mark, family: 4, protocol: undefined, source: undefined, destination: undefined, sourcePorts: undefined, destinationPorts: undefined, ...changes });
const rules = (...all: readonly MarkRule[]): Step => ({ change: ({ director }) => director.setMarkRules(all) });

export const markCases: readonly Case[] = [
  {
    description: "a marked packet begins a connection of its mark's service, at whatever address; its further packets need no mark",
    notAt: AT_XDP,
    services: [byMark(7, [destination(r1, 8080, "masq")]), service("tcp", 80, [destination(r2, 80, "masq")])],
    steps: [
      fromClientMarked(7, tcp(CLIENT, at("10.7.7.7", 81), { flags: SYN }), forwarded(r1, tcp(CLIENT, at(r1, 8080), { flags: SYN, ...AGED }))),
      fromServer(r1, tcp(at(r1, 8080), CLIENT, { flags: SYN | ACK }), answered(client, tcp(at("10.7.7.7", 81), CLIENT, { flags: SYN | ACK, ...AGED }))),
      fromClient(tcp(CLIENT, at("10.7.7.7", 81), { flags: ACK }), forwarded(r1, tcp(CLIENT, at(r1, 8080), { flags: ACK, ...AGED }))),
      // The mark counts before the address and the port; another mark and none do not.
      fromClientMarked(7, tcp(CLIENT, at(VIP, 80), { flags: SYN }), forwarded(r1, tcp(CLIENT, at(r1, 8080), { flags: SYN, ...AGED }))),
      fromClientMarked(8, tcp(at(client, 40001), at(VIP, 80), { flags: SYN }), forwarded(r2, tcp(at(client, 40001), at(r2, 80), { flags: SYN, ...AGED }))),
      fromClientMarked(8, tcp(at(client, 40001), at("10.7.7.7", 81), { flags: SYN }), toStack("notOurs")),
      fromClientMarked(7, tcp(at(client, 40002), at("10.7.7.7", 81), { flags: ACK }), toStack("notASyn")),
      { connections: [listed("10.0.0.2:40000", "10.7.7.7:81", "10.1.0.11:8080", "ESTABLISHED", 899), listed("10.0.0.2:40000", "10.0.0.100:80", "10.1.0.11:8080", "SYN_RECV", 59), listed("10.0.0.2:40001", "10.0.0.100:80", "10.1.0.12:80", "SYN_RECV", 59)] },
    ],
  },
  {
    description: "a mark's service without a server answers port unreachable from the packet's own address",
    notAt: AT_XDP,
    services: [byMark(7, [])],
    steps: [fromClientMarked(7, udp(CLIENT, at(VIP, 53)), refused("noDestination", icmp(VIP, client.address, { type: 3, code: 3, payload: udp(CLIENT, at(VIP, 53)), typeOfService: 0xc0, dontFragment: false })))],
  },
  {
    description: "a persistent service by mark has one template for all addresses, protocols and ports, and keeps the packets' ports",
    notAt: AT_XDP,
    services: [byMark(9, [r1, r2, r3].map((host) => destination(host, 8080, "masq")), { persistentSeconds: 100 })],
    steps: [
      ...[distantClient(57), distantClient(58)].flatMap((from, i) => {
        const server = [r3, r2][i]!;
        return [
          fromClientMarked(9, tcp(at(from, 47200), at(VIP, 7070), { flags: SYN }), forwarded(server, tcp(at(from, 47200), at(server, 7070), { flags: SYN, ...AGED })), from),
          fromServer(server, tcp(at(server, 7070), at(from, 47200), { flags: RST | ACK }), answered(from, tcp(at(VIP, 7070), at(from, 47200), { flags: RST | ACK, ...AGED }))),
        ];
      }),
      fromClientMarked(9, udp(at(distantClient(57), 47200), at("10.0.0.101", 53)), forwarded(r3, udp(at(distantClient(57), 47200), at(r3, 53), AGED)), distantClient(57)),
      { connections: [
        listed("10.3.0.57:0", "0.0.0.9:0", "10.1.0.13:0", "NONE", 99), listed("10.3.0.57:47200", "10.0.0.100:7070", "10.1.0.13:7070", "CLOSE", 9),
        listed("10.3.0.58:0", "0.0.0.9:0", "10.1.0.12:0", "NONE", 99), listed("10.3.0.58:47200", "10.0.0.100:7070", "10.1.0.12:7070", "CLOSE", 9),
        listed("10.3.0.57:47200", "10.0.0.101:53", "10.1.0.13:53", "UDP", 299),
      ] },
    ],
  },
  {
    description: "weir's own rules give marks by protocol, addresses and ports, the first that agrees, at XDP too",
    services: [byMark(1, [destination(r1, 1111, "masq")]), byMark(2, [destination(r2, 2222, "masq")]), byMark(3, [destination(r3, 80, "route")])],
    steps: [
      fromClient(tcp(CLIENT, at("10.7.7.7", 80), { flags: SYN }), toStack("notOurs")),
      rules(
        rule(1, { protocol: "tcp", destination: { address: "10.7.7.0", length: 24 }, destinationPorts: { from: 80, to: 90 } }),
        rule(2, { source: { address: "10.0.0.2", length: 32 }, destination: { address: "10.7.0.0", length: 16 } }),
        rule(3, { protocol: "udp", sourcePorts: { from: 5000, to: 5000 } }),
      ),
      ...[80, 90].map((port) => fromClient(tcp(at(client, 41000 + port), at("10.7.7.7", port), { flags: SYN }), forwarded(r1, tcp(at(client, 41000 + port), at(r1, 1111), { flags: SYN, ...AGED })))),
      fromClient(tcp(CLIENT, at("10.7.7.7", 91), { flags: SYN }), forwarded(r2, tcp(CLIENT, at(r2, 2222), { flags: SYN, ...AGED }))),
      fromClient(udp(CLIENT, at("10.7.8.8", 80)), forwarded(r2, udp(CLIENT, at(r2, 2222), AGED))),
      fromClient(udp(at(client, 5000), at("10.8.8.8", 80)), forwarded(r3, udp(at(client, 5000), at("10.8.8.8", 80), AGED))),
      fromClient(udp(at(client, 5001), at("10.8.8.8", 80)), toStack("notOurs")),
      fromClient(tcp(at(distantClient(1), 40000), at("10.7.8.8", 80), { flags: SYN }), toStack("notOurs"), distantClient(1)),
      // What was begun goes on without its rule.
      rules(),
      fromClient(tcp(CLIENT, at("10.7.7.7", 91), { flags: PSH | ACK }), forwarded(r2, tcp(CLIENT, at(r2, 2222), { flags: PSH | ACK, ...AGED }))),
      fromClient(tcp(CLIENT, at("10.7.7.8", 91), { flags: SYN }), toStack("notOurs")),
      fromClient(tcp(CLIENT, at("10.7.7.7", 91), { flags: FIN | ACK }), forwarded(r2, tcp(CLIENT, at(r2, 2222), { flags: FIN | ACK, ...AGED }))),
    ],
  },
  {
    description: "IPv6 has marks and rules of its own",
    services: [byMark(4, [destination(r1v6, 8080, "masq")], {}, 6), byMark(4, [destination(r1, 80, "masq")])],
    steps: [
      rules(rule(4, { family: 6, protocol: "tcp", destination: { address: "fd07::", length: 16 } })),
      fromClient(tcp(at(client6, 40000), at("fd07::1", 80), { flags: SYN }), forwarded(r1v6, tcp(at(client6, 40000), at(r1v6, 8080), { flags: SYN, ...AGED })), client6),
      fromClient(tcp(at(client6, 40000), at(VIP6, 80), { flags: SYN }), toStack("notOurs", "where any address may be a VIP, it may be an answer that passes the director"), client6),
      fromClient(tcp(CLIENT, at("10.7.7.7", 80), { flags: SYN }), toStack("notOurs")),
    ],
  },
];

function listed(from: string, virtual: string, to: string, state: string, expiresSeconds: number) {
  return { client: from, virtual, destination: to, state, expiresSeconds };
}
