// Fragments, of both families and by every method: a packet cut by its sender leaves the director as the same packet, which was
// forwarded whole, cut in the same places. Linux v6.12 ip_vs_core.c, ip_vs_gather_frags(); nf_conntrack_reasm.c.

import assert from "node:assert/strict";
import { decode, encodeInto } from "#layout/codec.js";
import { be16, host16 } from "#layout/numbers.js";
import type { VerdictName } from "#control/verdicts.js";
import type { ForwardMethod } from "#model/director.js";
import type { MarkRule } from "#model/marks.js";
import { IPPROTO_ESP, IPPROTO_UDP, Ipv4 } from "#wire/ipv4.js";
import { IPPROTO_DSTOPTS, Ipv6, Ipv6Fragment } from "#wire/ipv6.js";
import type { Case, Expectation, Step } from "../case.js";
import { answered, delivered, destination, dropped, forwarded, fromClient, fromServer, refused, service, serviceId, toStack } from "../case.js";
import type { End, FragmentFields, IpFields, UdpFields } from "../frame.js";
import { ACK, SYN, changeIp, concatenate, fragments, icmp, icmpv6, ip, ipip, payloadOf, sctp, tcp, totalLengthOf, udp } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, VIP6, at, client, client6, eth0, eth1, r1, r1v6, r2, r2v6, remote } from "../network.js";

const LEFT_TO_TC = "XDP has no part in fragments";
const AGED = { ttl: 63 };

interface Family {
  readonly name: string;
  readonly from: Host;
  readonly vip: string;
  readonly server: Host;
  /** Headers that every fragment has, and those of them that the packet has. */
  readonly headerBytes: number;
  readonly packetHeaderBytes: number;
}
const IPV4: Family = { name: "IPv4", from: client, vip: VIP, server: r1, headerBytes: 20, packetHeaderBytes: 20 };
const IPV6: Family = { name: "IPv6", from: client6, vip: VIP6, server: r1v6, headerBytes: 48, packetHeaderBytes: 40 };
const FAMILIES = [IPV4, IPV6];
const everyFamily = (make: (family: Family) => Case): Case[] => FAMILIES.map(make);

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 8080);
const NAT = [service("udp", 80, [destination(r1, 8080, "masq")]), service("tcp", 80, [destination(r1, 8080, "masq")])];

/** The first fragment by that verdict, and the others as they are without it. */
const atStack = (place: number, first: VerdictName): Expectation => toStack(place === 0 ? first : "fragment", LEFT_TO_TC);

/** A datagram that allows to be cut. */
const datagram = (from: End, to: End, fields: UdpFields = {}): Uint8Array => udp(from, to, { dontFragment: false, payload: payloadOf(4000), ...fields });

const clientOf = ({ from }: Family): End => at(from, 40000);
const serviceOf = ({ vip }: Family): End => at(vip, 80);
const other = ({ vip }: Family): string => (vip === VIP ? "10.0.0.77" : "fd00::77");
const secondOf = ({ vip }: Family): Host => (vip === VIP ? r2 : r2v6);
const sipMessage = (call: string): Uint8Array => Buffer.from(`INVITE sip:a@b SIP/2.0\r\nCall-ID: ${call}@c\r\n\r\n`.padEnd(2000, "."), "latin1");
const natOf = ({ vip, server }: Family) => service("udp", 80, [destination(server, 8080, "masq")], { address: vip });
const natRequest = (family: Family, fields: UdpFields = {}) => datagram(clientOf(family), serviceOf(family), fields);
const natAnswer = (family: Family, fields: UdpFields = {}) => datagram(at(family.server, 8080), clientOf(family), fields);
/** Of the datagram, put together. */
const wholeBytes = ({ packetHeaderBytes }: Family): bigint => BigInt(packetHeaderBytes + 4008);
const segment = (from: End, to: End, identification: number, fields: IpFields = {}) =>
  tcp(from, to, { flags: ACK, dontFragment: false, identification, payload: payloadOf(2000), ...fields });
const sealed = (from: string, to: string, fields: IpFields = {}) => ip(from, to, IPPROTO_ESP, payloadOf(3000), { dontFragment: false, ...fields });
const association = (from: End, to: End, fields: IpFields = {}) => sctp(from, to, { chunks: [{ type: 0, value: payloadOf(2000) }], dontFragment: false, ...fields });
const throughNat = (family: Family, fields: FragmentFields = {}, datagramFields: UdpFields = {}): Step[] =>
  through(family, family.server, natRequest(family, datagramFields), datagram(clientOf(family), at(family.server, 8080), { ...AGED, ...datagramFields }), fields);
const backByNat = (family: Family, fields: FragmentFields = {}): Step[] =>
  back(family, natAnswer(family), datagram(serviceOf(family), clientOf(family), AGED), fields);
/** RFC 6946: with a fragment header, and in one piece. */
const atomic = (packet: Uint8Array): Uint8Array => fragments(packet, { bytes: 65528 })[0]!;

const ANY_PACKET: Omit<MarkRule, "mark"> = { family: 4, protocol: undefined, source: undefined, destination: undefined, sourcePorts: undefined, destinationPorts: undefined };

export const fragmentCases: readonly Case[] = [
  ...everyFamily((family): Case => ({
    description: `${family.name}: NAT forwards a datagram in fragments, and its answer, as if they were whole; each is counted as one packet, put together`,
    services: [natOf(family)],
    steps: [1, 2].flatMap((identification) => [
      ...throughNat(family, { identification }),
      ...backByNat(family, { identification }),
    ]).concat([
      { destination: family.server, is: { connections: 1n, packetsIn: 2n, packetsOut: 2n, bytesIn: 2n * wholeBytes(family), bytesOut: 2n * wholeBytes(family) } },
    ]),
  })),
  ...everyFamily((family): Case => ({
    description: `${family.name}: fragments of every size go through, and datagrams without a checksum as by their family`,
    services: [natOf(family)],
    steps: [8, 16, 24, 1400].flatMap((bytes, i) =>
      throughNat(family, { identification: 100 + i, bytes }, { payload: payloadOf(bytes * 3 + 1), ...(family === IPV4 && { withoutChecksum: true }) })),
  })),
  ...everyFamily((family): Case => ({
    description: `${family.name}: DR forwards a datagram in fragments`,
    services: [service("udp", 80, [destination(family.server, 80, "route")], { address: family.vip })],
    steps: [
      ...through(family, family.server, datagram(clientOf(family), serviceOf(family)), datagram(clientOf(family), serviceOf(family), AGED)),
      { destination: family.server, is: { connections: 1n, packetsIn: 1n, bytesIn: wholeBytes(family) } },
    ],
  })),
  {
    description: "TUN forwards a datagram in fragments, each in a packet of its own: the first has the datagram's identification, the others different ones",
    services: [service("udp", 80, [destination(r1, 80, "tunnel")])],
    steps: tunnelSteps({ bytes: 504 }),
  },
  {
    description: "a fragment that does not fit the way is cut once more, and others of its packet are not; the first of its pieces is as long as fits",
    services: [service("udp", 80, [destination(r1, 80, "tunnel")])],
    steps: pieces(datagram(CLIENT, SERVICE)).map((piece, i, all) => {
      const isWhole = i === all.length - 1;
      const aged = pieces(datagram(CLIENT, SERVICE, AGED))[i]!;
      const leaves = isWhole ? aged : changeIp(aged.slice(0, 20 + 1456), { totalLength: be16(20 + 1456), flagsAndOffset: be16(0x2000 | i * 185) });
      return fromClient(piece, part(forwarded(r1, (sent) => tunnelled(leaves, identificationOf(sent))), leaves, i));
    }),
  },
  ...everyFamily((family): Case => ({
    description: `${family.name}: fragments come in any order behind the first, twice too; one that comes before it goes to the stack`,
    services: [natOf(family)],
    steps: [
      fromClient(pieces(natRequest(family))[1]!, toStack("fragment", LEFT_TO_TC), family.from),
      ...[0, 2, 1, 1, 0].map((i) => throughNat(family)[i]!),
    ],
  })),
  ...everyFamily((family): Case => ({
    description: `${family.name}: fragments of other packets go to the stack: of another identification, client, VIP's port or address, protocol`,
    services: [natOf(family)],
    steps: [
      ...throughNat(family),
      fromClient(pieces(natRequest(family), { identification: 8 })[1]!, toStack("fragment", LEFT_TO_TC), family.from),
      fromClient(pieces(datagram(at(other(family), 40000), serviceOf(family)))[1]!, toStack("fragment", LEFT_TO_TC), family.from),
      ...pieces(datagram(clientOf(family), at(family.vip, 81)), { identification: 9 }).map((piece, i) => fromClient(piece, atStack(i, "notOurs"), family.from)),
      ...pieces(datagram(clientOf(family), at(other(family), 80)), { identification: 9 }).map((piece, i) => fromClient(piece, atStack(i, "notOurs"), family.from)),
      ...pieces(ping(family), { identification: 10 }).map((piece) => fromClient(piece, toStack("fragment", LEFT_TO_TC), family.from)),
      ...pieces(datagram(at(family.server, 8081), clientOf(family)), { identification: 11 }).map((piece, i) => fromServer(family.server, piece, atStack(i, "notOurs"))),
    ],
  })),
  {
    description: "where nothing is by NAT, fragments for others than VIPs are looked up nowhere",
    services: [service("udp", 80, [destination(r1, 80, "route")])],
    steps: pieces(datagram(CLIENT, at(eth0, 80))).map((piece) => fromClient(piece, toStack("notOurs", LEFT_TO_TC))),
  },
  {
    description: "an identification that is used again belongs to the later packet",
    services: [natOf(IPV4), service("udp", 81, [destination(r2, 81, "masq")])],
    steps: [
      ...throughNat(IPV4),
      ...through(IPV4, r2, datagram(CLIENT, at(VIP, 81)), datagram(CLIENT, at(r2, 81), AGED)),
      ...pieces(datagram(CLIENT, at(VIP, 82))).map((piece, i) => fromClient(piece, atStack(i, "notOurs"))),
    ],
  },
  {
    description: "IPv4: fragments of another protocol are of another packet, though the identification is the same",
    services: NAT,
    steps: [
      ...throughNat(IPV4),
      fromClient(pieces(tcp(CLIENT, SERVICE, { flags: ACK, dontFragment: false, payload: payloadOf(2000) }))[1]!, toStack("fragment", LEFT_TO_TC)),
    ],
  },
  {
    description: "TCP segments in fragments go with their connection; where there is none, the whole of them goes to the stack",
    services: NAT,
    steps: [
      ...pieces(segment(CLIENT, SERVICE, 1)).map((piece, i) => fromClient(piece, atStack(i, "notASyn"))),
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), forwarded(r1, tcp(CLIENT, SERVER, { flags: SYN, ...AGED }))),
      fromServer(r1, tcp(SERVER, CLIENT, { flags: SYN | ACK }), answered(client, tcp(SERVICE, CLIENT, { flags: SYN | ACK, ...AGED }))),
      ...through(IPV4, r1, segment(CLIENT, SERVICE, 2), segment(CLIENT, SERVER, 2, AGED)),
      ...back(IPV4, segment(SERVER, CLIENT, 3), segment(SERVICE, CLIENT, 3, AGED)),
      { connections: [{ client: "10.0.0.2:40000", virtual: "10.0.0.100:80", destination: "10.1.0.11:8080", state: "ESTABLISHED", expiresSeconds: 899 }] },
    ],
  },
  {
    description: "a first fragment without the whole of a TCP header goes to the stack, and so do the others",
    services: NAT,
    steps: pieces(tcp(CLIENT, SERVICE, { flags: SYN, dontFragment: false, payload: payloadOf(20) }), { bytes: 16 }).map((piece, i) => fromClient(piece, atStack(i, "truncated"))),
  },
  ...everyFamily((family): Case => ({
    description: `${family.name}: of a packet whose hops are used up the client hears once`,
    services: [natOf(family)],
    steps: pieces(natRequest(family, { ttl: 1 })).map((piece, i) =>
      fromClient(piece, part(i === 0 ? refused("ttlExceeded", hopsUsedUp(family, piece), "counted") : dropped("ttlExceeded", "counted"), piece, i), family.from)),
  })),
  ...everyFamily((family): Case => ({
    description: `${family.name}: an answer whose hops are used up is the stack's`,
    services: [natOf(family)],
    steps: [
      ...throughNat(family),
      ...pieces(natAnswer(family, { ttl: 1 })).map((piece) => fromServer(family.server, piece, toStack("answerTtlExceeded", LEFT_TO_TC))),
    ],
  })),
  {
    description: "without a server the client hears so once, and the other fragments go to the stack",
    services: [service("udp", 80, [])],
    steps: pieces(datagram(CLIENT, SERVICE)).map((piece, i) =>
      fromClient(piece, i === 0 ? refused("noDestination", icmpError({ type: 3, code: 3 }, piece)) : toStack("fragment", LEFT_TO_TC))),
  },
  {
    description: "fragments of a connection whose server was removed are dropped",
    services: NAT,
    steps: [
      ...throughNat(IPV4),
      { change: ({ director }) => director.deleteDestination(serviceId("udp", 80), { address: r1.address, port: 8080 }) },
      ...pieces(natRequest(IPV4), { identification: 9 }).map((piece) => fromClient(piece, dropped("destinationRemoved"))),
    ],
  },
  {
    description: "fragments for the director itself go to the stack, and are counted",
    services: [service("udp", 80, [destination({ ...r1, address: eth1.address }, 80, "route")])],
    steps: [
      ...pieces(datagram(CLIENT, SERVICE)).map((piece, i) => fromClient(piece, part(delivered, piece, i))),
      { destination: { ...r1, address: eth1.address }, is: { packetsIn: 1n, bytesIn: 4028n } },
    ],
  },
  {
    description: "a real server behind a gateway gets all fragments by that",
    services: [service("udp", 80, [destination(remote, 80, "masq")])],
    steps: through(IPV4, remote, datagram(CLIENT, SERVICE), datagram(CLIENT, at(remote, 80), AGED)),
  },
  ...(["masq", "route", "tunnel"] as const).map((method): Case => ({
    description: `one-packet scheduling chooses a server for a packet, not for each of its fragments, mixed with another's too: ${method}`,
    services: [service("udp", 80, [r1, r2].map((host) => destination(host, 80, method)), { onePacket: true })],
    steps: [
      ...[0, 0, 1, 1, 2, 2].map((i, place) => {
        const [server, identification] = place % 2 === 0 ? [r2, 1] as const : [r1, 2] as const;
        const fields = { identification, bytes: 1400 };
        const piece = pieces(datagram(CLIENT, SERVICE), fields)[i]!;
        return fromClient(piece, part(forwarded(server, (sent) => onItsWay(method, server, fields, i, sent)), piece, i));
      }),
      { connections: [] },
      { destination: r1, is: { connections: 1n, packetsIn: 1n, bytesIn: 4028n } }, { destination: r2, is: { connections: 1n, packetsIn: 1n, bytesIn: 4028n } },
    ],
  })),
  {
    description: "fragments of a service by mark go after the first, whose ports a rule asks for",
    services: [{ service: { ...service("udp", 0, []).service, id: { kind: "fwmark", fwmark: 7, family: 4 } }, destinations: [destination(r1, 8080, "masq")] }],
    steps: [
      { change: ({ director }) => director.setMarkRules([{ ...ANY_PACKET, mark: 7, protocol: "udp", destinationPorts: { from: 80, to: 80 } }]) },
      ...throughNat(IPV4),
    ],
  },
  ...everyFamily((family): Case => ({
    description: `${family.name}: SIP messages of one call, in fragments, go to one server, by the Call-ID in the first`,
    services: [service("udp", 80, [family.server, secondOf(family)].map((host) => destination(host, 8080, "masq")), { address: family.vip, persistentSeconds: 100, persistenceEngine: "sip" })],
    steps: [["one", secondOf(family)], ["other", family.server], ["one", secondOf(family)], ["other", family.server]].flatMap(([call, server], i) => {
      const [from, payload] = [at(family.from, 41000 + i), sipMessage(call as string)];
      return through(family, server as Host, datagram(from, serviceOf(family), { payload }), datagram(from, at(server as Host, 8080), { ...AGED, payload }), { identification: i + 1, bytes: 1200 });
    }),
  })),
  {
    description: "FTP's control connection: a line in fragments goes on as it is",
    services: [service("tcp", 21, [destination(r1, 21, "masq")])],
    steps: [
      fromClient(tcp(CLIENT, at(VIP, 21), { flags: SYN }), { ...forwarded(r1, tcp(CLIENT, at(r1, 21), { flags: SYN, ...AGED })), leftToTc: "XDP reads no lines" }),
      ...through(IPV4, r1, segment(CLIENT, at(VIP, 21), 2), segment(CLIENT, at(r1, 21), 2, AGED)),
      ...back(IPV4, segment(at(r1, 21), CLIENT, 3), segment(at(VIP, 21), CLIENT, 3, AGED)),
    ],
  },
  {
    description: "ESP in fragments goes with its ends' key exchange",
    services: [service("udp", 500, [destination(r1, 500, "masq")])],
    steps: [
      fromClient(udp(at(client, 500), at(VIP, 500)), forwarded(r1, udp(at(client, 500), at(r1, 500), AGED))),
      ...through(IPV4, r1, sealed(client.address, VIP), sealed(client.address, r1.address, AGED)),
      ...back(IPV4, sealed(r1.address, client.address), sealed(VIP, client.address, AGED)),
    ],
  },
  {
    description: "SCTP in fragments goes through where its ports stay; where one would change, its checksum cannot be made up for",
    services: [service("sctp", 80, [destination(r1, 80, "masq")]), service("sctp", 81, [destination(r1, 82, "masq")])],
    steps: [
      ...[[80, 80], [81, 82]].map(([port, mapped]) =>
        fromClient(sctp(CLIENT, at(VIP, port!), { chunks: [{ type: 1 }] }), forwarded(r1, sctp(CLIENT, at(r1, mapped!), { chunks: [{ type: 1 }], ...AGED })))),
      ...through(IPV4, r1, association(CLIENT, SERVICE), association(CLIENT, at(r1, 80), AGED)),
      fromClient(pieces(association(CLIENT, at(VIP, 81)))[0]!, dropped("rewriteFailed", "counted")),
    ],
  },
  {
    description: "IPv6: a packet with a fragment header that is whole passes as such, at XDP too",
    services: [natOf(IPV6)],
    steps: [
      fromClient(atomic(udp(clientOf(IPV6), serviceOf(IPV6))), forwarded(r1v6, atomic(udp(clientOf(IPV6), at(r1v6, 8080), AGED))), client6),
      fromServer(r1v6, atomic(udp(at(r1v6, 8080), clientOf(IPV6))), answered(client6, atomic(udp(serviceOf(IPV6), clientOf(IPV6), AGED)))),
    ],
  },
  {
    description: "IPv6: a fragment that is cut again goes to the stack",
    services: [natOf(IPV6)],
    steps: [
      ...throughNat(IPV6),
      ...pieces(pieces(natRequest(IPV6))[0]!, { identification: 9, bytes: 1000 }).map((piece, i) => fromClient(piece, atStack(i, "otherProtocol"), client6)),
    ],
  },
  {
    description: "IPv6: other extension headers before that of fragments, and within what was cut",
    services: [natOf(IPV6)],
    steps: [{ headers: 24 }, { headers: 0 }].flatMap(({ headers }, i) => {
      const extended = (to: End, fields: UdpFields = {}) => withOptions(datagram(clientOf(IPV6), to, fields));
      const cut = { headers, identification: 20 + i, bytes: 1240 };
      return pieces(extended(serviceOf(IPV6)), cut).map((piece, place) =>
        fromClient(piece, part(forwarded(r1v6, pieces(extended(at(r1v6, 8080), AGED), cut)[place]!), piece, place, headers), client6));
    }),
  },
];

function ping({ name, from, vip }: Family): Uint8Array {
  return name === "IPv4"
    ? icmp(from.address, vip, { type: 8, dontFragment: false, payload: payloadOf(3000) })
    : icmpv6(from.address, vip, { type: 128, payload: payloadOf(3000) });
}

/** IPv6's leave room for their header. */
function pieces(packet: Uint8Array, fields: FragmentFields = {}): Uint8Array[] {
  return fragments(packet, { ...(packet[0]! >> 4 === 6 && { bytes: 1448 }), ...fields });
}

/** What becomes of a packet's fragment: the first counts as a packet, of which the others are more bytes; of IPv6 the last takes the first one's fragment header off. */
function part<T extends Expectation>(expect: T, piece: Uint8Array, place: number, headers = 0): T {
  const out = expect.fate === "forwarded" && expect.direction === "out";
  const bytes = totalLengthOf(piece) - (place === 0 ? 0 : piece[0]! >> 4 === 6 ? IPV6.headerBytes + headers + (isLast(piece, headers) ? 8 : 0) : IPV4.headerBytes);
  const counts = out ? { packetsOut: place === 0 ? 1 : 0, bytesOut: bytes } : { packetsIn: place === 0 ? 1 : 0, bytesIn: bytes };
  return { ...expect, leftToTc: LEFT_TO_TC, counts };
}


/** Of IPv6. */
function isLast(piece: Uint8Array, headers: number): boolean {
  return (host16(decode(Ipv6Fragment, piece.subarray(Ipv6.size + headers)).offsetAndFlags) & 1) === 0;
}

/** From the client to a server, and as it arrives there. */
function through({ from }: Family, to: Host, packet: Uint8Array, forwardedPacket: Uint8Array, fields: FragmentFields = {}): Step[] {
  return pieces(packet, fields).map((piece, i) => fromClient(piece, part(forwarded(to, pieces(forwardedPacket, fields)[i]!), piece, i), from));
}

function back({ from, server }: Family, packet: Uint8Array, forwardedPacket: Uint8Array, fields: FragmentFields = {}): Step[] {
  return pieces(packet, fields).map((piece, i) => fromServer(server, piece, part(answered(from, pieces(forwardedPacket, fields)[i]!), piece, i)));
}

/** If routers cut those packets again, their receiver must not mix them up. */
function tunnelSteps(fields: FragmentFields): Step[] {
  const identifications: number[] = [];
  return [
    { change: () => identifications.splice(0) },
    ...pieces(datagram(CLIENT, SERVICE), fields).map((piece, i) => {
      const inner = pieces(datagram(CLIENT, SERVICE, AGED), fields)[i]!;
      return fromClient(piece, part(forwarded(r1, (sent) => {
        identifications.push(identificationOf(sent));
        return tunnelled(inner, i === 0 ? 7 : identificationOf(sent));
      }), piece, i));
    }),
    { destination: r1, is: { connections: 1n, packetsIn: 1n, bytesIn: 4028n } },
    // They are random: that all of seven are the same, nobody will see.
    { change: () => assert.ok(new Set(identifications.slice(1)).size > 1, `identifications ${identifications.join(", ")}`) },
  ];
}

/** By a service on port 80 of the server too. */
function onItsWay(method: ForwardMethod, server: Host, fields: FragmentFields, place: number, sent: Uint8Array): Uint8Array {
  const inner = pieces(datagram(CLIENT, method === "masq" ? at(server, 80) : SERVICE, AGED), fields)[place]!;
  if (method !== "tunnel") return inner;
  return ipip(eth1.address, server.address, inner, { ...AGED, dontFragment: false, identification: place === 0 ? fields.identification! : identificationOf(sent) });
}

function tunnelled(inner: Uint8Array, identification: number): Uint8Array {
  return ipip(eth1.address, r1.address, inner, { ...AGED, dontFragment: false, identification });
}

function identificationOf(packet: Uint8Array): number {
  return host16(decode(Ipv4, packet).identification);
}

function icmpError(kind: { readonly type: number; readonly code: number }, cause: Uint8Array): Uint8Array {
  return icmp(VIP, client.address, { ...kind, payload: cause.subarray(0, 548), typeOfService: 0xc0, dontFragment: false });
}

function hopsUsedUp(family: Family, cause: Uint8Array): Uint8Array {
  return family === IPV4 ? icmpError({ type: 11, code: 0 }, cause) : icmpv6(VIP6, client6.address, { type: 3, identification: 0, payload: cause.subarray(0, 1232) });
}

/** With destination options of 24 bytes. */
function withOptions(packet: Uint8Array): Uint8Array {
  const header = packet.slice(0, Ipv6.size);
  encodeInto(Ipv6, { payloadLength: be16(packet.length - Ipv6.size + 24), nextHeader: IPPROTO_DSTOPTS }, header);
  // RFC 8200 section 4.2: its length in units of 8 bytes, the first not counted; padding.
  return concatenate(header, Uint8Array.of(IPPROTO_UDP, 2, 1, 20), new Uint8Array(20), packet.subarray(Ipv6.size));
}
