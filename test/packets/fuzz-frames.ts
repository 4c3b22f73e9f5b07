// Frames for the fuzzer: what clients and servers of its services send, half of the time; the rest is that with
// something wrong, or nothing but chance. Few ends and ports, so that packets meet each other's connections.

import { be16 } from "#layout/numbers.js";
import { ETH_P_IP, ETH_P_IPV6 } from "#wire/ethernet.js";
import { IPPROTO_AH, IPPROTO_ESP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "#wire/ipv4.js";
import type { Protocol } from "#model/director.js";
import type { ServiceDescription } from "./case.js";
import { destination, service } from "./case.js";
import type { End, IpFields } from "./frame.js";
import { ACK, FIN, PSH, RST, SYN, changeIp, concatenate, frame, icmp, ip, packetOf, sctp, tcp, udp } from "./frame.js";
import type { ModelConnection } from "./model.js";
import type { NetworkInterface } from "./network.js";
import { VIP, at, client, distantClient, eth0, eth1, r1, r2, r3, remote, servers, silent, unreachable } from "./network.js";
import type { Random } from "./random.js";

/** Every method, with and without port mapping, and every way in which a server cannot be had. */
export const fuzzServices: readonly ServiceDescription[] = [
  service("tcp", 80, [r1, r2, r3].map((host) => destination(host, 8080, "masq"))),
  service("tcp", 81, [destination(r1, 81, "route"), destination(r2, 81, "route", { weight: 0 }), destination(r3, 81, "route")]),
  service("tcp", 82, [destination(r1, 82, "tunnel"), destination(remote, 82, "tunnel")]),
  service("tcp", 83, []),
  service("tcp", 84, [destination(silent, 84, "masq"), destination(r1, 84, "masq")]),
  service("udp", 53, [destination(r1, 53, "masq"), destination(r2, 5353, "masq")]),
  service("udp", 54, [destination(r3, 54, "route")]),
  service("udp", 55, [destination(r3, 55, "tunnel"), destination(unreachable, 55, "tunnel")]),
  service("udp", 500, [destination(r1, 500, "masq"), destination(r2, 500, "masq")]),
  service("sctp", 90, [destination(r1, 9090, "masq"), destination(r2, 90, "masq")]),
  service("sctp", 91, [destination(r3, 91, "route")]),
  service("sctp", 92, [destination(r3, 92, "tunnel")]),
];

const PORTS = { tcp: [80, 81, 82, 83, 84, 99], udp: [53, 54, 55, 99, 500, 500], sctp: [90, 91, 92, 99] } as const;
const CLIENTS = [client, distantClient(1), distantClient(2), { ...client, address: "10.0.0.50" }, { ...client, address: "192.0.2.7" }];
const CLIENT_PORTS = [1024, 1025, 1026, 40000, 65535, 0, 500];
const FLAGS = [SYN, SYN, SYN, ACK, ACK, PSH | ACK, FIN | ACK, RST, RST | ACK, SYN | ACK, 0, SYN | RST, 0xff, FIN];
/** Types of SCTP's chunks. */
const CHUNKS = [0, 1, 1, 2, 3, 4, 6, 7, 8, 9, 10, 10, 11, 11, 14, 15, 192];
/** Up to more than an interface's MTU, which only super-packets may have. */
const LENGTHS = [0, 0, 0, 1, 2, 3, 17, 100, 511, 520, 1432, 1440, 1452, 1453, 1460, 1472, 1600];

export interface Incoming {
  readonly bytes: Uint8Array;
  readonly by: NetworkInterface;
}

export function randomFrame(random: Random, connections: readonly ModelConnection[]): Incoming {
  const isAnswer = connections.length > 0 && random.percent(30);
  const incoming = isAnswer ? answerFrame(random, random.pick(connections)) : requestFrame(random);
  return random.percent(50) ? incoming : { ...incoming, bytes: forKernel(random.pick(MUTATIONS)(random, incoming.bytes)) };
}

function requestFrame(random: Random): Incoming {
  const protocol = random.pick(["tcp", "tcp", "udp", "sctp"] as const);
  const packet = packetBetween(random, protocol, at(random.pick(CLIENTS), random.pick(CLIENT_PORTS)), at(VIP, random.pick(PORTS[protocol])));
  return { bytes: frame({ from: client.mac!, to: eth0.mac }, packet), by: eth0 };
}

/** A server's, mostly of a connection that there is; never longer than the client's way. */
function answerFrame(random: Random, connection: ModelConnection): Incoming {
  const from = random.percent(90) ? at(connection.destination.address, connection.destination.port) : at(random.pick(servers), 8080);
  const packet = packetBetween(random, connection.protocol, from, connection.client, 1400);
  return { bytes: frame({ from: r1.mac!, to: eth1.mac }, packet), by: eth1 };
}

function packetBetween(random: Random, protocol: Protocol, from: End, to: End, lengthMax = Infinity): Uint8Array {
  const payload = random.bytes(Math.min(lengthMax, random.pick(LENGTHS)));
  const fields: IpFields = {
    ttl: random.percent(90) ? 64 : random.below(4), typeOfService: random.percent(80) ? 0 : random.below(256), identification: random.below(65536),
    dontFragment: random.percent(70), ...(random.percent(10) && { options: new Uint8Array(4 * random.below(11)).fill(1) }),
  };
  if (protocol === "udp" && from.port === 500 && random.percent(50)) return ip(from.address, to.address, random.pick([IPPROTO_AH, IPPROTO_ESP]), payload, fields);
  if (protocol === "sctp") {
    const first = { type: random.pick(CHUNKS), value: random.bytes(random.below(30)) };
    return sctp(from, to, { ...fields, chunks: [...(random.percent(50) ? [first] : []), { type: random.pick(CHUNKS), value: payload }], withoutChecksum: random.percent(10) });
  }
  if (protocol === "udp") return udp(from, to, { ...fields, payload, withoutChecksum: random.percent(20) });
  return tcp(from, to, { ...fields, payload, flags: random.pick(FLAGS), sequence: random.below(2 ** 32), acknowledgment: random.below(2 ** 32) });
}

type Mutation = (random: Random, bytes: Uint8Array) => Uint8Array;

const ETHERNET_BYTES = 14;
const linked = (bytes: Uint8Array, packet: Uint8Array): Uint8Array => concatenate(bytes.subarray(0, ETHERNET_BYTES), packet);

const MUTATIONS: readonly Mutation[] = [
  cut,
  (random, bytes) => concatenate(bytes, random.bytes(random.below(64))),
  (random, bytes) => flipBits(random, bytes, ETHERNET_BYTES - 2, bytes.length),
  (random, bytes) => flipBits(random, bytes, ETHERNET_BYTES, ETHERNET_BYTES + 40),
  // In the IP header, with its checksum put right again.
  (random, bytes) => linked(bytes, changeIp(packetOf(flipBits(random, bytes, ETHERNET_BYTES, ETHERNET_BYTES + 20)), {})),
  (random, bytes) => linked(bytes, changeIp(packetOf(bytes), { totalLength: be16(random.below(2 * bytes.length)) })),
  (random, bytes) => linked(bytes, changeIp(packetOf(bytes), { versionAndLength: random.below(256) })),
  (random, bytes) => linked(bytes, changeIp(packetOf(bytes), { protocol: random.pick([IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ESP]) })),
  (random, bytes) => linked(bytes, changeIp(packetOf(bytes), { flagsAndOffset: be16(random.below(65536)) })),
  asFragment, asFragment,
  (random, bytes) => linked(bytes, icmp(client.address, VIP, { type: random.below(20), code: random.below(4), payload: random.bytes(random.below(80)) })),
  (random, bytes) => linked(bytes, random.bytes(random.below(120))),
  (random, bytes) => linked(bytes, concatenate(Uint8Array.of(0x45), random.bytes(19 + random.below(100)))),
];

function cut(random: Random, bytes: Uint8Array): Uint8Array {
  return bytes.slice(0, ETHERNET_BYTES + random.below(bytes.length - ETHERNET_BYTES));
}

/** Few identifications, so that fragments meet first ones of the same packet. */
function asFragment(random: Random, bytes: Uint8Array): Uint8Array {
  return linked(bytes, changeIp(packetOf(bytes), { identification: be16(random.below(2)), flagsAndOffset: be16(random.pick([0x2000, 0x2000, 0x6000, 0x20b9, 0x0172, 0x4001])) }));
}

function flipBits(random: Random, bytes: Uint8Array, from: number, to: number): Uint8Array {
  const flipped = bytes.slice();
  for (let count = 1 + random.below(3); count > 0; count--) {
    const place = from + random.below(Math.min(to, bytes.length) - from);
    flipped[place] = flipped[place]! ^ (1 << random.below(8));
  }
  return flipped;
}

/** net/bpf/test_run.c, bpf_prog_test_run_skb() wants whole IP headers: shorter packets get zeros, which are no less wrong. */
function forKernel(bytes: Uint8Array): Uint8Array {
  const etherType = (bytes[12]! | (bytes[13]! << 8)) as number;
  const least = etherType === (ETH_P_IP as number) ? ETHERNET_BYTES + 20 : etherType === (ETH_P_IPV6 as number) ? ETHERNET_BYTES + 40 : ETHERNET_BYTES;
  return bytes.length >= least ? bytes : concatenate(bytes, new Uint8Array(least - bytes.length));
}
