// What LVS does with a packet, said once more in plain TypeScript: the second opinion on every frame of the fuzzer. It
// shares neither code nor layouts with the data plane; it reads frames by lab/dissect and builds what must leave.
// Only what the fuzzer's services need is here: rr, three methods, conn_reuse_mode 1, nothing removed, nothing expired.

import { dissect, dissectIp, type Ip } from "#lab/dissect.js";
import { ipProblems } from "#lab/verify.js";
import type { Destination, Protocol } from "#model/director.js";
import type { Expectation, Forwarded, Refused, ServiceDescription } from "./case.js";
import { answered, dropped, forwarded, refused, toStack } from "./case.js";
import type { End } from "./frame.js";
import { RST, SYN, concatenate, icmp, ipip, packetOf } from "./frame.js";
import type { Host, NetworkInterface, NextHop } from "./network.js";
import { at, eth1, nextHop } from "./network.js";
import { rewrite } from "./rewrite.js";
import { nextSctpState, type SctpState } from "./sctp-model.js";
import { nextTcpState, type Sender, type TcpState } from "./tcp-model.js";

export interface ModelConnection {
  readonly protocol: Protocol;
  readonly client: End;
  readonly virtual: End;
  readonly destination: Destination;
  state: TcpState | SctpState | "UDP";
}

interface ModelService {
  readonly members: readonly Destination[];
  /** Of the member chosen last; -1 before the first. */
  last: number;
}

const ETH_P_IP = 0x0800;
/** Random bytes quote no connection. */
const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ESP = 50;
const AH = 51;
const SCTP = 132;
/** Types of SCTP's chunks. */
const INIT = 1;
const PORT_ISAKMP = 500;
const MTU = 1500;
const TUNNEL_BYTES = 20;
const QUOTED_MAX = 548;
const INTERNETWORK_CONTROL = 0xc0;
const IPTOS_TOS_MASK = 0x1e;
const ECN_MASK = 3;
const ECN_CE = 3;

export class Model {
  readonly #services = new Map<string, ModelService>();
  readonly #connections = new Map<string, ModelConnection>();
  /** By what a packet's fragments have in common. */
  readonly #firstFragments = new Map<string, Ends>();

  constructor(services: readonly ServiceDescription[]) {
    for (const { service: { id }, destinations } of services) {
      if (id.kind !== "address") throw new Error("The model knows services by address only");
      // Added to the head of the list, each of them.
      this.#services.set(`${id.protocol} ${id.address}:${id.port}`, { members: [...destinations].reverse(), last: -1 });
    }
  }

  get connections(): readonly ModelConnection[] {
    return [...this.#connections.values()];
  }

  meet(bytes: Uint8Array, by: NetworkInterface): Expectation {
    const { destination, etherType } = dissect(bytes);
    if (destination !== by.mac) return toStack("otherHost");
    if (etherType !== ETH_P_IP) return toStack("notIp");
    const packet = packetOf(bytes);
    const flaw = headerFlaw(packet);
    if (flaw !== undefined) return flaw;
    if (isFragment(packet)) return byTc(this.#fragment(packet), "XDP has no part in fragments");
    if (isCut(packet)) return toStack("truncated");
    const ip = dissect(bytes).ip!;
    const ports = portsOf(ip);
    if (ip.protocol === ICMP) return { ...toStack("otherProtocol"), leftToTc: "XDP has no part in ICMP" };
    if (ports === undefined) return toStack([TCP, UDP, SCTP].includes(ip.protocol) ? "truncated" : "otherProtocol");
    return this.#direct(packet, ip, ports);
  }

  /** Their time is up: further fragments find nothing. */
  forgetFragments(): void {
    this.#firstFragments.clear();
  }

  /** ip_vs_gather_frags(), but that the first fragment does not wait for the others, and they go after it: `LVS differs`. */
  #fragment(packet: Uint8Array): Expectation {
    const ip = dissectIp(packet)!;
    if (isCut(packet) || (packet[0]! & 0x0f) * 4 > ip.length) return toStack("truncated");
    const key = `${ip.source} ${ip.destination} ${ip.protocol} ${ip.identification}`;
    if (ip.fragmentOffset > 0) {
      const first = this.#firstFragments.get(key);
      return first === undefined ? toStack("fragment") : this.#next(packet, ip, first);
    }
    const first = firstWords(ip);
    if (first === undefined) return toStack("fragment");
    this.#firstFragments.set(key, first);
    const ports = portsOf(ip);
    if (ports === undefined) return toStack("truncated");
    return withChecksumsOfWhole(this.#direct(packet, ip, ports));
  }

  /** What the first fragment's packet was to its connection, this one is. */
  #next(packet: Uint8Array, ip: Ip, { protocol, from, to }: Ends): Expectation {
    const bytes = ip.length - (packet[0]! & 0x0f) * 4;
    const known = this.#connections.get(`${protocol} ${text(from)} ${text(to)}`);
    if (known === undefined) return this.#nextAnswer(packet, ip, bytes, { protocol, from, to });
    const { address, port, forward } = known.destination;
    const counts = { bytesIn: bytes };
    const hop = nextHop(address);
    if (hop === undefined) return { ...dropped("noRoute", "counted"), counts };
    if (ip.ttl <= 1) return { ...dropped("ttlExceeded", "counted"), counts };
    if (ip.length > MTU - (forward === "tunnel" ? TUNNEL_BYTES : 0)) return { ...dropped("tooBig", "counted"), counts };
    const aged = rewrite(packet, { ttl: ip.ttl - 1 });
    const leaves = forward === "masq" ? rewrite(aged, { to: at(address, port) })
      // Of what is not to be cut the identification is 0, of others any.
      : forward === "tunnel" ? (sent: Uint8Array) => encapsulate(aged, { ...ip, identification: (sent[4]! << 8) | sent[5]! }, address) : aged;
    return { ...forwarded(hostAt(hop), leaves), counts };
  }

  #nextAnswer(packet: Uint8Array, ip: Ip, bytes: number, ends: Ends): Expectation {
    const connection = this.#answeredBy(ends);
    if (connection === undefined) return toStack("fragment");
    if (ip.ttl <= 1) return toStack("answerTtlExceeded");
    const hop = nextHop(connection.client.address);
    if (hop === undefined) return dropped("noRoute");
    if (ip.length > MTU) return dropped("tooBig");
    return { ...answered(hostAt(hop), rewrite(packet, { ttl: ip.ttl - 1, from: connection.virtual })), counts: { bytesOut: bytes } };
  }

  #answeredBy({ protocol, from, to }: Ends): ModelConnection | undefined {
    return this.connections.find((one) => one.protocol === protocol && one.destination.forward === "masq"
      && text(one.client) === text(to) && text(at(one.destination.address, one.destination.port)) === text(from));
  }

  /** ip_vs_in() and ip_vs_out(): by its connection, or a new one's, or a connection's answer, or not at all. */
  #direct(packet: Uint8Array, ip: Ip, ports: Ports): Expectation {
    const { protocol, from, to, flags, chunks, follows } = ports;
    const key = `${protocol} ${text(from)} ${text(to)}`;
    const known = this.#connections.get(key);
    const isReused = known !== undefined && (protocol === "sctp" ? chunks[0] === INIT && known.state === "CLOSED"
      : protocol === "tcp" && (flags & SYN) !== 0 && (known.state === "TIME_WAIT" || known.state === "CLOSE"));
    if (known !== undefined && !isReused) return this.#request(packet, ip, known, ports);
    this.#connections.delete(key);
    const service = this.#services.get(`${protocol} ${text(to)}`);
    if (follows || service === undefined || !isUnicast(from.address)) return this.#answer(packet, ip, ports);
    if (protocol === "tcp" && ((flags & SYN) === 0 || (flags & RST) !== 0)) return toStack("notASyn");
    if (protocol === "sctp" && chunks[0] !== INIT) return toStack("notASyn");
    const chosen = schedule(service);
    if (chosen === undefined) return refused("noDestination", error(ip, 3, 3, 0, packet));
    const connection: ModelConnection = { protocol, client: from, virtual: to, destination: chosen, state: protocol === "udp" ? "UDP" : "NONE" };
    this.#connections.set(key, connection);
    return this.#request(packet, ip, connection, ports);
  }

  #request(packet: Uint8Array, ip: Ip, connection: ModelConnection, ports: Ports): Expectation {
    const { destination } = connection;
    const isTunnel = destination.forward === "tunnel";
    const isNat = destination.forward === "masq";
    advance(connection, ports, isNat ? "client" : "client only");
    const hop = nextHop(destination.address);
    if (hop === undefined) return dropped("noRoute", "counted");
    const counted = isNat ? "counted" : "counted both ways";
    if (ip.ttl <= 1) return refused("ttlExceeded", error(ip, 11, 0, 0, packet), counted);
    const aged = rewrite(packet, { ttl: ip.ttl - 1 });
    const room = MTU - (isTunnel ? TUNNEL_BYTES : 0);
    // One that may be cut does not come.
    if (ip.length > room) return loose(refused("tooBig", error(ip, 3, 4, room, aged), counted), ip);
    if (isNat && lacksBytes(ip, ports.to, at(destination.address, destination.port))) return dropped("rewriteFailed", "counted");
    const leaves = isNat ? rewrite(aged, { to: at(destination.address, destination.port) }) : isTunnel ? encapsulate(aged, ip, destination.address) : aged;
    return loose(by(hop, forwarded(hostAt(hop), leaves)), ip);
  }

  #answer(packet: Uint8Array, ip: Ip, ports: Ports): Expectation {
    const connection = this.#answeredBy(ports);
    if (connection === undefined) return toStack("notOurs");
    if (ip.ttl <= 1) return toStack("answerTtlExceeded");
    const hop = nextHop(connection.client.address);
    if (hop === undefined) return dropped("noRoute");
    if (ip.length > MTU) return ip.dontFragment ? toStack("answerTooBig", "only TC knows super-packets") : dropped("tooBig");
    advance(connection, ports, "server");
    if (lacksBytes(ip, ports.from, connection.virtual)) return { ...dropped("rewriteFailed", "counted"), counts: { packetsOut: 1, bytesOut: ip.length } };
    return loose(by(hop, answered(hostAt(hop), rewrite(packet, { ttl: ip.ttl - 1, from: connection.virtual }))), ip);
  }
}

interface Ends {
  readonly protocol: Protocol;
  readonly from: End;
  readonly to: End;
}

interface Ports extends Ends {
  /** TCP's. */
  readonly flags: number;
  /** The types of SCTP's, in their order. */
  readonly chunks: readonly number[];
  /** AH and ESP: the connection of these ends is theirs, if there is one, and the packet has no ports. */
  readonly follows: boolean;
}

/** net/ipv4/ip_input.c, ip_rcv_core(): LVS never sees such packets. Its header's checksum is not looked at: `LVS differs`. */
function headerFlaw(packet: Uint8Array): Expectation | undefined {
  if (packet.length < 20) return toStack("truncated");
  const [first = 0] = packet;
  if (first >> 4 !== 4) return toStack("notIp");
  if ((first & 0x0f) < 5) return toStack("truncated");
  return undefined;
}

function isFragment(packet: Uint8Array): boolean {
  return (((packet[6]! << 8) | packet[7]!) & 0x3fff) !== 0;
}

/** It is shorter than it says. */
function isCut(packet: Uint8Array): boolean {
  return ((packet[2]! << 8) | packet[3]!) > packet.length;
}

/** What a first fragment says of its connection. Undefined when that is nothing. */
function firstWords(ip: Ip): Ends | undefined {
  if (ip.protocol === AH || ip.protocol === ESP) return portsOf(ip);
  const protocol = ({ [TCP]: "tcp", [UDP]: "udp", [SCTP]: "sctp" } as const)[ip.protocol];
  const payload = Buffer.from(ip.payload);
  if (protocol === undefined || payload.length < 4) return undefined;
  return { protocol, from: at(ip.source, payload.readUInt16BE(0)), to: at(ip.destination, payload.readUInt16BE(2)) };
}

/** CRC32c changes by the ports' distance from the packet's end, which a first fragment does not tell. */
function lacksBytes(ip: Ip, before: End, after: End): boolean {
  return ip.moreFragments && ip.sctp !== undefined && before.port !== after.port && Buffer.from(ip.payload).readUInt32LE(8) !== 0;
}

/** Nobody can tell from the first fragment whether its checksum is right. */
function withChecksumsOfWhole(expectation: Expectation): Expectation {
  return expectation.fate === "forwarded" || expectation.fate === "refused" ? { ...expectation, checksumsWrong: true } : expectation;
}

/** Undefined when the packet is of another protocol, or too short for its own. */
function portsOf(ip: Ip): Ports | undefined {
  if (ip.protocol === AH || ip.protocol === ESP) {
    return { protocol: "udp", from: at(ip.source, PORT_ISAKMP), to: at(ip.destination, PORT_ISAKMP), flags: 0, chunks: [], follows: true };
  }
  const transport = ip.tcp ?? ip.udp ?? ip.sctp;
  if (transport === undefined || ip.sctp?.chunks.length === 0) return undefined;
  return {
    protocol: ip.tcp !== undefined ? "tcp" : ip.udp !== undefined ? "udp" : "sctp",
    from: at(ip.source, transport.sourcePort), to: at(ip.destination, transport.destinationPort),
    flags: ip.tcp === undefined ? 0 : ip.payload[13]!, chunks: ip.sctp?.chunks.map(({ type }) => type) ?? [], follows: false,
  };
}

/** ip_vs_rr.c: the next member after the last one that takes connections. */
function schedule(service: ModelService): Destination | undefined {
  for (let step = 1; step <= service.members.length; step++) {
    const place = (service.last + step) % service.members.length;
    if (service.members[place]!.weight === 0) continue;
    service.last = place;
    return service.members[place];
  }
  return undefined;
}

function advance(connection: ModelConnection, { flags, chunks }: Ports, sender: Sender): void {
  if (connection.protocol === "tcp") connection.state = nextTcpState(connection.state as TcpState, flags, sender);
  if (connection.protocol === "sctp") connection.state = nextSctpState(connection.state as SctpState, chunks, sender);
}

/** net/ipv4/route.c, ip_route_input_slow(): the stack refuses other sources. */
function isUnicast(address: string): boolean {
  const first = Number(address.split(".")[0]);
  return first !== 0 && first !== 127 && first < 224;
}

/** RFC 2003, and ip_vs_xmit.c, ip_vs_tunnel_xmit(): what pads the frame stays behind it. */
function encapsulate(aged: Uint8Array, ip: Ip, to: string): Uint8Array {
  const outer = { ttl: ip.ttl - 1, typeOfService: (ip.tos & ECN_MASK) === ECN_CE ? ip.tos - 1 : ip.tos, dontFragment: ip.dontFragment, identification: ip.dontFragment ? 0 : ip.identification };
  return concatenate(ipip(eth1.address, to, aged.subarray(0, ip.length), outer), aged.subarray(ip.length));
}

/** The director's word about `packet`, from the address that it was sent to. */
function error(ip: Ip, type: number, code: number, rest: number, packet: Uint8Array): Uint8Array {
  const payload = packet.subarray(0, Math.min(ip.length, QUOTED_MAX));
  const typeOfService = INTERNETWORK_CONTROL | (ip.tos & IPTOS_TOS_MASK);
  return icmp(ip.destination, ip.source, { type, code, rest, payload, typeOfService, identification: ip.identification, dontFragment: false });
}

function byTc(expectation: Expectation, leftToTc: string): Expectation {
  return expectation.fate === "stack" || expectation.fate === "forwarded" ? { ...expectation, leftToTc } : expectation;
}

/** The way there: where no neighbour is known, only TC can ask for one. */
function by(hop: NextHop, expectation: Forwarded): Forwarded {
  return hop.mac === undefined ? { ...expectation, leftToTc: "the next hop's MAC address is not known" } : expectation;
}

const hostAt = (hop: NextHop): Host => ({ name: hop.address, ...hop });

/** Checksums that came wrong leave wrong: which wrong ones, nobody promises. */
function loose<E extends Forwarded | Refused>(expectation: E, ip: Ip): E {
  return ipProblems(ip).length === 0 ? expectation : { ...expectation, checksumsWrong: true };
}

const text = ({ address, port }: End): string => `${address}:${port}`;
