// The sysctls of ICMP: nat_icmp_send, schedule_icmp and pmtu_disc, off and on. What is expected is Linux v6.12 ip_vs_core.c, ip_vs_out_hook() and
// ip_vs_in_icmp(), and ip_vs_xmit.c, ip_vs_tunnel_xmit().

import type { Case, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, refused, service, sysctl, toStack } from "../case.js";
import { ACK, RST, SYN, fragments, icmp, icmpv6, ipip, payloadOf, tcp, udp } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, VIP6, at, client, client6, eth1, r1, r1v6, r2, router, unreachable } from "../network.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 8080);
const AGED = { ttl: 63 };
const PORT_UNREACHABLE = { type: 3, code: 3, typeOfService: 0xc0, dontFragment: false };
const LEFT_TO_TC = "XDP has no part in ICMP";
const ON = sysctl({ nat_icmp_send: 1 });

const NAT = [service("tcp", 80, [destination(r1, 8080, "masq")]), service("udp", 80, [destination(r1, 8080, "masq"), destination(r2, 80, "route")])];

export const icmpSysctlCases: readonly Case[] = [
  {
    description: "a real server's packet that nobody asked for is the stack's, and with nat_icmp_send answered port unreachable from the director",
    services: NAT,
    steps: [
      unasked(udp(SERVER, CLIENT)), ON,
      told((ttl) => udp(SERVER, CLIENT, { ttl, payload: payloadOf(700) })), told((ttl) => tcp(SERVER, CLIENT, { ttl, flags: SYN | ACK })),
      // Answers to the director's own health checks, and what goes nowhere, are the stack's.
      ...[tcp(SERVER, at(eth1, 50000), { flags: SYN | ACK }), udp(SERVER, at(unreachable, 53)), udp(SERVER, CLIENT, { ttl: 1 })]
        .map((packet) => fromServer(r1, packet, { ...toStack("notOurs"), leftToTc: "TC asks for the route" })),
      // Resets end, other ports are no server's, and nor is one by DR.
      unasked(tcp(SERVER, CLIENT, { flags: RST })), unasked(udp(at(r1, 8081), CLIENT)), unasked(udp(at(r2, 80), CLIENT), r2),
      fromClient(udp(CLIENT, SERVICE), forwarded(r2, udp(CLIENT, SERVICE, AGED))), fromClient(udp(at(client, 40001), SERVICE), forwarded(r1, udp(at(client, 40001), SERVER, AGED))),
      fromServer(r1, udp(SERVER, at(client, 40001)), answered(client, udp(SERVICE, at(client, 40001), AGED))),
      sysctl({ nat_icmp_send: 0 }), unasked(udp(SERVER, CLIENT)),
    ],
  },
  {
    description: "with nat_icmp_send servers that come are told, those that go or become others are not",
    services: [service("udp", 80, [destination(r1, 8080, "masq")])],
    steps: [
      ON, told((ttl) => udp(SERVER, CLIENT, { ttl })),
      { change: ({ director }) => director.addDestination(director.services()[0]!.id, destination(r2, 80, "masq")) }, told((ttl) => udp(at(r2, 80), CLIENT, { ttl }), r2),
      { change: ({ director }) => director.editDestination(director.services()[0]!.id, destination(r2, 80, "tunnel")) }, unasked(udp(at(r2, 80), CLIENT), r2),
      { change: ({ director }) => director.deleteDestination(director.services()[0]!.id, { address: r1.address, port: 8080 }) }, unasked(udp(SERVER, CLIENT)),
    ],
  },
  {
    description: "with nat_icmp_send a server of a service by mark is told by its port, of whichever protocol",
    services: [{ service: { ...service("udp", 80, []).service, id: { kind: "fwmark", fwmark: 7, family: 4 } }, destinations: [destination(r1, 8080, "masq")] }],
    steps: [ON, told((ttl) => udp(SERVER, CLIENT, { ttl })), told((ttl) => tcp(SERVER, CLIENT, { ttl, flags: SYN | ACK })), unasked(udp(at(r1, 80), CLIENT))],
  },
  {
    description: "IPv6: with nat_icmp_send a real server's packet that nobody asked for is answered port unreachable",
    services: [service("udp", 80, [destination(r1v6, 8080, "masq")], { address: VIP6 })],
    steps: [
      ON,
      ...[0, 1, 700].map((length) => {
        const cause = (ttl: number) => udp(at(r1v6, 8080), at(client6, 40000), { ttl, payload: payloadOf(length) });
        return fromServer(r1v6, cause(64), refused("noConnection", icmpv6(eth1.addressIpv6, r1v6.address, { type: 1, code: 4, identification: 0, payload: cause(63) })));
      }),
      fromServer(r1v6, udp(at(r1v6, 8080), at(eth1.addressIpv6, 50000)), { ...toStack("notOurs"), leftToTc: "TC asks for the route" }),
    ],
  },
  {
    description: "an error about an answer of no connection is the stack's, and with schedule_icmp begins one",
    services: [service("udp", 80, [destination(r1, 8080, "masq"), destination(r2, 8080, "masq")]), service("tcp", 80, [destination(r1, 80, "route")]), service("tcp", 81, [])],
    steps: [
      fromClient(about(udp(SERVICE, CLIENT)), { ...toStack("otherProtocol"), leftToTc: LEFT_TO_TC }, router),
      sysctl({ schedule_icmp: 1 }),
      fromClient(about(udp(SERVICE, CLIENT)), { ...forwarded(r2, goneOn(udp(SERVICE, CLIENT), r2.address, udp(at(r2, 8080), CLIENT))), leftToTc: LEFT_TO_TC }, router),
      { connections: [{ client: "10.0.0.2:40000", virtual: "10.0.0.100:80", destination: "10.1.0.12:8080", state: "UDP", expiresSeconds: 2 }] },
      { destination: r2, is: { connections: 1n, packetsIn: 1n } },
      fromClient(udp(CLIENT, SERVICE), forwarded(r2, udp(CLIENT, at(r2, 8080), AGED))),
      // Of TCP too, whatever the segment was; by DR it goes on as it is.
      fromClient(about(tcp(SERVICE, CLIENT, { flags: ACK })), { ...forwarded(r1, about(tcp(SERVICE, CLIENT, { flags: ACK }), AGED)), leftToTc: LEFT_TO_TC }, router),
      fromClient(about(tcp(at(VIP, 81), CLIENT, { flags: ACK })), dropped("noDestination"), router),
      fromClient(about(udp(at(VIP, 7), CLIENT)), { ...toStack("otherProtocol"), leftToTc: LEFT_TO_TC }, router),
    ],
  },
  {
    description: "with pmtu_disc 0 a tunnel's packets may be cut on their way, each by a number of its own, and what does not fit is cut before, whatever it says; by DR its client is told as ever",
    services: [service("udp", 80, [destination(r1, 80, "tunnel")]), service("udp", 81, [destination(r1, 81, "route")])],
    steps: [
      sysctl({ pmtu_disc: 0 }),
      ...[{ identification: 7 }, { identification: 0 }].map((fields) => fromClient(udp(CLIENT, SERVICE, fields), forwarded(r1, (sent) =>
        ipip(eth1.address, r1.address, udp(CLIENT, SERVICE, { ...fields, ...AGED }), { ...AGED, dontFragment: false, identification: identificationOf(sent) })))),
      // The kernel's test runs tell of the first piece; test/packets/cut.test.ts has both.
      fromClient(udp(CLIENT, SERVICE, { payload: payloadOf(1472), identification: 9 }), {
        ...forwarded(r1, (sent) => ipip(eth1.address, r1.address, firstPiece(udp(CLIENT, SERVICE, { payload: payloadOf(1472), ...AGED }), identificationOf(sent.subarray(20))),
          { ...AGED, dontFragment: false, identification: identificationOf(sent) })),
        counts: { packetsIn: 1, bytesIn: 1476 }, leftToTc: "XDP cuts nothing",
      }),
      fromClient(udp(CLIENT, at(VIP, 81), { payload: payloadOf(1473), identification: 9 }), refused("tooBig", icmp(VIP, client.address, {
        type: 3, code: 4, rest: 1500, typeOfService: 0xc0, dontFragment: false, identification: 9,
        payload: udp(CLIENT, at(VIP, 81), { payload: payloadOf(1473), identification: 9, ...AGED }).subarray(0, 548),
      }), "counted both ways")),
    ],
  },
];

function identificationOf(packet: Uint8Array): number {
  return (packet[4]! << 8) | packet[5]!;
}

/** Of a packet that does not fit into IPIP over Ethernet: what does. */
function firstPiece(packet: Uint8Array, identification: number): Uint8Array {
  return fragments(packet, { bytes: 1456, identification })[0]!;
}

function unasked(packet: Uint8Array, from: Host = r1): Step {
  return fromServer(from, packet, toStack("notOurs"));
}

/** `cause`: with that time to live. As a real IPVS of Linux 6.1 answered it, it is quoted one hop older. */
function told(cause: (ttl: number) => Uint8Array, server: Host = r1): Step {
  const quoted = cause(63);
  const identification = identificationOf(quoted);
  return fromServer(server, cause(64), refused("noConnection", icmp(eth1.address, server.address, { ...PORT_UNREACHABLE, identification, payload: quoted.subarray(0, 548) })));
}

/** From the router to the VIP: what it sent did not reach the client. */
function about(cause: Uint8Array, fields: { readonly ttl?: number } = {}): Uint8Array {
  return icmp(router.address, VIP, { type: 3, code: 1, typeOfService: 0xc0, identification: 77, dontFragment: false, ...fields, payload: cause });
}

/** As the server hears of it: about the packet that it sent itself, whose transport checksum nobody knows any more. */
function goneOn(cause: Uint8Array, server: string, sent: Uint8Array): Uint8Array {
  const quoted = sent.slice();
  quoted.set(cause.subarray(26, 28), 26);
  return icmp(router.address, server, { type: 3, code: 1, typeOfService: 0xc0, identification: 77, dontFragment: false, ...AGED, payload: quoted });
}
