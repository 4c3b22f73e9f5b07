// ICMP errors about a connection's packets follow the connection; all other ICMP is the stack's.
// Bytes as in recordings/forward-nat.txt ("where nothing listens") and Linux v6.12 ip_vs_core.c, ip_vs_nat_icmp().

import { encodeInto } from "#layout/codec.js";
import { be16 } from "#layout/numbers.js";
import { Ports } from "#dataplane/transport.js";
import type { Case, Expectation, Forwarded, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, service, toStack } from "../case.js";
import type { End, IcmpFields } from "../frame.js";
import { ACK, SYN, address, changeIp, concatenate, icmp, ipip, payloadOf, tcp, udp } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, at, client, eth0, eth1, gateway, r1, remote, router, silent } from "../network.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 8080);
const AGED = { ttl: 63 };
const NAT = [service("tcp", 80, [destination(r1, 8080, "masq")]), service("udp", 80, [destination(r1, 8080, "masq")])];
const DIRECT = [service("udp", 80, [destination(r1, 80, "route")])];
const TUNNEL = [service("udp", 80, [destination(r1, 80, "tunnel")])];

const UNREACHABLE = { type: 3, code: 3 };
const FRAG_NEEDED = { type: 3, code: 4 };
const SOURCE_QUENCH = { type: 4 };
const TIME_EXCEEDED = { type: 11 };
const LEFT_TO_TC = "XDP has no part in ICMP";
const icmpToStack: Expectation = { ...toStack("otherProtocol"), leftToTc: LEFT_TO_TC };
const left = (expectation: Forwarded): Forwarded => ({ ...expectation, leftToTc: LEFT_TO_TC });
/** As routers and hosts send them. */
const ERROR = { typeOfService: 0xc0, identification: 20178, dontFragment: false };

export const icmpCases: readonly Case[] = [
  {
    description: "an error about an answer by NAT goes to the real server that sent it, and speaks of its address and port",
    services: NAT,
    steps: [
      ...natTcp(),
      ...[{ ...FRAG_NEEDED, rest: 1280 }, { type: 3, code: 1 }, SOURCE_QUENCH, TIME_EXCEEDED].map((kind) => aboutAnswer(kind, tcp(SERVICE, CLIENT, { flags: ACK, payload: payloadOf(900), ttl: 60 }), 528)),
      ...natUdp(),
      // The shortest that is of use (RFC 792), and an odd number of bytes.
      ...[28, 57].map((length) => aboutAnswer(UNREACHABLE, udp(SERVICE, CLIENT, { payload: payloadOf(33) }), length)),
      { destination: r1, is: { connections: 1n, packetsIn: 5n, packetsOut: 1n } },
    ],
  },
  {
    description: "an error about a request by NAT goes to the client from the VIP, with the quoted UDP checksum as it was",
    services: NAT,
    steps: [
      ...natUdp(),
      ...[UNREACHABLE, SOURCE_QUENCH, TIME_EXCEEDED, { ...FRAG_NEEDED, rest: 1400 }].map((kind) => aboutRequest(kind, udp(CLIENT, SERVER, { ...AGED, payload: payloadOf(1) }))),
      ...natTcp(),
      aboutRequest(TIME_EXCEEDED, tcp(CLIENT, SERVER, { ...AGED, flags: SYN })),
      // From a router between the director and the real server.
      aboutRequest(TIME_EXCEEDED, tcp(CLIENT, SERVER, { ...AGED, flags: SYN }), gateway.address),
    ],
  },
  {
    description: "quoted and quoting IP headers may have options, and what is quoted may be a first fragment",
    services: NAT,
    steps: [
      ...natUdp(),
      aboutAnswer(UNREACHABLE, udp(SERVICE, CLIENT, { options: new Uint8Array(40).fill(1) })),
      aboutAnswer({ ...UNREACHABLE, options: new Uint8Array(40).fill(1) }, udp(SERVICE, CLIENT, { options: new Uint8Array(12).fill(1) })),
      aboutRequest({ ...TIME_EXCEEDED, options: new Uint8Array(40).fill(1) }, udp(CLIENT, SERVER, { options: new Uint8Array(40).fill(1) })),
      aboutAnswer(TIME_EXCEEDED, udp(SERVICE, CLIENT, { dontFragment: false, moreFragments: true, payload: payloadOf(16) })),
    ],
  },
  {
    description: "an error whose checksum is wrong leaves with a wrong one",
    services: NAT,
    steps: [
      ...natUdp(),
      fromClient(damaged(toVip(UNREACHABLE, udp(SERVICE, CLIENT))), left(forwarded(r1, damaged(toServer(r1, UNREACHABLE, udp(SERVICE, CLIENT), SERVER)))), router),
    ],
  },
  {
    description: "an error about an answer by DR goes to the real server as it is, one hop older",
    services: DIRECT,
    steps: [
      fromClient(udp(CLIENT, SERVICE), forwarded(r1, udp(CLIENT, SERVICE, AGED))),
      ...[{ ...FRAG_NEEDED, rest: 1280 }, SOURCE_QUENCH, TIME_EXCEEDED].map((kind): Step => {
        const error = (ttl: number) => icmp(router.address, VIP, { ...ERROR, ...kind, ttl, payload: udp(SERVICE, CLIENT, { payload: payloadOf(9) }) });
        return fromClient(error(64), left(forwarded(r1, error(63))), router);
      }),
      { destination: r1, is: { packetsIn: 4n } },
    ],
  },
  {
    description: "an error about an answer by TUN goes to the real server in the tunnel",
    services: TUNNEL,
    steps: [
      tunnelRequest(),
      ...[{ ...FRAG_NEEDED, rest: 1280 }, TIME_EXCEEDED].map((kind): Step => {
        const error = (ttl: number) => icmp(router.address, VIP, { ...ERROR, ...kind, ttl, payload: udp(SERVICE, CLIENT, { payload: payloadOf(9) }) });
        return fromClient(error(64), left(forwarded(r1, ipip(eth1.address, r1.address, error(63), { ...ERROR, ...AGED }))), router);
      }),
    ],
  },
  {
    description: "an error about a tunnel packet goes to the client, about what was inside, with the MTU that is left there",
    services: TUNNEL,
    steps: [
      tunnelRequest(),
      aboutTunnel({ ...FRAG_NEEDED, rest: 1400 }, { ...FRAG_NEEDED, rest: 1380 }),
      // ip_vs_in_icmp(): only what is above 68 bytes and a header is made smaller; RFC 1191: 0 is a router's that does not know.
      aboutTunnel({ ...FRAG_NEEDED, rest: 89 }, { ...FRAG_NEEDED, rest: 69 }),
      aboutTunnel({ ...FRAG_NEEDED, rest: 88 }, { ...FRAG_NEEDED, rest: 88 }),
      aboutTunnel({ ...FRAG_NEEDED, rest: 0 }, { ...FRAG_NEEDED, rest: 0 }),
      aboutTunnel({ type: 3, code: 1 }, { type: 3, code: 1 }),
      aboutTunnel({ ...TIME_EXCEEDED, rest: 5 }, { ...TIME_EXCEEDED, rest: 5 }),
      aboutTunnel(SOURCE_QUENCH, SOURCE_QUENCH),
      // The client's type of service without precedence and the lowest bit.
      aboutTunnel({ ...FRAG_NEEDED, rest: 1400 }, { ...FRAG_NEEDED, rest: 1380, typeOfService: 0xca }, udp(CLIENT, SERVICE, { ...AGED, typeOfService: 0x2b, payload: payloadOf(100) })),
      // RFC 792 asks for no more than eight bytes behind the outer header: too few to know the client by.
      fromServer(r1, tunnelError({ ...FRAG_NEEDED, rest: 1400 }, tunnelled(udp(CLIENT, SERVICE, AGED)).subarray(0, 28)), icmpToStack),
      aboutTunnel({ ...FRAG_NEEDED, rest: 1400 }, { ...FRAG_NEEDED, rest: 1380 }, udp(CLIENT, SERVICE, { ...AGED, payload: payloadOf(33) }), 24),
      // Options are gone with the headers that had them.
      aboutTunnel({ ...FRAG_NEEDED, rest: 1400, options: new Uint8Array(40).fill(1) }, { ...FRAG_NEEDED, rest: 1380 }),
      // A client that allows fragments has no use for it.
      fromServer(r1, tunnelError({ ...FRAG_NEEDED, rest: 1400 }, tunnelled(udp(CLIENT, SERVICE, { ...AGED, dontFragment: false }))), dropped("tooBig")),
    ],
  },
  {
    description: "an error about a packet in another's tunnel, or to another's address, goes to the stack",
    services: [...TUNNEL, service("udp", 81, [destination(r1, 81, "route")])],
    steps: [
      tunnelRequest(),
      fromClient(udp(CLIENT, at(VIP, 81)), forwarded(r1, udp(CLIENT, at(VIP, 81), AGED))),
      ...[
        tunnelError(FRAG_NEEDED, ipip(eth1.address, remote.address, udp(CLIENT, SERVICE))),
        tunnelError(FRAG_NEEDED, ipip(eth0.address, r1.address, udp(CLIENT, SERVICE))),
        tunnelError(FRAG_NEEDED, tunnelled(udp(CLIENT, at(VIP, 81)))),
        tunnelError(FRAG_NEEDED, tunnelled(udp(CLIENT, at(VIP, 82)))),
        tunnelError(FRAG_NEEDED, tunnelled(ipip(CLIENT.address, VIP, udp(CLIENT, SERVICE)))),
        tunnelError(FRAG_NEEDED, ipip(eth1.address, r1.address, udp(CLIENT, SERVICE), { dontFragment: false, fragmentOffset: 8 })),
        icmp(gateway.address, eth0.address, { ...ERROR, ...FRAG_NEEDED, payload: tunnelled(udp(CLIENT, SERVICE)) }),
      ].map((packet) => fromServer(r1, packet, icmpToStack)),
    ],
  },
  {
    description: "errors of no connection, and ICMP that is no error, go to the stack",
    services: NAT,
    steps: [
      ...natUdp(),
      ...[
        toVip(UNREACHABLE, udp(SERVICE, at(client, 40001))),
        toVip(UNREACHABLE, udp(at(VIP, 81), CLIENT)),
        toVip(UNREACHABLE, tcp(SERVICE, CLIENT, { flags: ACK })),
        toVip(UNREACHABLE, udp(CLIENT, SERVICE)),
        toVip(UNREACHABLE, udp(at(eth0, 80), CLIENT)),
        toVip(UNREACHABLE, icmp(VIP, client.address, { type: 8, payload: payloadOf(56) })),
        // Redirect, parameter problem, echo, its answer, and one that nobody knows: none of them an error that LVS relays.
        ...[5, 12, 8, 0, 77].map((type) => toVip({ type }, udp(SERVICE, CLIENT))),
      ].map((packet) => fromClient(packet, icmpToStack, router)),
      ...[
        icmp(r1.address, client.address, { ...UNREACHABLE, payload: udp(CLIENT, at(r1, 8081)) }),
        icmp(r1.address, client.address, { ...UNREACHABLE, payload: udp(at(client, 40001), SERVER) }),
        icmp(r1.address, eth1.address, { ...UNREACHABLE, payload: udp(CLIENT, SERVER) }),
      ].map((packet) => fromServer(r1, packet, icmpToStack)),
    ],
  },
  {
    description: "an error that quotes too little goes to the stack, wherever it ends, and whatever pads it",
    services: NAT,
    steps: [
      ...natUdp(),
      ...Array.from({ length: 24 }, (_, length) => fromClient(toVip(UNREACHABLE, udp(SERVICE, CLIENT).subarray(0, length)), icmpToStack, router)),
      ...Array.from({ length: 8 }, (_, length) => fromClient(changeIp(toVip(UNREACHABLE, udp(SERVICE, CLIENT)), { totalLength: be16(20 + length) }), icmpToStack, router)),
      fromClient(changeIp(toVip(UNREACHABLE, udp(SERVICE, CLIENT)), { totalLength: be16(20 + 8 + 23) }), icmpToStack, router),
      fromClient(toVip(UNREACHABLE, changeIp(udp(SERVICE, CLIENT), { versionAndLength: 0x44 })), icmpToStack, router),
      fromClient(toVip(UNREACHABLE, changeIp(udp(SERVICE, CLIENT), { versionAndLength: 0x65 })), icmpToStack, router),
      fromClient(toVip(UNREACHABLE, udp(SERVICE, CLIENT, { dontFragment: false, fragmentOffset: 8, payload: payloadOf(40) })), icmpToStack, router),
      // What pads a frame goes along.
      fromClient(padded(toVip(UNREACHABLE, udp(SERVICE, CLIENT))),
        left(forwarded(r1, padded(toServer(r1, UNREACHABLE, udp(SERVICE, CLIENT), SERVER)))), router),
    ],
  },
  {
    description: "an error that is a fragment goes to the stack",
    services: NAT,
    steps: [
      ...natUdp(),
      fromClient(icmp(router.address, VIP, { ...UNREACHABLE, dontFragment: false, moreFragments: true, payload: udp(SERVICE, CLIENT) }), toStack("fragment", LEFT_TO_TC), router),
    ],
  },
  {
    description: "an error at the end of its time to live goes no further, and causes no other",
    services: NAT,
    steps: [
      ...natUdp(),
      ...[1, 0].map((ttl) => fromClient(toVip({ ...UNREACHABLE, ttl }, udp(SERVICE, CLIENT)), dropped("ttlExceeded", "counted"), router)),
      ...[1, 0].map((ttl) => fromServer(r1, icmp(r1.address, client.address, { ...UNREACHABLE, ttl, payload: udp(CLIENT, SERVER) }), { ...toStack("answerTtlExceeded"), leftToTc: LEFT_TO_TC })),
    ],
  },
  {
    description: "an error about a real server whose MAC address is not known goes by the kernel's neighbour table",
    services: [service("udp", 80, [destination(silent, 80, "masq")])],
    steps: [
      fromClient(udp(CLIENT, SERVICE), { ...forwarded(silent, udp(CLIENT, at(silent, 80), AGED)), leftToTc: "its MAC address is not known" }),
      fromClient(toVip(UNREACHABLE, udp(SERVICE, CLIENT)),
        left(forwarded(silent, toServer(silent, UNREACHABLE, udp(SERVICE, CLIENT), at(silent, 80)))), router),
    ],
  },
  {
    description: "an error leaves its connection's state and time as they are",
    services: NAT,
    steps: [
      ...natTcp(),
      aboutAnswer(UNREACHABLE, tcp(SERVICE, CLIENT, { flags: ACK })),
      { connections: [{ client: "10.0.0.2:40000", virtual: "10.0.0.100:80", destination: "10.1.0.11:8080", state: "SYN_RECV", expiresSeconds: 60 }] },
    ],
  },
];

function natUdp(): readonly Step[] {
  return [fromClient(udp(CLIENT, SERVICE), forwarded(r1, udp(CLIENT, SERVER, AGED)))];
}

function natTcp(): readonly Step[] {
  return [
    fromClient(tcp(CLIENT, SERVICE, { flags: SYN }), forwarded(r1, tcp(CLIENT, SERVER, { flags: SYN, ...AGED }))),
    fromServer(r1, tcp(SERVER, CLIENT, { flags: SYN | ACK }), answered(client, tcp(SERVICE, CLIENT, { flags: SYN | ACK, ...AGED }))),
  ];
}

function tunnelRequest(): Step {
  return fromClient(udp(CLIENT, SERVICE), forwarded(r1, tunnelled(udp(CLIENT, SERVICE, AGED))));
}

/** From the router to the VIP, and what becomes of it by NAT. `quotedBytes`: of what caused it; all of it by default. */
function aboutAnswer(kind: IcmpFields, cause: Uint8Array, quotedBytes = cause.length): Step {
  const quoted = cause.subarray(0, quotedBytes);
  return fromClient(toVip(kind, quoted), left(forwarded(r1, toServer(r1, kind, quoted, SERVER))), router);
}

function toVip(kind: IcmpFields, quoted: Uint8Array): Uint8Array {
  return icmp(router.address, VIP, { ...ERROR, ...kind, payload: quoted });
}

function toServer(host: Host, kind: IcmpFields, quoted: Uint8Array, from: End): Uint8Array {
  return icmp(router.address, host.address, { ...ERROR, ...kind, ...AGED, payload: quoting(quoted, { from }) });
}

function aboutRequest(kind: IcmpFields, quoted: Uint8Array, from: string = r1.address): Step {
  return fromServer(r1, icmp(from, client.address, { ...ERROR, ...kind, payload: quoted }),
    left(answered(client, icmp(VIP, client.address, { ...ERROR, ...kind, ...AGED, payload: quoting(quoted, { to: SERVICE }) }))));
}

/** From a router on the tunnel's way, and what the client hears of it. `quotedBytes`: of the request. */
function aboutTunnel(kind: IcmpFields, told: IcmpFields, request = udp(CLIENT, SERVICE, { ...AGED, identification: 99, payload: payloadOf(100) }), quotedBytes = request.length): Step {
  const quoted = request.subarray(0, quotedBytes);
  const identification = (request[4]! << 8) | request[5]!;
  const heard = icmp(VIP, CLIENT.address, { ...ERROR, identification, ...told, payload: quoted });
  return fromServer(gateway, tunnelError(kind, tunnelled(request).subarray(0, 20 + quotedBytes)), left({ ...answered(client, heard), counts: { packetsOut: 2, bytesOut: quoted.length + heard.length } }));
}

function tunnelError(kind: IcmpFields, quoted: Uint8Array): Uint8Array {
  return icmp(gateway.address, eth1.address, { ...ERROR, ...kind, payload: quoted });
}

function tunnelled(inner: Uint8Array): Uint8Array {
  return ipip(eth1.address, r1.address, inner, { ...AGED, identification: 0 });
}

/** What is quoted, with another end: its IP header's checksum goes with it, the transport header's does not. */
export function quoting(packet: Uint8Array, { from, to }: { readonly from?: End; readonly to?: End }): Uint8Array {
  const changed = changeIp(packet, { ...(from && { source: address(from.address) }), ...(to && { destination: address(to.address) }) });
  encodeInto(Ports, { ...(from && { source: be16(from.port) }), ...(to && { destination: be16(to.port) }) }, changed.subarray((changed[0]! & 0x0f) * 4));
  return changed;
}

/** One bit turned over on its way. */
function damaged(packet: Uint8Array): Uint8Array {
  const changed = packet.slice();
  changed[changed.length - 1] = changed.at(-1)! ^ 1;
  return changed;
}

function padded(packet: Uint8Array): Uint8Array {
  return concatenate(packet, payloadOf(6));
}
