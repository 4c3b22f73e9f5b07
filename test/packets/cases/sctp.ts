// SCTP: its states as the real IPVS went through them (recordings/sctp.txt), its ports, and its checksum, which is CRC32c.

import { encodeInto } from "#layout/codec.js";
import { be16 } from "#layout/numbers.js";
import type { Sysctls } from "#model/sysctls.js";
import { IPPROTO_SCTP, IPV4_HEADER_MIN } from "#wire/ipv4.js";
import { Sctp, SctpChunk } from "#wire/sctp.js";
import type { Case, ConnectionExpectation, Step } from "../case.js";
import { answered, destination, dropped, forwarded, fromClient, fromServer, refused, service, sysctl, toStack } from "../case.js";
import type { ChunkFields, End, IpFields, SctpFields } from "../frame.js";
import { address, changeIp, icmp, ip, ipip, payloadOf, sctp } from "../frame.js";
import type { Host } from "../network.js";
import { VIP, VIP6, at, client, client6, distantClient, eth1, r1, r1v6, r2, r3, router } from "../network.js";
import { section } from "../recording.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 8080);
const AGED = { ttl: 63 };
const LEFT_TO_TC = "XDP has no part in ICMP";

/** By the recordings' names: RFC 9260 section 3.2, RFC 4895, 5061, 8260. */
const CHUNK_TYPES: { readonly [name: string]: number } = {
  DATA: 0, INIT: 1, INIT_ACK: 2, SACK: 3, HEARTBEAT: 4, HEARTBEAT_ACK: 5, ABORT: 6, SHUTDOWN: 7, SHUTDOWN_ACK: 8, ERROR: 9, COOKIE_ECHO: 10, COOKIE_ACK: 11,
  ECNE: 12, CWR: 13, SHUTDOWN_COMPLETE: 14, AUTH: 15, ASCONF: 193, I_DATA: 64,
};
/** Linux include/linux/hash.h. */
const GOLDEN_RATIO_32 = 0x61c88647;
/** What a cookie's chunk says is its length, the bytes of it that follow its header, then an ABORT: the state after that. */
const COOKIES = [
  { length: 4, bytes: 0, state: "CLOSED" }, { length: 5, bytes: 4, state: "CLOSED" }, { length: 8, bytes: 4, state: "CLOSED" }, { length: 1004, bytes: 1000, state: "CLOSED" },
  { length: 3, bytes: 0, state: "INIT" }, { length: 0, bytes: 0, state: "INIT" }, { length: 12, bytes: 4, state: "INIT" }, { length: 65535, bytes: 4, state: "INIT" },
];
/** Half of what the table of a case holds. */
const WALKS_PER_CASE = 32;
const INIT = chunks("INIT");
const DATA = chunks("DATA");

const NAT = [service("sctp", 80, [destination(r1, 8080, "masq")])];
const WALKED = [...NAT, service("sctp", 81, [destination(r1, 81, "route")])];

export const sctpCases: readonly Case[] = [
  ...walkCases("states", "states", {}),
  ...walkCases("chunks that begin a connection", "which chunks begin a connection", {}),
  ...walkCases("the same with sloppy_sctp=1", "which chunks begin a connection with sloppy_sctp", { sloppy_sctp: 1 }),
  ...walkCases("other chunks, and bundled ones", "other chunks, and bundled ones", {}),
  ...walkCases("a client that uses its port again", "a port used again", {}),
  ...walkCases("the same with conn_reuse_mode=0", "a port used again with conn_reuse_mode=0", { conn_reuse_mode: 0 }),
  {
    description: "SCTP connections are active while they are established (recordings/sctp.txt)",
    services: NAT,
    steps: [
      request(INIT), counts(0, 1), answer(chunks("INIT_ACK")), request(chunks("COOKIE_ECHO")), counts(0, 1), answer(chunks("COOKIE_ACK")), counts(1, 0),
      request(chunks("SHUTDOWN")), counts(0, 1), request(chunks("ABORT")), counts(0, 1),
    ],
  },
  {
    description: "an SCTP template is assured when a connection of it is established (recordings/sctp.txt)",
    services: [service("sctp", 80, [destination(r1, 8080, "masq")], { persistentSeconds: 100 })],
    steps: [
      request(INIT), { connections: [template("NONE"), listed("INIT1", 3)] },
      answer(chunks("INIT_ACK")), request(chunks("COOKIE_ECHO")), answer(chunks("COOKIE_ACK")), { connections: [template("ASSURED"), listed("ESTABLISHED", 899)] },
    ],
  },
  {
    description: "NAT rewrites SCTP's ports and its checksum at every length, in both directions",
    services: NAT,
    steps: [
      request(INIT),
      ...[0, 1, 2, 3, 4, 60, 61, 508, 1020, 1452].flatMap((length) => [natRequest({ chunks: [data(length)] }), natAnswer({ chunks: [data(length)] })]),
      ...[4, 40].flatMap((options) => [natRequest({ chunks: DATA, options: new Uint8Array(options).fill(1) }), natAnswer({ chunks: DATA, options: new Uint8Array(options).fill(1) })]),
      fromClient(padded(sctp(CLIENT, SERVICE, { chunks: DATA })), forwarded(r1, padded(sctp(CLIENT, SERVER, { chunks: DATA, ...AGED })))),
    ],
  },
  {
    description: "NAT changes an SCTP checksum by the port's difference: a wrong one stays wrong by the same bits, and none stays none",
    services: NAT,
    steps: [
      request(INIT),
      ...[1, 0x80000000, 0xdeadbeef].flatMap((checksumError) => [natRequest({ chunks: DATA, checksumError }), natAnswer({ chunks: DATA, checksumError })]),
      natRequest({ chunks: DATA, withoutChecksum: true }), natAnswer({ chunks: DATA, withoutChecksum: true }),
    ],
  },
  {
    description: "NAT to the same port leaves SCTP's checksum as it is",
    services: [service("sctp", 80, [destination(r1, 80, "masq")])],
    steps: [{ chunks: INIT }, { chunks: DATA }, { chunks: DATA, withoutChecksum: true }].map((fields) => natRequest(fields, client, at(r1, 80))),
  },
  {
    description: "NAT serves an SCTP client behind a router",
    services: NAT,
    steps: [INIT, DATA].flatMap((one) => [natRequest({ chunks: one }, distantClient(259)), natAnswer({ chunks: one }, distantClient(259))]),
  },
  {
    description: "DR and TUN send SCTP packets as they are, one hop older",
    services: [service("sctp", 80, [destination(r1, 80, "route")]), service("sctp", 81, [destination(r1, 81, "tunnel")])],
    steps: [INIT, DATA].flatMap((one) => [
      fromClient(sctp(CLIENT, SERVICE, { chunks: one }), forwarded(r1, sctp(CLIENT, SERVICE, { chunks: one, ...AGED }))),
      fromClient(sctp(CLIENT, at(VIP, 81), { chunks: one }), forwarded(r1, ipip(eth1.address, r1.address, sctp(CLIENT, at(VIP, 81), { chunks: one, ...AGED }), { ...AGED, identification: 0 }))),
    ]),
  },
  {
    description: "IPv6: NAT rewrites SCTP's ports and its checksum, which is not over the addresses",
    services: [service("sctp", 80, [destination(r1v6, 8080, "masq")], { address: VIP6 })],
    steps: [INIT, DATA, chunks("COOKIE_ECHO+ABORT")].flatMap((one) => [
      fromClient(sctp(at(client6, 40000), at(VIP6, 80), { chunks: one }), forwarded(r1v6, sctp(at(client6, 40000), at(r1v6, 8080), { chunks: one, ...AGED })), client6),
      fromServer(r1v6, sctp(at(r1v6, 8080), at(client6, 40000), { chunks: one }), answered(client6, sctp(at(VIP6, 80), at(client6, 40000), { chunks: one, ...AGED }))),
    ]),
  },
  {
    description: "services of one VIP and port by TCP, UDP and SCTP have connections of their own, and SCTP's on port 0 take every port",
    services: [service("udp", 80, [destination(r2, 80, "route")]), service("sctp", 0, [destination(r1, 0, "masq")], { persistentSeconds: 50 })],
    steps: [80, 90].flatMap((port) => [
      fromClient(sctp(CLIENT, at(VIP, port), { chunks: INIT }), forwarded(r1, sctp(CLIENT, at(r1, port), { chunks: INIT, ...AGED }))),
      fromServer(r1, sctp(at(r1, port), CLIENT, { chunks: chunks("INIT_ACK") }), answered(client, sctp(at(VIP, port), CLIENT, { chunks: chunks("INIT_ACK"), ...AGED }))),
    ]),
  },
  {
    description: "sh with sh-port tells SCTP's ports apart",
    services: [service("sctp", 80, [r1, r2, r3].map((host) => destination(host, 80, "masq")), { scheduler: "sh", schedulerFlags: 2 })],
    // ip_vs_sh.c, ip_vs_sh_hashkey(); the 256 slots are the servers' in turn, the newest first.
    steps: [40000, 40001, 40002, 40003].map((port) => {
      const server = [r3, r2, r1][(Math.imul(port + 0x0a000002, GOLDEN_RATIO_32) >>> 24) % 3]!;
      return fromClient(sctp(at(client, port), SERVICE, { chunks: INIT }), forwarded(server, sctp(at(client, port), at(server, 80), { chunks: INIT, ...AGED })));
    }),
  },
  {
    description: "an SCTP service without servers answers port unreachable (recordings/sctp.txt)",
    services: [service("sctp", 80, [])],
    steps: [fromClient(sctp(CLIENT, SERVICE, { chunks: INIT }), refused("noDestination", unreachable(sctp(CLIENT, SERVICE, { chunks: INIT })))), { connections: [] }],
  },
  {
    description: "an SCTP connection whose server was removed waits for it",
    services: NAT,
    steps: [
      request(INIT), { change: ({ director }) => director.deleteDestination({ kind: "address", protocol: "sctp", address: VIP, port: 80 }, { address: r1.address, port: 8080 }) },
      fromClient(sctp(CLIENT, SERVICE, { chunks: DATA }), dropped("destinationRemoved")), { connections: [listed("INIT1", 3)] },
    ],
  },
  {
    description: "errors about SCTP packets follow their connection, as in recordings/sctp.txt",
    services: NAT,
    steps: [
      request(INIT), answer(chunks("INIT_ACK")),
      fromClient(error(router.address, VIP, sctp(SERVICE, CLIENT, { chunks: DATA })),
        { ...forwarded(r1, error(router.address, r1.address, withEnds(sctp(SERVICE, CLIENT, { chunks: DATA }), SERVER, CLIENT), AGED)), leftToTc: LEFT_TO_TC }, router),
      fromServer(r1, error(r1.address, client.address, sctp(CLIENT, SERVER, { chunks: DATA })),
        { ...answered(client, error(VIP, client.address, withEnds(sctp(CLIENT, SERVER, { chunks: DATA }), CLIENT, SERVICE), AGED)), leftToTc: LEFT_TO_TC }),
    ],
  },
  {
    description: "an SCTP packet that ends in its header or first chunk goes to the stack, wherever it ends",
    services: NAT,
    steps: [
      request(INIT),
      ...Array.from({ length: 16 }, (_, length) => fromClient(ip(CLIENT.address, VIP, IPPROTO_SCTP, sctp(CLIENT, SERVICE, { chunks: INIT }).subarray(20, 20 + length)), toStack("truncated"))),
    ],
  },
  {
    description: "a chunk behind SCTP's cookie counts when it is whole, wherever the cookie says it is",
    services: NAT,
    steps: [
      ...COOKIES.flatMap(({ length, bytes }, i) => {
        const from = at(client, 41000 + i);
        const packet = (to: End, fields: IpFields) => withCookieLength(sctp(from, to, { chunks: [{ type: CHUNK_TYPES["COOKIE_ECHO"]!, value: payloadOf(bytes) }, ...chunks("ABORT")], ...fields }), length);
        return [
          fromClient(sctp(from, SERVICE, { chunks: INIT }), forwarded(r1, sctp(from, SERVER, { chunks: INIT, ...AGED }))),
          fromClient(packet(SERVICE, {}), forwarded(r1, packet(SERVER, AGED))),
        ];
      }),
      { connections: COOKIES.map(({ state }, i) => listed(state, 60, 41000 + i)) },
    ],
  },
];

/** Walks of the recording, some in one case, each with a port of its own: "[80] INIT r:INIT_ACK -> C-SENT 60". */
function walkCases(title: string, name: string, values: Partial<Sysctls>): readonly Case[] {
  const walks = section("sctp.txt", title);
  return Array.from({ length: Math.ceil(walks.length / WALKS_PER_CASE) }, (_, i): Case => {
    const some = walks.slice(i * WALKS_PER_CASE, (i + 1) * WALKS_PER_CASE).map((line, place) => toWalk(line, 41000 + place));
    return {
      description: `SCTP, ${name}: as by the real IPVS, ${i * WALKS_PER_CASE + 1} to ${i * WALKS_PER_CASE + some.length}`,
      services: WALKED,
      steps: [sysctl(values), ...some.flatMap(({ steps }) => steps), { connections: some.flatMap(({ connections }) => connections) }],
    };
  });
}
function toWalk(line: string, port: number): { readonly steps: readonly Step[]; readonly connections: readonly ConnectionExpectation[] } {
  const [, servicePort, walk, state, seconds] = /^\[(80|81)\] (.+) -> (?:(\S+) (\d+))?$/.exec(line)!;
  const from = at(client, port);
  const virtual = at(VIP, Number(servicePort));
  const server = servicePort === "80" ? SERVER : at(r1, 81);
  const steps = walk!.replaceAll("type ", "type_").split(" ").map((step): Step => {
    const isAnswer = step.startsWith("r:");
    const fields = { chunks: chunks(step.replace("r:", "")) };
    // No chunk at all: IPVS drops it, or lets it pass without a change.
    if (step === "none") return fromClient(sctp(from, virtual, fields), toStack("truncated"));
    if (isAnswer) {
      if (servicePort === "81") return fromServer(r1, sctp(server, from, fields), toStack("notOurs"));
      return fromServer(r1, sctp(server, from, fields), answered(client, sctp(virtual, from, { ...fields, ...AGED })));
    }
    if (state === undefined) return fromClient(sctp(from, virtual, fields), toStack("notASyn"));
    return fromClient(sctp(from, virtual, fields), forwarded(r1, sctp(from, servicePort === "80" ? server : virtual, { ...fields, ...AGED })));
  });
  const end = { client: `10.0.0.2:${port}`, virtual: `10.0.0.100:${servicePort}`, destination: `10.1.0.11:${server.port}` };
  return { steps, connections: state === undefined ? [] : [{ ...end, state, expiresSeconds: Number(seconds) }] };
}

/** "COOKIE_ECHO+ABORT", "type_64"; "none" is none. */
function chunks(text: string): readonly ChunkFields[] {
  if (text === "none") return [];
  return text.split("+").map((name) => ({ type: name.startsWith("type_") ? Number(name.slice(5)) : CHUNK_TYPES[name]!, value: payloadOf(name === "COOKIE_ECHO" ? 6 : 4) }));
}

function data(length: number): ChunkFields {
  return { type: 0, flags: 3, value: payloadOf(length) };
}

function request(of: readonly ChunkFields[]): Step {
  return natRequest({ chunks: of });
}

function answer(of: readonly ChunkFields[]): Step {
  return natAnswer({ chunks: of });
}

function natRequest(fields: SctpFields, from: Host = client, server: End = SERVER): Step {
  return fromClient(sctp(at(from, 40000), SERVICE, fields), forwarded(r1, sctp(at(from, 40000), server, { ...fields, ...AGED })), from);
}

function natAnswer(fields: SctpFields, to: Host = client): Step {
  return fromServer(r1, sctp(SERVER, at(to, 40000), fields), answered(to, sctp(SERVICE, at(to, 40000), { ...fields, ...AGED })));
}

function counts(active: number, inactive: number): Step {
  return { destination: r1, is: { active, inactive } };
}

function listed(state: string, expiresSeconds: number, port = 40000): ConnectionExpectation {
  return { client: `10.0.0.2:${port}`, virtual: "10.0.0.100:80", destination: "10.1.0.11:8080", state, expiresSeconds };
}

function template(state: string): ConnectionExpectation {
  return listed(state, 99, 0);
}

function unreachable(cause: Uint8Array): Uint8Array {
  return icmp(VIP, client.address, { type: 3, code: 3, typeOfService: 0xc0, dontFragment: false, payload: cause });
}

function error(from: string, to: string, quoted: Uint8Array, fields: IpFields = {}): Uint8Array {
  return icmp(from, to, { type: 3, code: 4, rest: 1200, typeOfService: 0xc0, dontFragment: false, ...fields, payload: quoted });
}

/** What is quoted, with other ends; the checksum stays. */
function withEnds(packet: Uint8Array, from: End, to: End): Uint8Array {
  const changed = changeIp(packet, { source: address(from.address), destination: address(to.address) });
  encodeInto(Sctp, { source: be16(from.port), destination: be16(to.port) }, changed.subarray(IPV4_HEADER_MIN));
  return changed;
}

/** The packet with another length in its first chunk, which its checksum knows nothing of: it leaves as wrong. */
function withCookieLength(packet: Uint8Array, length: number): Uint8Array {
  const changed = packet.slice();
  encodeInto(SctpChunk, { length: be16(length) }, changed.subarray(IPV4_HEADER_MIN + Sctp.size));
  return changed;
}

/** To the 60 bytes that the shortest Ethernet frame has. */
function padded(packet: Uint8Array): Uint8Array {
  const whole = new Uint8Array(46);
  whole.set(packet);
  return whole;
}
