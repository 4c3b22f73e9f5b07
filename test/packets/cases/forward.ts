// The three methods: what leaves the director for what came in.

import type { Case, Step } from "../case.js";
import { answered, destination, forwarded, fromClient, fromServer, service } from "../case.js";
import { ACK, FIN, PSH, SYN, ipip, payloadOf, tcp, udp } from "../frame.js";
import type { End, TcpFields, UdpFields } from "../frame.js";
import { VIP, at, client, distantClient, eth1, r1, remote } from "../network.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 80);
const MAPPED = at(r1, 8080);

/** One hop older. */
const AGED = { ttl: 63 };
/** RFC 791: a record route option with room for one address, and the end of the options. */
const RECORD_ROUTE = Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0);
/** Forty bytes of "no operation": the longest header there is. */
const ALL_OPTIONS = new Uint8Array(40).fill(1);

export const forwardCases: readonly Case[] = [
  {
    description: "DR sends a TCP connection's packets to the real server, one hop older and otherwise as they are",
    services: [service("tcp", 80, [destination(r1, 80, "route")])],
    steps: [
      ...conversation().map((fields) => fromClient(tcp(CLIENT, SERVICE, fields), forwarded(r1, tcp(CLIENT, SERVICE, { ...fields, ...AGED })))),
      { destination: r1, is: { active: 0, inactive: 1, connections: 1n, packetsIn: 5n, packetsOut: 0n, bytesIn: 250n, bytesOut: 0n } },
      { connections: [{ client: "10.0.0.2:40000", virtual: "10.0.0.100:80", destination: "10.1.0.11:80", state: "FIN_WAIT", expiresSeconds: 119 }] },
    ],
  },
  {
    description: "DR sends UDP datagrams of every length class, with a checksum and without",
    services: [service("udp", 80, [destination(r1, 80, "route")])],
    steps: udpVariants().map((fields) => fromClient(udp(CLIENT, SERVICE, fields), forwarded(r1, udp(CLIENT, SERVICE, { ...fields, ...AGED })))),
  },
  {
    description: "TUN puts a TCP connection's packets into another IP packet from the director to the real server",
    services: [service("tcp", 80, [destination(r1, 80, "tunnel")])],
    steps: [
      ...conversation().map((fields) => fromClient(tcp(CLIENT, SERVICE, fields), forwarded(r1, tunnelled(tcp(CLIENT, SERVICE, { ...fields, ...AGED }), { identification: 0 })))),
      { destination: r1, is: { connections: 1n, packetsIn: 5n, bytesIn: 250n } },
    ],
  },
  {
    description: "TUN copies type of service, time to live and DF to the outer header, and the identification when DF is not set",
    services: [service("udp", 80, [destination(r1, 80, "tunnel")])],
    steps: [
      tunnelStep({ typeOfService: 0x2a, ttl: 17 }, { typeOfService: 0x2a, ttl: 16, identification: 0 }),
      tunnelStep({ dontFragment: false, identification: 31300 }, { dontFragment: false, identification: 31300 }),
      tunnelStep({ options: RECORD_ROUTE, payload: payloadOf(3) }, { identification: 0 }),
      tunnelStep({ options: ALL_OPTIONS, withoutChecksum: true }, { identification: 0 }),
    ],
  },
  {
    description: "TUN marks the outer header ECN-capable where the packet has experienced congestion",
    services: [service("udp", 80, [destination(r1, 80, "tunnel")])],
    steps: [[0x03, 0x02], [0xbb, 0xba], [0x01, 0x01], [0xfc, 0xfc]].map(([typeOfService, outside]) =>
      tunnelStep({ typeOfService: typeOfService! }, { typeOfService: outside!, identification: 0 })),
  },
  {
    description: "TUN reaches a real server behind a gateway",
    services: [service("udp", 80, [destination(remote, 80, "tunnel")])],
    steps: [tunnelStep({ payload: payloadOf(5) }, { identification: 0 }, remote), tunnelStep({}, { identification: 0 }, remote)],
  },
  {
    description: "TUN fills the way's MTU to the last byte",
    services: [service("udp", 80, [destination(r1, 80, "tunnel")])],
    steps: [tunnelStep({ payload: payloadOf(1480 - 28) }, { identification: 0 })],
  },
  {
    description: "NAT rewrites a TCP connection's addresses in both directions",
    services: [service("tcp", 80, [destination(r1, 80, "masq")])],
    steps: [...natConversation(SERVER), { destination: r1, is: { active: 0, inactive: 1, connections: 1n, packetsIn: 5n, packetsOut: 4n, bytesIn: 250n, bytesOut: 183n } }],
  },
  {
    description: "NAT rewrites ports too, in both directions",
    services: [service("tcp", 80, [destination(r1, 8080, "masq")])],
    steps: natConversation(MAPPED),
  },
  {
    description: "NAT serves a client behind a router, with its answers sent to that router",
    services: [service("tcp", 80, [destination(r1, 8080, "masq")])],
    steps: natConversation(MAPPED, distantClient(259)),
  },
  {
    description: "NAT rewrites UDP of every length class, with a checksum and without, in both directions",
    services: [service("udp", 80, [destination(r1, 8080, "masq")])],
    steps: udpVariants().flatMap((fields) => [
      fromClient(udp(CLIENT, SERVICE, fields), forwarded(r1, udp(CLIENT, MAPPED, { ...fields, ...AGED }))),
      fromServer(r1, udp(MAPPED, CLIENT, fields), answered(client, udp(SERVICE, CLIENT, { ...fields, ...AGED }))),
    ]),
  },
  {
    description: "NAT sends a UDP checksum that comes out as zero as all ones",
    services: [service("udp", 80, [destination(r1, 8080, "masq")])],
    steps: [
      fromClient(udp(CLIENT, SERVICE, { payload: zeroingPayload(CLIENT, MAPPED) }), forwarded(r1, udp(CLIENT, MAPPED, { payload: zeroingPayload(CLIENT, MAPPED), ...AGED }))),
      fromServer(r1, udp(MAPPED, CLIENT, { payload: zeroingPayload(SERVICE, CLIENT) }), answered(client, udp(SERVICE, CLIENT, { payload: zeroingPayload(SERVICE, CLIENT), ...AGED }))),
      // And from all ones to an ordinary one.
      fromClient(udp(CLIENT, SERVICE, { payload: zeroingPayload(CLIENT, SERVICE) }), forwarded(r1, udp(CLIENT, MAPPED, { payload: zeroingPayload(CLIENT, SERVICE), ...AGED }))),
    ],
  },
  {
    description: "NAT finds TCP behind the longest IP header there is",
    services: [service("tcp", 80, [destination(r1, 8080, "masq")])],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN, options: ALL_OPTIONS }), forwarded(r1, tcp(CLIENT, MAPPED, { flags: SYN, options: ALL_OPTIONS, ...AGED }))),
      fromServer(r1, tcp(MAPPED, CLIENT, { flags: SYN | ACK, options: RECORD_ROUTE }), answered(client, tcp(SERVICE, CLIENT, { flags: SYN | ACK, options: RECORD_ROUTE, ...AGED }))),
    ],
  },
  {
    description: "Ethernet's padding of a short packet goes along and is not counted",
    services: [service("udp", 80, [destination(r1, 8080, "masq")])],
    steps: [fromClient(padded(udp(CLIENT, SERVICE)), forwarded(r1, padded(udp(CLIENT, MAPPED, AGED))))],
  },
  {
    description: "two services of one VIP, by TCP and by UDP on the same port, have connections of their own",
    services: [service("tcp", 80, [destination(r1, 80, "masq")]), service("udp", 80, [destination(r1, 8080, "masq")])],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), forwarded(r1, tcp(CLIENT, SERVER, { flags: SYN, ...AGED }))),
      fromClient(udp(CLIENT, SERVICE), forwarded(r1, udp(CLIENT, MAPPED, AGED))),
      fromServer(r1, udp(MAPPED, CLIENT), answered(client, udp(SERVICE, CLIENT, AGED))),
      fromServer(r1, tcp(SERVER, CLIENT, { flags: SYN | ACK }), answered(client, tcp(SERVICE, CLIENT, { flags: SYN | ACK, ...AGED }))),
    ],
  },
];

/** What a client sends in a short connection; 250 bytes of IP. */
function conversation(): readonly TcpFields[] {
  return [
    { flags: SYN, sequence: 99 }, { flags: ACK, sequence: 100 }, { flags: PSH | ACK, sequence: 100, payload: payloadOf(33) },
    { flags: FIN | ACK, sequence: 133, payload: payloadOf(17) }, { flags: ACK, sequence: 151 },
  ];
}

/** The same with the server's answers: 183 bytes. */
function natConversation(server: End, from = client): readonly Step[] {
  const sender = at(from, CLIENT.port);
  const request = (fields: TcpFields) => fromClient(tcp(sender, SERVICE, fields), forwarded(r1, tcp(sender, server, { ...fields, ...AGED })), from);
  const answer = (fields: TcpFields) => fromServer(r1, tcp(server, sender, fields), answered(from, tcp(SERVICE, sender, { ...fields, ...AGED })));
  const [syn, ack, data, fin, last] = conversation().map(request) as [Step, Step, Step, Step, Step];
  return [
    syn, answer({ flags: SYN | ACK }), ack, data, answer({ flags: ACK }), answer({ flags: PSH | ACK, payload: payloadOf(23) }), fin,
    answer({ flags: FIN | ACK, identification: 0 }), last,
  ];
}

function udpVariants(): readonly UdpFields[] {
  return [0, 1, 2, 3, 63, 1472].flatMap((length) => [{ payload: payloadOf(length) }, { payload: payloadOf(length), withoutChecksum: true }]);
}

function tunnelled(inner: Uint8Array, fields: { readonly identification: number }): Uint8Array {
  return ipip(eth1.address, r1.address, inner, { ...AGED, ...fields });
}

function tunnelStep(fields: UdpFields, outer: Parameters<typeof ipip>[3], to = r1): Step {
  const ttl = (fields.ttl ?? 64) - 1;
  return fromClient(udp(CLIENT, SERVICE, fields), forwarded(to, ipip(eth1.address, to.address, udp(CLIENT, SERVICE, { ...fields, ttl }), { ttl, ...outer })));
}

/** Two bytes that make the checksum of such a datagram come out as zero: the checksum that it has without them. */
function zeroingPayload(from: End, to: End): Uint8Array {
  const without = udp(from, to, { payload: new Uint8Array(2) }).subarray(20);
  return without.slice(6, 8);
}

/** To the 60 bytes that the shortest Ethernet frame has. */
function padded(packet: Uint8Array): Uint8Array {
  const whole = new Uint8Array(46);
  whole.set(packet);
  return whole;
}
