// IPv6 by DR and NAT: the same path as IPv4's, compiled for the other family. What differs is here: extension headers, no
// header checksum, addresses in every sum, ICMPv6. Kernel v6.12 ip_vs_xmit.c, *_v6(); recordings/no-destination.txt.

import { encodeInto } from "#layout/codec.js";
import { be16 } from "#layout/numbers.js";
import { toAddress } from "#control/encode.js";
import { Ports } from "#dataplane/transport.js";
import type { IpProtocol } from "#wire/ipv4.js";
import { IPPROTO_TCP } from "#wire/ipv4.js";
import { IPPROTO_DSTOPTS, IPPROTO_HOPOPTS, IPPROTO_ROUTING, Ipv6, Ipv6Fragment } from "#wire/ipv6.js";
import type { Case, ServiceDescription, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, passes, refused, service, toStack } from "../case.js";
import type { End, IcmpFields, TcpFields, UdpFields } from "../frame.js";
import { ACK, FIN, PSH, SYN, concatenate, fragments, icmpv6, ipip, payloadOf, tcp, udp } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, VIP6, at, client, client6, eth0, eth1, gateway6, r1, r1v6, r2v6, remote6, router6, silent6, unreachable6 } from "../network.js";

const CLIENT = at(client6, 40000);
const SERVICE = at(VIP6, 80);
const OTHER_SERVICE = at(VIP6, 81);
const SERVER = at(r1v6, 8080);
const AGED = { ttl: 63 };
const NOT_SEEN_AT_XDP = "XDP leaves answers that pass the director to TC";
const LEFT_TO_TC = "XDP has no part in ICMP";
/** What ICMPv6 that the director makes itself has for a flow label: none. */
const OWN = { identification: 0 };
/** RFC 4443 section 2.4 c: an error is at most 1,280 bytes long, of which the headers take 48. */
const QUOTED_MAX = 1232;

const PORT_UNREACHABLE = { type: 1, code: 4 };
const HOP_LIMIT_EXCEEDED = { type: 3, code: 0 };
const FRAGMENT_BYTES = Ipv6Fragment.size;
/** As an error quotes them. */
const firstAndLater = (packet: Uint8Array): readonly Uint8Array[] => fragments(packet, { bytes: 512 });
const packetTooBig = (mtu: number) => ({ type: 2, rest: mtu });

const service6 = (protocol: "tcp" | "udp", port: number, destinations: Parameters<typeof service>[2], changes: Parameters<typeof service>[3] = {}): ServiceDescription =>
  service(protocol, port, destinations, { address: VIP6, ...changes });
const NAT = [service6("tcp", 80, [destination(r1v6, 8080, "masq")]), service6("udp", 80, [destination(r1v6, 8080, "masq")])];

export const ipv6Cases: readonly Case[] = [
  {
    description: "IPv6: DR sends packets to the real server, one hop older and otherwise as they are",
    services: [service6("tcp", 80, [destination(r1v6, 80, "route")])],
    steps: [
      ...conversation().map((fields) => fromClient(tcp(CLIENT, SERVICE, fields), forwarded(r1v6, tcp(CLIENT, SERVICE, { ...fields, ...AGED })), client6)),
      { destination: r1v6, is: { active: 0, inactive: 1, connections: 1n, packetsIn: 5n, bytesIn: 350n } },
      { connections: [{ client: "[fd00::2]:40000", virtual: "[fd00::100]:80", destination: "[fd01::11]:80", state: "FIN_WAIT", expiresSeconds: 119 }] },
    ],
  },
  {
    description: "IPv6: NAT rewrites addresses and ports in both directions, for a client beside the director and one behind a router",
    services: NAT,
    steps: [client6, { ...router6, name: "distant", address: "fd03::99:1" }].flatMap((from) => [
      ...natConversation(from),
      ...udpVariants().flatMap((fields) => [
        fromClient(udp(at(from, 40000), SERVICE, fields), forwarded(r1v6, udp(at(from, 40000), SERVER, { ...fields, ...AGED })), from),
        fromServer(r1v6, udp(SERVER, at(from, 40000), fields), answered(from, udp(SERVICE, at(from, 40000), { ...fields, ...AGED }))),
      ]),
    ]),
  },
  {
    description: "IPv6: a real server behind a gateway is reached, one that nothing leads to and one that nobody answers for are not known at XDP",
    services: [service6("udp", 80, [destination(remote6, 80, "masq")]), service6("udp", 81, [destination(unreachable6, 81, "masq")]), service6("udp", 82, [destination(silent6, 82, "masq")])],
    steps: [
      fromClient(udp(CLIENT, SERVICE), forwarded(remote6, udp(CLIENT, at(remote6, 80), AGED)), client6),
      fromClient(udp(CLIENT, at(VIP6, 81)), dropped("noRoute", "counted"), client6),
      fromClient(udp(CLIENT, at(VIP6, 82)), { ...forwarded(silent6, udp(CLIENT, at(silent6, 82), AGED)), leftToTc: "the neighbour is not known yet" }, client6),
    ],
  },
  {
    description: "IPv6: two clients of one port have connections of their own, and so have both families",
    services: [...NAT, service("tcp", 80, [destination(r1, 8080, "masq")])],
    steps: [
      ...natConversation(client6), ...natConversation({ ...router6, address: "fd03::3" }),
      fromClient(tcp(at(client, 40000), at(VIP, 80), { flags: SYN }), forwarded(r1, tcp(at(client, 40000), at(r1, 8080), { flags: SYN, ...AGED }))),
    ],
  },
  {
    description: "IPv6: extension headers are passed over, whatever their order, and go along",
    services: NAT,
    steps: [
      [extension(IPPROTO_HOPOPTS, 8)], [extension(IPPROTO_DSTOPTS, 24)], [extension(IPPROTO_ROUTING, 16)],
      [extension(IPPROTO_HOPOPTS, 16), extension(IPPROTO_ROUTING, 24), extension(IPPROTO_DSTOPTS, 8), extension(IPPROTO_DSTOPTS, 80)],
    ].flatMap((headers, i) => {
      const from = at(client6, 41000 + i);
      return [
        fromClient(extended(tcp(from, SERVICE, { flags: SYN }), headers), forwarded(r1v6, extended(tcp(from, SERVER, { flags: SYN, ...AGED }), headers)), client6),
        fromServer(r1v6, extended(tcp(SERVER, from, { flags: SYN | ACK }), headers), answered(client6, extended(tcp(SERVICE, from, { flags: SYN | ACK, ...AGED }), headers))),
      ];
    }),
  },
  {
    description: "IPv6: more extension headers than are looked at are the stack's",
    services: NAT,
    steps: [
      fromClient(extended(tcp(CLIENT, SERVICE, { flags: SYN }), [extension(IPPROTO_DSTOPTS, 136)]), toStack("otherProtocol"), client6),
      fromClient(extended(tcp(CLIENT, SERVICE, { flags: SYN }), new Array<Extension>(7).fill(extension(IPPROTO_DSTOPTS, 8))), toStack("otherProtocol"), client6),
    ],
  },
  {
    description: "IPv6: a service without destinations answers port unreachable from the VIP, to TCP as to UDP, at every length",
    services: [service6("tcp", 80, []), service6("udp", 80, [])],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), refused("noDestination", error(PORT_UNREACHABLE, tcp(CLIENT, SERVICE, { flags: SYN }))), client6),
      ...[0, 1, 2, 3, 1183, 1184, 1185, 1400].map((length) => {
        const cause = udp(CLIENT, SERVICE, { payload: payloadOf(length) });
        return fromClient(cause, refused("noDestination", error(PORT_UNREACHABLE, cause)), client6);
      }),
      { connections: [] },
    ],
  },
  {
    description: "IPv6: the last hop is answered from the VIP, an answer's last hop is the stack's",
    services: NAT,
    steps: [
      fromClient(udp(CLIENT, SERVICE), forwarded(r1v6, udp(CLIENT, SERVER, AGED)), client6),
      fromClient(udp(CLIENT, SERVICE, { ttl: 1 }), refused("ttlExceeded", error(HOP_LIMIT_EXCEEDED, udp(CLIENT, SERVICE, { ttl: 1 })), "counted"), client6),
      fromServer(r1v6, udp(SERVER, CLIENT, { ttl: 1 }), toStack("answerTtlExceeded")),
    ],
  },
  {
    description: "IPv6: an answer by DR or TUN that passes the director is the stack's, is counted, and takes its part in the connection's state",
    services: [service6("tcp", 80, [destination(r1v6, 80, "route")]), service6("tcp", 81, [destination(r2v6, 81, "tunnel")])],
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), forwarded(r1v6, tcp(CLIENT, SERVICE, { flags: SYN, ...AGED })), client6),
      fromClient(tcp(CLIENT, OTHER_SERVICE, { flags: SYN }), forwarded(r2v6, ipip(eth1.addressIpv6, r2v6.address, tcp(CLIENT, OTHER_SERVICE, { flags: SYN, ...AGED }), { ...AGED, identification: 0 })), client6),
      ...([[r1v6, SERVICE], [r2v6, OTHER_SERVICE]] as const).flatMap(([server, from]) =>
        [SYN | ACK, FIN | ACK].map((flags) => tcp(from, CLIENT, { flags })).map((packet) => fromServer(server, packet, passes(packet)))),
      fromServer(r1v6, tcp(SERVICE, CLIENT, { flags: ACK, ttl: 1 }), toStack("answerTtlExceeded", NOT_SEEN_AT_XDP)),
      fromServer(r1v6, tcp(SERVICE, at(client6, 40001), { flags: ACK }), toStack("notOurs", NOT_SEEN_AT_XDP)),
      { connections: [
        { client: "[fd00::2]:40000", virtual: "[fd00::100]:80", destination: "[fd01::11]:80", state: "TIME_WAIT", expiresSeconds: 119 },
        { client: "[fd00::2]:40000", virtual: "[fd00::100]:81", destination: "[fd01::12]:81", state: "TIME_WAIT", expiresSeconds: 119 },
      ] },
    ],
  },
  {
    description: "IPv6: a packet larger than the way's MTU is answered packet too big, when it is one hop older",
    services: [service6("udp", 80, [destination(r1v6, 80, "route")])],
    steps: [
      fromClient(udp(CLIENT, SERVICE, { payload: payloadOf(1452) }), forwarded(r1v6, udp(CLIENT, SERVICE, { payload: payloadOf(1452), ...AGED })), client6),
      fromClient(udp(CLIENT, SERVICE, { payload: payloadOf(1453) }), refused("tooBig", error(packetTooBig(1500), udp(CLIENT, SERVICE, { payload: payloadOf(1453), ...AGED })), "counted both ways"), client6),
    ],
  },
  {
    description: "IPv6: what is no connection's beginning, for no service or from no client goes to the stack",
    services: NAT,
    steps: [
      fromClient(tcp(CLIENT, SERVICE, { flags: ACK }), toStack("notASyn"), client6),
      fromClient(udp(CLIENT, at(VIP6, 81)), toStack("notOurs"), client6),
      fromClient(udp(at("ff02::1", 1), SERVICE), toStack("notOurs"), client6),
      fromClient(udp(at("::1", 1), SERVICE), toStack("notOurs"), client6),
      fromClient(udp(at("::", 1), SERVICE), toStack("notOurs"), client6),
      fromClient(icmpv6(client6.address, VIP6, { type: 128, payload: payloadOf(56) }), { ...toStack("otherProtocol"), leftToTc: LEFT_TO_TC }, client6),
      fromClient(icmpv6("fe80::2", "ff02::1:ff00:100", { type: 135, payload: payloadOf(24) }), { ...toStack("otherProtocol"), leftToTc: LEFT_TO_TC }, client6),
      fromClient(changed(tcp(CLIENT, SERVICE, { flags: SYN }), { payloadLength: be16(21) }), toStack("truncated"), client6),
      fromClient(changed(tcp(CLIENT, SERVICE, { flags: SYN }), { payloadLength: be16(19) }), toStack("truncated"), client6),
    ],
  },
  {
    description: "IPv6: an error about an answer by NAT goes to the real server, one about a request to the client, and each speaks of what its receiver knows",
    services: NAT,
    steps: [
      ...natConversation(client6),
      ...[PORT_UNREACHABLE, { type: 2, rest: 1280 }, HOP_LIMIT_EXCEEDED, { type: 4 }].flatMap((kind) => [
        aboutAnswer(kind, tcp(SERVICE, CLIENT, { flags: ACK, payload: payloadOf(501) })),
        aboutRequest(kind, tcp(CLIENT, SERVER, { flags: ACK, ...AGED })),
      ]),
    ],
  },
  {
    description: "IPv6: an error about a first fragment follows its connection, one about a later one is the stack's",
    services: NAT,
    steps: [
      ...natConversation(client6),
      aboutAnswer({ type: 2, rest: 1280 }, firstAndLater(tcp(SERVICE, CLIENT, { flags: ACK, payload: payloadOf(1000) }))[0]!, FRAGMENT_BYTES),
      aboutRequest({ type: 2, rest: 1280 }, firstAndLater(tcp(CLIENT, SERVER, { flags: ACK, payload: payloadOf(1000), ...AGED }))[0]!, FRAGMENT_BYTES),
      fromClient(icmpv6(router6.address, VIP6, { type: 2, rest: 1280, payload: firstAndLater(tcp(SERVICE, CLIENT, { flags: ACK, payload: payloadOf(1000) }))[1]! }),
        toStack("otherProtocol", LEFT_TO_TC), router6),
    ],
  },
  {
    description: "IPv6: an error about an answer by DR goes to the real server as it is, one hop older",
    services: [service6("udp", 80, [destination(r1v6, 80, "route")])],
    steps: [
      fromClient(udp(CLIENT, SERVICE), forwarded(r1v6, udp(CLIENT, SERVICE, AGED)), client6),
      fromClient(icmpv6(router6.address, VIP6, { type: 2, rest: 1400, payload: udp(SERVICE, CLIENT) }),
        { ...forwarded(r1v6, icmpv6(router6.address, VIP6, { type: 2, rest: 1400, payload: udp(SERVICE, CLIENT), ...AGED })), leftToTc: LEFT_TO_TC }, router6),
    ],
  },
  {
    description: "IPv6: a persistent service on port 0 sends each port to the same port of the client's server; ports with a service of their own stay its",
    services: [service6("tcp", 0, [r1v6, r2v6].map((host) => destination(host, 0, "masq")), { persistentSeconds: 200 }), service6("tcp", 90, [destination(r1v6, 8090, "masq")])],
    steps: ([[5000, r2v6, 5000], [8080, r2v6, 8080], [90, r1v6, 8090]] as const).map(([port, server, there], i) =>
      fromClient(tcp(at(client6, 47100 + i), at(VIP6, port), { flags: SYN }), forwarded(server, tcp(at(client6, 47100 + i), at(server, there), { flags: SYN, ...AGED })), client6)),
  },
  {
    description: "IPv6: a prefix length makes one template of a network of clients",
    services: [service6("tcp", 80, [r1v6, r2v6].map((host) => destination(host, 80, "masq")), { persistentSeconds: 100, netmask: "112" })],
    steps: [
      ...["fd03::99:1", "fd03::99:ffff", "fd03::9a:1"].flatMap((address, i) => {
        const from: Host = { ...router6, address };
        const server = i < 2 ? r2v6 : r1v6;
        return [fromClient(tcp(at(from, 40000), SERVICE, { flags: SYN }), forwarded(server, tcp(at(from, 40000), at(server, 80), { flags: SYN, ...AGED })), from)];
      }),
      {
        connections: [
          { client: "[fd03::99:0]:0", virtual: "[fd00::100]:80", destination: "[fd01::12]:80", state: "NONE", expiresSeconds: 99 },
          { client: "[fd03::9a:0]:0", virtual: "[fd00::100]:80", destination: "[fd01::11]:80", state: "NONE", expiresSeconds: 99 },
          ...["fd03::99:1", "fd03::99:ffff"].map((address) => ({ client: `[${address}]:40000`, virtual: "[fd00::100]:80", destination: "[fd01::12]:80", state: "SYN_RECV", expiresSeconds: 59 })),
          { client: "[fd03::9a:1]:40000", virtual: "[fd00::100]:80", destination: "[fd01::11]:80", state: "SYN_RECV", expiresSeconds: 59 },
        ],
      },
    ],
  },
];

/** What a client sends in a short connection; 350 bytes of IP. */
function conversation(): readonly TcpFields[] {
  return [
    { flags: SYN, sequence: 99 }, { flags: ACK, sequence: 100 }, { flags: PSH | ACK, sequence: 100, payload: payloadOf(33) },
    { flags: FIN | ACK, sequence: 133, payload: payloadOf(17) }, { flags: ACK, sequence: 151 },
  ];
}

function natConversation(from: Host): readonly Step[] {
  const sender = at(from, CLIENT.port);
  const request = (fields: TcpFields) => fromClient(tcp(sender, SERVICE, fields), forwarded(r1v6, tcp(sender, SERVER, { ...fields, ...AGED })), from);
  const answer = (fields: TcpFields) => fromServer(r1v6, tcp(SERVER, sender, fields), answered({ ...from, interface: eth0 }, tcp(SERVICE, sender, { ...fields, ...AGED })));
  const [syn, ...rest] = conversation().map(request) as [Step, ...Step[]];
  return [syn, answer({ flags: SYN | ACK }), ...rest.slice(0, 2), answer({ flags: PSH | ACK, payload: payloadOf(23), typeOfService: 0x2a })];
}

function udpVariants(): readonly UdpFields[] {
  return [0, 1, 2, 3, 63, 1452].map((length) => ({ payload: payloadOf(length) }));
}

interface Extension {
  readonly protocol: IpProtocol;
  /** With room for the next header in the first byte. */
  readonly bytes: Uint8Array;
}

/** `length`: in bytes, a multiple of eight. */
function extension(protocol: IpProtocol, length: number): Extension {
  const bytes = payloadOf(length);
  bytes[1] = length / 8 - 1;
  return { protocol, bytes };
}

/** A TCP packet with extension headers in it. */
function extended(packet: Uint8Array, extensions: readonly Extension[]): Uint8Array {
  const protocols = [...extensions.map(({ protocol }) => protocol), IPPROTO_TCP];
  const headers = concatenate(...extensions.map(({ bytes }, i) => concatenate(Uint8Array.of(protocols[i + 1]!), bytes.subarray(1))));
  const length = packet.length - Ipv6.size + headers.length;
  return concatenate(changed(packet, { payloadLength: be16(length), nextHeader: protocols[0]! }).subarray(0, Ipv6.size), headers, packet.subarray(Ipv6.size));
}

function changed(packet: Uint8Array, values: Parameters<typeof encodeInto<typeof Ipv6>>[1]): Uint8Array {
  const copy = packet.slice();
  encodeInto(Ipv6, values, copy);
  return copy;
}

function error(kind: IcmpFields, cause: Uint8Array): Uint8Array {
  return icmpv6(VIP6, client6.address, { ...OWN, ...kind, payload: cause.subarray(0, QUOTED_MAX) });
}

/** `extensions`: bytes of extension headers that the quoted packet has. */
function aboutAnswer(kind: IcmpFields, quoted: Uint8Array, extensions = 0): Step {
  const told = icmpv6(router6.address, r1v6.address, { ...kind, ...AGED, payload: quoting(quoted, { from: SERVER }, extensions) });
  return fromClient(icmpv6(router6.address, VIP6, { ...kind, payload: quoted }), { ...forwarded(r1v6, told), leftToTc: LEFT_TO_TC }, router6);
}

function aboutRequest(kind: IcmpFields, quoted: Uint8Array, extensions = 0): Step {
  const told = icmpv6(VIP6, client6.address, { ...kind, ...AGED, payload: quoting(quoted, { to: SERVICE }, extensions) });
  return fromServer(r1v6, icmpv6(gateway6.address, client6.address, { ...kind, payload: quoted }), { ...answered(client6, told), leftToTc: LEFT_TO_TC });
}

/** What is quoted, with another end; the transport header's checksum stays. */
export function quoting(packet: Uint8Array, { from, to }: { readonly from?: End; readonly to?: End }, extensions = 0): Uint8Array {
  const copy = changed(packet, { ...(from && { source: toAddress(from.address) }), ...(to && { destination: toAddress(to.address) }) });
  encodeInto(Ports, { ...(from && { source: be16(from.port) }), ...(to && { destination: be16(to.port) }) }, copy.subarray(Ipv6.size + extensions));
  return copy;
}

