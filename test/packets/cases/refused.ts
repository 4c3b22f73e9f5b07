// What the director cannot forward: what it says to the client, to the byte (recordings/no-destination.txt and
// forward-ipip.txt), and what is counted.

import type { Case, Expectation } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, refused, service, toStack } from "../case.js";
import { SYN, fragments, icmp, ipip, payloadOf, tcp, udp } from "../frame.js";
import type { UdpFields } from "../frame.js";
import { VIP, at, client, eth1, r1, r2, silent, unreachable } from "../network.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 8080);
const AGED = { ttl: 63 };
const LEFT_TO_TC = "XDP cuts nothing";
/** Linux net/ipv4/icmp.c, icmp_send(): precedence "internetwork control", and the cause's type of service by RFC 1349. */
const INTERNETWORK_CONTROL = 0xc0;
const IPTOS_TOS_MASK = 0x1e;
/** RFC 1812 section 4.3.2.3: an error is at most 576 bytes long, of which the headers take 28. */
const QUOTED_MAX = 548;

const PORT_UNREACHABLE = { type: 3, code: 3 };
const TIME_EXCEEDED = { type: 11, code: 0 };
const fragmentationNeeded = (mtu: number) => ({ type: 3, code: 4, rest: mtu });

/** By method: what becomes of a UDP datagram without a payload. */
const methodOutput = {
  masq: (fields: UdpFields) => udp(CLIENT, at(r1, 80), fields),
  route: (fields: UdpFields) => udp(CLIENT, SERVICE, fields),
  tunnel: (fields: UdpFields) => ipip(eth1.address, r1.address, udp(CLIENT, SERVICE, fields), { ttl: fields.ttl!, identification: 0 }),
};

export const refusedCases: readonly Case[] = [
  {
    description: "a service without destinations answers port unreachable from the VIP, to TCP as to UDP, and counts nothing",
    services: [service("tcp", 80, []), service("udp", 80, [])],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN, identification: 64580 }), refused("noDestination", error(PORT_UNREACHABLE, tcp(CLIENT, SERVICE, { flags: SYN, identification: 64580 })))),
      fromClient(udp(CLIENT, SERVICE, { payload: payloadOf(1) }), refused("noDestination", error(PORT_UNREACHABLE, udp(CLIENT, SERVICE, { payload: payloadOf(1) })))),
      { connections: [] },
    ],
  },
  {
    description: "a service whose destinations all have weight 0 answers the same, by every scheduler",
    services: [
      service("tcp", 80, [destination(r1, 80, "masq", { weight: 0 }), destination(r2, 80, "masq", { weight: 0 })]),
      service("udp", 80, [destination(r1, 80, "masq", { weight: 0 })], { scheduler: "wrr" }),
    ],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), refused("noDestination", error(PORT_UNREACHABLE, tcp(CLIENT, SERVICE, { flags: SYN })))),
      fromClient(udp(CLIENT, SERVICE), refused("noDestination", error(PORT_UNREACHABLE, udp(CLIENT, SERVICE)))),
      { connections: [] },
    ],
  },
  {
    description: "a service without a scheduler (-s none) answers the same until it has one",
    services: [service("tcp", 80, [destination(r1, 8080, "masq")], { scheduler: "none" })],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), refused("noDestination", error(PORT_UNREACHABLE, tcp(CLIENT, SERVICE, { flags: SYN })))),
      { change: ({ director }) => director.editService({ ...director.services()[0]!, scheduler: "rr" }) },
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), forwarded(r1, tcp(CLIENT, SERVER, { flags: SYN, ...AGED }))),
    ],
  },
  {
    description: "an ICMP error quotes what fits into 576 bytes, at every odd and even length",
    services: [service("udp", 80, [])],
    steps: [0, 1, 2, 3, 4, 5, 518, 519, 520, 521, 522, 700, 1472].map((length) => {
      const cause = udp(CLIENT, SERVICE, { payload: payloadOf(length) });
      return fromClient(cause, refused("noDestination", error(PORT_UNREACHABLE, cause)));
    }),
  },
  {
    description: "an ICMP error has the cause's type of service, without its precedence",
    services: [service("udp", 80, [])],
    steps: [0xb8, 0x1f, 0xe0, 0x03].map((typeOfService) => {
      const cause = udp(CLIENT, SERVICE, { typeOfService });
      return fromClient(cause, refused("noDestination", error(PORT_UNREACHABLE, cause)));
    }),
  },
  {
    description: "a quoted packet keeps its options",
    services: [service("tcp", 80, [])],
    steps: [optioned({ flags: SYN })].map((cause) => fromClient(cause, refused("noDestination", error(PORT_UNREACHABLE, cause)))),
  },
  {
    description: "a connection in a service without destinations is refused until there is one",
    services: [service("tcp", 80, [])],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), refused("noDestination", error(PORT_UNREACHABLE, tcp(CLIENT, SERVICE, { flags: SYN })))),
      { change: ({ director }) => director.addDestination(director.services()[0]!.id, destination(r1, 8080, "masq")) },
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), forwarded(r1, tcp(CLIENT, SERVER, { flags: SYN, ...AGED }))),
    ],
  },
  ...(["masq", "route", "tunnel"] as const).map((method): Case => ({
    description: `a packet with one hop to live is answered time exceeded by ${method}, and one with two goes on`,
    services: [service("udp", 80, [destination(r1, 80, method)])],
    steps: [0, 1].map((ttl) => {
      const cause = udp(CLIENT, SERVICE, { ttl, payload: payloadOf(2) });
      return fromClient(cause, refused("ttlExceeded", error(TIME_EXCEEDED, cause), method === "masq" ? "counted" : "counted both ways"));
    }).concat(fromClient(udp(CLIENT, SERVICE, { ttl: 2 }), forwarded(r1, methodOutput[method]({ ttl: 1 })))),
  })),
  {
    description: "NAT leaves an answer with one hop to live to the stack, which answers it",
    services: [service("udp", 80, [destination(r1, 8080, "masq")])],
    steps: [
      fromClient(udp(CLIENT, SERVICE), forwarded(r1, udp(CLIENT, SERVER, AGED))),
      fromServer(r1, udp(SERVER, CLIENT, { ttl: 1 }), toStack("answerTtlExceeded")),
      fromServer(r1, udp(SERVER, CLIENT, { ttl: 2 }), answered(client, udp(SERVICE, CLIENT, { ttl: 1 }))),
    ],
  },
  {
    description: "NAT leaves an answer that is too big for the client's network to the stack, which tells the server; one that may be cut is cut",
    services: [service("udp", 80, [destination(r1, 8080, "masq")])],
    steps: [
      fromClient(udp(CLIENT, SERVICE), forwarded(r1, udp(CLIENT, SERVER, AGED))),
      fromServer(r1, udp(SERVER, CLIENT, { payload: payloadOf(1473) }), toStack("answerTooBig", "only TC knows super-packets")),
      fromServer(r1, udp(SERVER, CLIENT, { payload: payloadOf(1473), dontFragment: false, identification: 7 }), {
        ...answered(client, fragments(udp(SERVICE, CLIENT, { payload: payloadOf(1473), dontFragment: false, ...AGED }))[0]!), leftToTc: LEFT_TO_TC, counts: { packetsOut: 1, bytesOut: 1500 },
      }),
      fromServer(r1, udp(SERVER, CLIENT, { payload: payloadOf(1472) }), answered(client, udp(SERVICE, CLIENT, { payload: payloadOf(1472), ...AGED }))),
    ],
  },
  {
    description: "TUN answers a DF packet that does not fit with the tunnel: fragmentation needed, MTU 1480, quoted one hop older",
    services: [service("udp", 80, [destination(r1, 80, "tunnel")])],
    steps: [1481 - 28, 1472].flatMap((length) => {
      const fields = { payload: payloadOf(length), identification: 56662 };
      const step = fromClient(udp(CLIENT, SERVICE, fields), refused("tooBig", error(fragmentationNeeded(1480), udp(CLIENT, SERVICE, { ...fields, ...AGED })), "counted both ways"));
      return [step, step];
    }),
  },
  {
    description: "a packet that does not fit the tunnel and may be cut is cut, and counted piece by piece: its first is as long as fits",
    services: [service("udp", 80, [destination(r1, 80, "tunnel")])],
    steps: [fromClient(udp(CLIENT, SERVICE, { payload: payloadOf(1472), dontFragment: false, identification: 7 }), {
      ...forwarded(r1, (sent) => ipip(eth1.address, r1.address, fragments(udp(CLIENT, SERVICE, { payload: payloadOf(1472), dontFragment: false, ...AGED }), { bytes: 1456 })[0]!, {
        dontFragment: false, identification: (sent[4]! << 8) | sent[5]!, ...AGED,
      })),
      leftToTc: LEFT_TO_TC, counts: { packetsIn: 1, bytesIn: 20 + 1456 },
    })],
  },
  {
    description: "a destination that no route leads to gets nothing, and nobody is told",
    services: [service("tcp", 80, [destination(unreachable, 80, "tunnel")])],
    steps: [fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), dropped("noRoute", "counted"))],
  },
  {
    description: "a destination whose MAC address nobody knows is reached by way of the kernel's neighbour table, by each method",
    services: [
      service("udp", 80, [destination(silent, 8080, "masq")]), service("tcp", 80, [destination(silent, 80, "tunnel")]), service("tcp", 81, [destination(silent, 81, "route")]),
    ],
    steps: [0, 1].flatMap(() => [
      fromClient(udp(CLIENT, SERVICE), askedFor(udp(CLIENT, at(silent, 8080), AGED))),
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), askedFor(ipip(eth1.address, silent.address, tcp(CLIENT, SERVICE, { flags: SYN, ...AGED }), { identification: 0, ...AGED }))),
      fromClient(tcp(CLIENT, at(VIP, 81), { flags: SYN }), askedFor(tcp(CLIENT, at(VIP, 81), { flags: SYN, ...AGED }))),
    ]),
  },
  {
    description: "a packet too big for the tunnel to a destination whose MAC address nobody knows is refused all the same",
    services: [service("udp", 80, [destination(silent, 80, "tunnel")])],
    steps: [{ payload: payloadOf(1472) }].map((fields) =>
      fromClient(udp(CLIENT, SERVICE, fields), refused("tooBig", error(fragmentationNeeded(1480), udp(CLIENT, SERVICE, { ...fields, ...AGED })), "counted both ways"))),
  },
];

/** From the VIP to whoever sent `cause`; the identification is that of the cause, which a client numbers by itself. */
function error(message: { readonly type: number; readonly code: number; readonly rest?: number }, cause: Uint8Array): Uint8Array {
  const identification = (cause[4]! << 8) | cause[5]!;
  const typeOfService = INTERNETWORK_CONTROL | (cause[1]! & IPTOS_TOS_MASK);
  return icmp(VIP, client.address, { ...message, payload: cause.subarray(0, QUOTED_MAX), typeOfService, identification, dontFragment: false });
}

function optioned(fields: { readonly flags: number }): Uint8Array {
  return tcp(CLIENT, SERVICE, { ...fields, options: new Uint8Array(40).fill(1), payload: payloadOf(600) });
}

function askedFor(packet: Uint8Array): Expectation {
  return { ...forwarded(silent, packet), leftToTc: "only TC can ask for a neighbour" };
}
