// The simulated hosts but for the director: routers, a client that asks once a connection, real servers that answer with
// their names. As little of TCP as a request on a network needs that loses nothing.

import { TCP_ACK, TCP_FIN, TCP_SYN } from "#wire/tcp.js";
import { dissect, type Ip, type Tcp } from "../dissect.js";
import { addressOf, type HostPlan, type InterfacePlan, type NetworkPlan } from "../plan.js";
import { aged, packetOf, tcpPacket, type End } from "./packet.js";
import { holds, send, type Departure } from "./routing.js";

/** A host at work: what it sends when a frame comes in. */
export interface Host {
  receive(frame: Uint8Array, at: InterfacePlan): readonly Departure[];
}

const CLIENT_SEQUENCE = 1000;
const SERVER_SEQUENCE = 5000;

/** Sends on what is not its own, one hop older. */
export function router(plan: NetworkPlan, host: HostPlan): Host {
  return {
    receive(frame) {
      const { ip } = dissect(frame);
      if (ip === undefined || holds(host, ip.destination)) return [];
      return send(plan, host, ip.destination, aged(packetOf(frame)));
    },
  };
}

/** Takes packets out of tunnels to itself; answers every connection. */
export function server(plan: NetworkPlan, host: HostPlan): Host {
  return {
    receive(frame) {
      const ip = arrived(dissect(frame).ip, host);
      if (ip?.tcp === undefined) return [];
      const { tcp } = ip;
      const from = { address: ip.destination, port: tcp.destinationPort };
      const to = { address: ip.source, port: tcp.sourcePort };
      return answers(tcp, host.name).flatMap((answer) => send(plan, host, to.address, tcpPacket({ from, to, acknowledgement: nextSequence(tcp), ...answer })));
    },
  };
}

export class Client implements Host {
  /** By the client's port: who answered. */
  readonly answered = new Map<number, string>();
  readonly #plan: NetworkPlan;
  readonly #host: HostPlan;

  constructor(plan: NetworkPlan, host: HostPlan) {
    this.#plan = plan;
    this.#host = host;
  }

  /** Opens a connection; the rest follows from the answers. */
  connect(port: number, to: End): readonly Departure[] {
    return this.#send(port, to, TCP_SYN, CLIENT_SEQUENCE, 0);
  }

  receive(frame: Uint8Array): readonly Departure[] {
    const { ip } = dissect(frame);
    if (ip?.tcp === undefined || !holds(this.#host, ip.destination)) return [];
    const { tcp } = ip;
    const server: End = { address: ip.source, port: tcp.sourcePort };
    const reply = (flags: number, sequence: number, text = "") => this.#send(tcp.destinationPort, server, flags, sequence, nextSequence(tcp), text);
    if (tcp.flags === "S.") return [...reply(TCP_ACK, tcp.acknowledgment), ...reply(TCP_ACK, tcp.acknowledgment, REQUEST)];
    if (tcp.flags.includes("F")) return reply(TCP_ACK, tcp.acknowledgment);
    if (tcp.payload.length === 0) return [];
    this.answered.set(tcp.destinationPort, /^Server-Name: (\S+)/m.exec(Buffer.from(tcp.payload).toString("latin1"))?.[1] ?? "");
    return reply(TCP_FIN | TCP_ACK, tcp.acknowledgment);
  }

  #send(port: number, to: End, flags: number, sequence: number, acknowledgement: number, text = ""): readonly Departure[] {
    const from = { address: addressOf(this.#host), port };
    return send(this.#plan, this.#host, to.address, tcpPacket({ from, to, flags, sequence, acknowledgement, text }));
  }
}

const REQUEST = "GET / HTTP/1.1\r\nHost: lab\r\n\r\n";

interface Answer {
  readonly flags: number;
  readonly sequence: number;
  readonly text?: string;
}

function answers(tcp: Tcp, name: string): readonly Answer[] {
  if (tcp.flags === "S") return [{ flags: TCP_SYN | TCP_ACK, sequence: SERVER_SEQUENCE }];
  if (tcp.flags.includes("F")) return [{ flags: TCP_FIN | TCP_ACK, sequence: tcp.acknowledgment }];
  if (tcp.payload.length === 0) return [];
  const text = `HTTP/1.1 200 OK\r\nServer-Name: ${name}\r\nContent-Length: ${name.length + 1}\r\n\r\n${name}\n`;
  return [{ flags: TCP_ACK, sequence: tcp.acknowledgment, text }];
}

/** RFC 9293 section 3.4: SYN and FIN count as one. */
function nextSequence({ sequence, payload, flags }: Tcp): number {
  return sequence + payload.length + (/[SF]/.test(flags) ? 1 : 0);
}

/** The packet for this host, taken out of a tunnel that ends here. */
function arrived(ip: Ip | undefined, host: HostPlan): Ip | undefined {
  if (ip === undefined || !holds(host, ip.destination)) return undefined;
  return ip.inner === undefined ? ip : arrived(ip.inner, host);
}
