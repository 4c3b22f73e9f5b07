// Makes frames of a script's steps. It remembers what the director sent of each flow: answers come from where the last
// request went, and errors quote what really passed.

import { dissect, dissectIp } from "#lab/dissect.js";
import type { Ip } from "#lab/dissect.js";
import { IPPROTO_AH, IPPROTO_ESP, IPV4_HEADER_MIN } from "#wire/ipv4.js";
import { EMPTY, fragments, frame, icmp, icmpv6, ip, packetOf, payloadOf, sctp, tcp, udp } from "../packets/frame.js";
import type { End } from "../packets/frame.js";
import type { Host } from "../packets/network.js";
import { eth0, eth1, neighbours } from "../packets/network.js";
import { addressesOf } from "./addresses.js";
import type { Answer, Datagram, ErrorReport, Flow, Request, Step, Unasked } from "./script.js";
import type { Passage } from "./transcript.js";

/** A packet that the director sent on. */
interface SentOn {
  readonly packet: Uint8Array;
  readonly ip: Ip;
  /** The neighbour that it was sent to. */
  readonly neighbour: Host;
}

export class Memory {
  readonly #requests = new Map<number, SentOn>();
  readonly #answers = new Map<number, SentOn>();

  /** The frames that a step becomes now; undefined when it takes a packet that never was. */
  framesOf(step: Step): readonly Passage[] | undefined {
    if (step.kind === "request") return this.#request(step);
    if (step.kind === "answer") return this.#answer(step);
    if (step.kind === "error") return this.#error(step);
    if (step.kind === "unasked") return unasked(step);
    return undefined;
  }

  remember(step: Step, sent: readonly Passage[]): void {
    if ((step.kind !== "request" && step.kind !== "answer") || step.datagram.sealed !== undefined) return;
    for (const passage of sent) {
      const one = sentOn(passage);
      if (one === undefined || one.ip.icmp !== undefined || one.ip.fragmentOffset !== 0) continue;
      const isAnswer = one.ip.destination === step.flow.client.address;
      (isAnswer ? this.#answers : this.#requests).set(step.flow.number, one);
    }
  }

  #request({ flow, datagram }: Request): readonly Passage[] {
    const link = { from: clientSide(flow).mac!, to: eth0.mac };
    return inFragments(build(flow, flow.client, flow.virtual, datagram), datagram).map((packet) => ({ by: eth0.name, bytes: frame(link, packet) }));
  }

  #answer({ flow, datagram }: Answer): readonly Passage[] | undefined {
    const request = this.#requests.get(flow.number);
    if (request === undefined) return undefined;
    const arrived = request.ip.inner ?? request.ip;
    const ports = arrived.tcp ?? arrived.udp ?? arrived.sctp;
    if (ports === undefined || (passesDirector(arrived) && isRefusedByStack(datagram))) return undefined;
    const server: End = { address: arrived.destination, port: ports.destinationPort };
    const link = { from: request.neighbour.mac!, to: eth1.mac };
    return inFragments(build(flow, server, flow.client, datagram), datagram).map((packet) => ({ by: eth1.name, bytes: frame(link, packet) }));
  }

  #error({ flow, about, invented, from, type, code, rest, quotes, identification }: ErrorReport): readonly Passage[] | undefined {
    const about_ = invented !== undefined ? inventedAnswer(flow, invented) : (about === "request" ? this.#requests : this.#answers).get(flow.number);
    if (about_ === undefined) return undefined;
    const { packet, ip, neighbour } = about_;
    const by = neighbour.interface;
    const { router, gateway } = addressesOf(ip.source);
    const source = from === "end" ? ip.destination : by === eth0 ? router.address : gateway.address;
    const payload = packet.subarray(0, Math.min(packet.length, quotes));
    const sender = from === "end" ? neighbour : by === eth0 ? router : gateway;
    const message = (ip.version === 6 ? icmpv6 : icmp)(source, ip.source, { type, code, rest, payload, identification, dontFragment: false });
    return [{ by: by.name, bytes: frame({ from: sender.mac!, to: by.mac }, message) }];
  }
}

/** The neighbour that a client's packets come from. */
function clientSide({ client: { address } }: Flow): Host {
  const { client, router } = addressesOf(address);
  return address === client.address ? client : router;
}

/** The answer to a packet by DR or TUN: in IPv4 the stack takes none from an address of its own. */
const passesDirector = ({ version, destination }: Ip): boolean => version === 6 && addressesOf(destination).virtual.includes(destination);

/**
 * docs/lvs-compatibility.md: of answers by DR and TUN that pass the director the stack refuses some, and says so to the VIP, which is the director itself.
 * IPVS sends that error to the server; weir does not see it. And those in fragments pass weir uncounted.
 */
const isRefusedByStack = ({ ttl, payloadBytes, cut }: Datagram): boolean => ttl === 1 || payloadBytes > ANSWER_BYTES_MAX || cut !== undefined;

/** That fit the wire in a packet by IPv6, with a UDP header. */
const ANSWER_BYTES_MAX = 1452;

function unasked({ flow, server, datagram }: Unasked): readonly Passage[] {
  const { mac } = neighbours.find(({ address }) => address === server.address)!;
  return [{ by: eth1.name, bytes: frame({ from: mac!, to: eth1.mac }, build(flow, server, flow.client, datagram)) }];
}

/** As if the director had sent it. */
function inventedAnswer(flow: Flow, datagram: Datagram): SentOn {
  const packet = build(flow, flow.virtual, flow.client, datagram);
  return { packet, ip: dissectIp(packet)!, neighbour: clientSide(flow) };
}

function inFragments(packet: Uint8Array, { cut, lastFirst = false, identification }: Datagram): readonly Uint8Array[] {
  if (cut === undefined) return [packet];
  const [first, ...others] = fragments(packet, { bytes: cut, identification });
  return [first!, ...(lastFirst ? others.reverse() : others)];
}

function build({ protocol }: Flow, from: End, to: End, { payloadBytes, flags = 0, chunks = [], sealed, ...fields }: Datagram): Uint8Array {
  const payload = payloadOf(payloadBytes);
  if (sealed !== undefined) return ip(from.address, to.address, sealed === "ah" ? IPPROTO_AH : IPPROTO_ESP, payload, fields);
  if (protocol === "sctp") return sctp(from, to, { ...fields, chunks: chunks.map((type, i) => ({ type, value: i === 0 ? payload : EMPTY })) });
  return protocol === "tcp" ? tcp(from, to, { ...fields, flags, payload }) : udp(from, to, { ...fields, payload });
}

function sentOn({ bytes }: Passage): SentOn | undefined {
  const { ip, destination } = dissect(bytes);
  const neighbour = neighbours.find(({ mac }) => mac === destination);
  if (ip === undefined || neighbour === undefined || ip.length < IPV4_HEADER_MIN) return undefined;
  return { packet: packetOf(bytes).subarray(0, ip.length), ip, neighbour };
}
