// Tunnels by every kind, with every family in and out. Bytes as in recordings/forward-ipip.txt and Linux v6.12
// net/netfilter/ipvs/ip_vs_xmit.c, ip_vs_tunnel_xmit(), ip_vs_tunnel_xmit_v6(), ipvs_gue_encap(), ipvs_gre_encap().

import assert from "node:assert/strict";
import { decode } from "#layout/codec.js";
import { host16 } from "#layout/numbers.js";
import { addressFamily } from "#model/address.js";
import type { Destination } from "#model/director.js";
import { Ipv4 } from "#wire/ipv4.js";
import { Ipv6, Ipv6Fragment } from "#wire/ipv6.js";
import { UDP_CHECKSUM_OFFSET, Udp } from "#wire/udp.js";
import type { Case, ServiceDescription, Step } from "../case.js";
import { destination, forwarded, fromClient, refused, service } from "../case.js";
import type { End, IpFields, TcpFields, UdpFields } from "../frame.js";
import { ACK, FIN, PSH, SYN, fragments, frame, gre, gue, icmp, icmpv6, ipip, payloadOf, tcp, udp } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, VIP6, at, client, client6, distantClient, eth0, eth1, r1, r1v6, r3v6, r4, r4v6, remote, remote6, router, router6, silent6 } from "../network.js";

export const TUNNEL_PORT = 6080;
const MTU = 1500;
/** Linux include/uapi/linux/ip_vs.h, IP_VS_SVC_F_SCHED_MH_PORT, without the bits below. */
const MH_PORT = 2;
const MH_CLIENT = at(distantClient(371), 20062);
/** Forty bytes of "no operation": the longest IPv4 header there is. */
const ALL_OPTIONS = new Uint8Array(40).fill(1);

export interface Kind {
  readonly name: string;
  readonly tunnel: Pick<Destination, "tunnelType" | "tunnelPort" | "tunnelChecksum">;
  /** Between the IP headers. */
  readonly bytes: number;
  /** As it must leave: `sent` is what did. */
  readonly around: (inner: Uint8Array, to: string, outer: IpFields, sent: Uint8Array) => Uint8Array;
}

const byGue = (name: string, tunnelChecksum: Destination["tunnelChecksum"]): Kind => ({
  name, tunnel: { tunnelType: "gue", tunnelPort: TUNNEL_PORT, tunnelChecksum }, bytes: 12,
  around: (inner, to, outer, sent) => gue(at(ownAddress(to), sourcePortOf(sent)), at(to, TUNNEL_PORT), inner, { ...outer, withoutChecksum: tunnelChecksum === "none" }),
});

const byGre = (name: string, withChecksum: boolean): Kind => ({
  name, tunnel: { tunnelType: "gre", tunnelPort: 0, tunnelChecksum: withChecksum ? "checksum" : "none" }, bytes: withChecksum ? 8 : 4,
  around: (inner, to, outer) => gre(ownAddress(to), to, inner, { ...outer, withChecksum }),
});

export const KINDS: readonly Kind[] = [
  { name: "IPIP", tunnel: { tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none" }, bytes: 0, around: (inner, to, outer) => ipip(ownAddress(to), to, inner, outer) },
  byGue("GUE", "none"), byGue("GUE with checksum", "checksum"), byGue("GUE with remote checksum", "remote"),
  byGre("GRE", false), byGre("GRE with checksum", true),
];

export interface Mix {
  readonly name: string;
  readonly vip: string;
  readonly client: Host;
  readonly router: Host;
  readonly server: Host;
}

const IPV4_INSIDE = { vip: VIP, client, router };
const IPV6_INSIDE = { vip: VIP6, client: client6, router: router6 };
export const MIXES: readonly Mix[] = [
  { name: "IPv4 in IPv4", ...IPV4_INSIDE, server: r1 }, { name: "IPv6 in IPv6", ...IPV6_INSIDE, server: r1v6 },
  { name: "IPv4 in IPv6", ...IPV4_INSIDE, server: r1v6 }, { name: "IPv6 in IPv4", ...IPV6_INSIDE, server: r1 },
];

export const everyTunnel = <T>(make: (kind: Kind, mix: Mix) => T): T[] => KINDS.flatMap((kind) => MIXES.map((mix) => make(kind, mix)));

export const clientOf = (mix: Mix): End => at(mix.client, 40000);
export const serviceOf80 = (mix: Mix): End => at(mix.vip, 80);
export const isIpv6 = ({ vip }: Mix): boolean => addressFamily(vip) === 6;
export const innerHeader = (mix: Mix): number => (isIpv6(mix) ? Ipv6.size : Ipv4.size);
export const overhead = (kind: Kind, { server }: Mix): number => kind.bytes + (addressFamily(server.address) === 6 ? Ipv6.size : Ipv4.size);
/** The director's, on the way there. */
export const ownAddress = (to: string): string => (addressFamily(to) === 6 ? eth1.addressIpv6 : eth1.address);

/** RFC 3168 section 9.1.1. */
const outerClass = (typeOfService: number): number => ((typeOfService & 3) === 3 ? typeOfService & ~1 : typeOfService);

export const tunnelCases: readonly Case[] = [
  ...everyTunnel((kind, mix): Case => ({
    description: `${kind.name}: ${mix.name}: a TCP connection's packets, one hop older, from the director to the real server`,
    services: [serviceOf("tcp", kind, mix)],
    steps: [
      ...conversation().map((fields) => request(kind, mix, (ttl) => tcp(clientOf(mix), serviceOf80(mix), { ...fields, ttl }))),
      { destination: mix.server, is: { connections: 1n, packetsIn: 5n, bytesIn: isIpv6(mix) ? 350n : 250n } },
    ],
  })),
  ...everyTunnel((kind, mix): Case => ({
    description: `${kind.name}: ${mix.name}: datagrams of every length class, with a checksum and without, and what the outer header takes from them`,
    services: [serviceOf("udp", kind, mix)],
    steps: [
      ...udpVariants(MTU - innerHeader(mix) - overhead(kind, mix)).map((fields) => request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { ...fields, ttl }))),
      // Differentiated services and ECT(0) as they are; "congestion experienced" inside is ECT(0) outside.
      ...[0x2a, 0x29, 0xff].map((typeOfService) => request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { typeOfService, ttl }))),
      request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { ttl }), 17),
      ...(isIpv6(mix) ? [] : [{ dontFragment: false, identification: 31300 }, { options: ALL_OPTIONS }, { options: ALL_OPTIONS, withoutChecksum: true, payload: payloadOf(33) }]
        .map((fields) => request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { ...fields, ttl })))),
    ],
  })),
  ...everyTunnel((kind, mix): Case => ({
    description: `${kind.name}: ${mix.name}: fills the way's MTU to the last byte, and tells the client what fits`,
    services: [serviceOf("udp", kind, mix)],
    steps: [
      request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { ttl, payload: payloadOf(MTU - overhead(kind, mix) - innerHeader(mix) - Udp.size) })),
      fromClient(tooBig(kind, mix, 64), refused("tooBig", tellsMtu(mix, MTU - overhead(kind, mix), tooBig(kind, mix, 63)), "counted both ways"), mix.client),
    ],
  })),
  ...everyTunnel((kind, mix): Case => ({
    description: `${kind.name}: ${mix.name}: a datagram in fragments, each of which is a packet of the tunnel's own`,
    services: [serviceOf("udp", kind, mix)],
    steps: [
      ...[0, 1, 2].map((i) => fragmentRequest(kind, mix, i)),
      { destination: mix.server, is: { connections: 1n, packetsIn: 1n, bytesIn: BigInt(innerHeader(mix) + Udp.size + 3333) } },
    ],
  })),
  ...everyTunnel((kind, mix): Case => ({
    description: `${kind.name}: ${mix.name}: an error about an answer goes to the real server in the tunnel`,
    services: [serviceOf("udp", kind, mix)],
    steps: [
      request(kind, mix, (ttl) => udp(clientOf(mix), serviceOf80(mix), { ttl })),
      errorAboutAnswer(kind, mix, 8), errorAboutAnswer(kind, mix, 33),
    ],
  })),
  {
    // A script of `npm run conformance -- --kind mixed --seed 36`, and the server that the real IPVS chose.
    description: "mh hashes real servers by IPv6 of a service by IPv4 by the first four bytes of their addresses",
    services: [service("udp", 8080, [
      destination(remote, 8080, "route"), destination(r1v6, 8080, "tunnel", { weight: 5 }), destination(r4, 8080, "tunnel", { weight: 3 }),
      destination(r4v6, 8080, "tunnel"), destination(r3v6, 8080, "tunnel"),
    ], { scheduler: "mh", schedulerFlags: MH_PORT })],
    steps: [fromClient(udp(MH_CLIENT, at(VIP, 8080)), forwarded(r1v6, ipip(eth1.addressIpv6, r1v6.address, udp(MH_CLIENT, at(VIP, 8080), { ttl: 63 }), { ttl: 63, identification: 0 })), router)],
  },
  {
    description: "GUE: the source port is one for each client's end, of the local port range",
    services: [serviceOf("udp", KINDS[1]!, MIXES[0]!)],
    steps: sourcePortSteps(),
  },
  {
    description: "GUE: a checksum that comes out as zero is sent as all ones",
    services: [serviceOf("udp", KINDS[2]!, MIXES[0]!)],
    steps: zeroChecksumSteps(KINDS[2]!, MIXES[0]!),
  },
  {
    description: "IPv4 in IPv6: a real server behind a gateway is reached, and one whose MAC address is not known by the kernel's neighbour table",
    services: [remote6, silent6].map((host, i) => service("udp", 80 + i, [destination(host, 80 + i, "tunnel", KINDS[4]!.tunnel)])),
    steps: [
      request(KINDS[4]!, { ...MIXES[2]!, server: remote6 }, (ttl) => udp(at(client, 40000), at(VIP, 80), { ttl })),
      request(KINDS[4]!, { ...MIXES[2]!, server: silent6 }, (ttl) => udp(at(client, 40000), at(VIP, 81), { ttl }), 64, "its MAC address is not known"),
    ],
  },
  {
    description: "a tunnel's kind may change under way",
    services: [serviceOf("udp", KINDS[0]!, MIXES[0]!)],
    steps: KINDS.flatMap((kind): Step[] => [
      { change: ({ director }) => director.editDestination(service("udp", 80, []).service.id, destination(r1, 80, "tunnel", kind.tunnel)) },
      request(kind, MIXES[0]!, (ttl) => udp(at(client, 40000), at(VIP, 80), { ttl, payload: payloadOf(9) })),
    ]),
  },
];

export function serviceOf(protocol: "tcp" | "udp", { tunnel }: Kind, { vip, server }: Mix): ServiceDescription {
  return service(protocol, 80, [destination(server, 80, "tunnel", tunnel)], { address: vip });
}

/** `packet`: with that time to live. */
export function request(kind: Kind, mix: Mix, packet: (ttl: number) => Uint8Array, ttl = 64, leftToTc?: string): Step {
  const inner = packet(ttl - 1);
  const expected = forwarded(mix.server, (sent) => kind.around(inner, mix.server.address, outerFields(inner, mix.server.address, sent), sent));
  return fromClient(packet(ttl), leftToTc === undefined ? expected : { ...expected, leftToTc }, mix.client);
}

/** One of three: the first is counted as a packet, of which the others are more bytes; of IPv6 the last takes the first one's fragment header off. */
function fragmentRequest(kind: Kind, mix: Mix, place: number): Step {
  const piece = (ttl: number) => fragments(udp(clientOf(mix), serviceOf80(mix), { ttl, dontFragment: false, payload: payloadOf(3333) }), { bytes: 1200, identification: 31300 })[place]!;
  const inner = piece(63);
  const fragmentHeader = isIpv6(mix) ? Ipv6Fragment.size : 0;
  const bytes = inner.length - (place === 0 ? 0 : innerHeader(mix) + fragmentHeader) - (place === 2 ? fragmentHeader : 0);
  return fromClient(piece(64), {
    ...forwarded(mix.server, (sent) => {
      const outer = outerFields(inner, mix.server.address, sent);
      // Of IPv4 in IPv4 all would have the same, and nobody could tell their own fragments apart.
      const ownIdentification = place > 0 && !isIpv6(mix) && addressFamily(mix.server.address) === 4;
      return kind.around(inner, mix.server.address, ownIdentification ? { ...outer, identification: host16(decode(Ipv4, sent).identification) } : outer, sent);
    }),
    leftToTc: "XDP has no part in fragments", counts: { packetsIn: place === 0 ? 1 : 0, bytesIn: bytes },
  }, mix.client);
}

/** ip_vs_prepare_tunneled_skb(), and ip_select_ident() for IPv6 in IPv4, whose numbers nobody promises. */
export function outerFields(inner: Uint8Array, to: string, sent: Uint8Array): IpFields {
  if (inner[0]! >> 4 === 6) {
    const typeOfService = outerClass(((inner[0]! & 0xf) << 4) | (inner[1]! >> 4));
    return { typeOfService, ttl: inner[7]!, dontFragment: false, identification: addressFamily(to) === 6 ? 0 : host16(decode(Ipv4, sent).identification) };
  }
  const dontFragment = (inner[6]! & 0x40) !== 0;
  const identification = dontFragment || addressFamily(to) === 6 ? 0 : (inner[4]! << 8) | inner[5]!;
  return { typeOfService: outerClass(inner[1]!), ttl: inner[8]!, dontFragment, identification };
}

function sourcePortOf(sent: Uint8Array): number {
  const header = sent[0]! >> 4 === 6 ? Ipv6.size : Ipv4.size;
  const port = host16(decode(Udp, sent.subarray(header)).source);
  assert.ok(port >= 32768 && port < 60999, `the source port ${port} is of the local port range`);
  return port;
}

function conversation(): readonly TcpFields[] {
  return [
    { flags: SYN, sequence: 99 }, { flags: ACK, sequence: 100 }, { flags: PSH | ACK, sequence: 100, payload: payloadOf(33) },
    { flags: FIN | ACK, sequence: 133, payload: payloadOf(17) }, { flags: ACK, sequence: 151 },
  ];
}

function udpVariants(longest: number): readonly UdpFields[] {
  return [0, 1, 2, 3, 31, 32, 63, 511, 513, longest - Udp.size].flatMap((length) => [{ payload: payloadOf(length) }, { payload: payloadOf(length), withoutChecksum: true }]);
}

/** One byte more than fits. */
function tooBig(kind: Kind, mix: Mix, ttl: number): Uint8Array {
  return udp(clientOf(mix), serviceOf80(mix), { ttl, payload: payloadOf(MTU - overhead(kind, mix) - innerHeader(mix) - Udp.size + 1) });
}

function tellsMtu(mix: Mix, mtu: number, cause: Uint8Array): Uint8Array {
  return isIpv6(mix)
    ? icmpv6(mix.vip, mix.client.address, { type: 2, rest: mtu, payload: cause.subarray(0, 1232), identification: 0 })
    : icmp(mix.vip, mix.client.address, { type: 3, code: 4, rest: mtu, payload: cause.subarray(0, 548), typeOfService: 0xc0, dontFragment: false });
}

function errorAboutAnswer(kind: Kind, mix: Mix, length: number): Step {
  const answer = udp(serviceOf80(mix), clientOf(mix), { payload: payloadOf(length) });
  const error = (ttl: number) => (isIpv6(mix)
    ? icmpv6(mix.router.address, mix.vip, { type: 1, code: 3, ttl, payload: answer })
    : icmp(mix.router.address, mix.vip, { type: 11, ttl, typeOfService: 0xc0, dontFragment: false, payload: answer }));
  const { expect, ...step } = request(kind, mix, error, 64, "XDP has no part in ICMP") as Extract<Step, { readonly frame: Uint8Array }>;
  return fromClient(step.frame.subarray(14), expect, mix.router);
}

/** All of them by one port, and another client by another. */
function sourcePortSteps(): Step[] {
  const ports = new Map<number, number>();
  const kind = KINDS[1]!;
  return [40000, 40001, 40000, 40001, 40000].map((port) => {
    const inner = (ttl: number) => udp(at(client, port), at(VIP, 80), { ttl });
    return fromClient(inner(64), forwarded(r1, (sent) => {
      const sourcePort = sourcePortOf(sent);
      assert.equal(ports.get(port) ?? sourcePort, sourcePort, "the source port of an earlier packet of the same client's end");
      ports.set(port, sourcePort);
      assert.equal(new Set(ports.values()).size, ports.size, "another client's end has another port");
      return kind.around(inner(63), r1.address, { ttl: 63, identification: 0 }, sent);
    }));
  });
}

/** The second packet differs from the first by two bytes that tip the sum over: those of the first one's checksum. */
function zeroChecksumSteps(kind: Kind, mix: Mix): Step[] {
  const bytes = new Uint8Array(2);
  const datagram = (ttl: number) => udp(clientOf(mix), serviceOf80(mix), { ttl, withoutChecksum: true, payload: bytes });
  const checksumOf = (sent: Uint8Array) => sent.subarray(Ipv4.size + UDP_CHECKSUM_OFFSET, Ipv4.size + Udp.size);
  const step = (then: (sent: Uint8Array) => void): Step => ({
    get frame() { return frame({ from: mix.client.mac!, to: eth0.mac }, datagram(64)); },
    by: eth0,
    expect: forwarded(mix.server, (sent) => {
      const expected = kind.around(datagram(63), mix.server.address, { ttl: 63, identification: 0 }, sent);
      then(sent);
      return expected;
    }),
  });
  return [
    { change: () => bytes.fill(0) },
    step((sent) => bytes.set(checksumOf(sent))),
    step((sent) => assert.deepEqual([...checksumOf(sent)], [0xff, 0xff])),
  ];
}
