// UDP: a server that answers its name and what it was sent, from the address it was sent to; and its client.

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

export interface UdpServerOptions {
  readonly name: string;
  /** The address it is asked at: a socket bound to any would answer from the interface's. */
  readonly address: string;
  readonly port: number;
}

export interface UdpRequest {
  readonly address: string;
  readonly port: number;
  readonly text?: string;
  /** Of one socket, one after the other. Default 1. */
  readonly count?: number;
  readonly localPort?: number;
  /** For each answer; default 1000. */
  readonly timeoutMilliseconds?: number;
}

export interface UdpReply {
  readonly server: string;
  readonly text: string;
  /** Where the answer came from. */
  readonly from: string;
}

export async function serveUdpEcho(options: UdpServerOptions): Promise<Socket> {
  const socket = createSocket(isIPv6(options.address) ? "udp6" : "udp4");
  socket.on("message", (message, from) => socket.send(`${options.name} ${message.toString("latin1")}`, from.port, from.address));
  socket.bind(options.port, options.address);
  await once(socket, "listening");
  return socket;
}

/** Asks `count` times; an answer that does not come is not in the list. */
export async function udpEcho(request: UdpRequest): Promise<readonly UdpReply[]> {
  const socket = createSocket(isIPv6(request.address) ? "udp6" : "udp4");
  try {
    socket.bind(request.localPort ?? 0);
    await once(socket, "listening");
    const replies: UdpReply[] = [];
    for (let i = 0; i < (request.count ?? 1); i++) {
      const reply = await ask(socket, request);
      if (reply !== undefined) replies.push(reply);
    }
    return replies;
  } finally {
    socket.close();
  }
}

function ask(socket: Socket, request: UdpRequest): Promise<UdpReply | undefined> {
  return new Promise((resolve) => {
    const end = (reply: UdpReply | undefined): void => {
      clearTimeout(timer);
      socket.removeAllListeners("message");
      resolve(reply);
    };
    const timer = setTimeout(end, request.timeoutMilliseconds ?? 1000, undefined);
    socket.on("message", (message, from) => {
      const [server = "", ...rest] = message.toString("latin1").split(" ");
      end({ server, text: rest.join(" "), from: `${from.address}:${from.port}` });
    });
    // ICMP errors come as an error of a later send: no answer is answer enough.
    socket.send(request.text ?? "hello", request.port, request.address, () => undefined);
  });
}
