// For the tests of this folder: small servers on the loopback, and one check of them.

import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { TestContext } from "node:test";
import type { CheckTarget, Probe } from "#model/health.js";
import { check } from "../_configured.js";
import { probe } from "../probe.js";
import type { Verdict } from "../verdict.js";

export const LOCAL = "127.0.0.1";
/** What is answered is answered by then. */
const TIMEOUT_MILLISECONDS = 5000;
/** For what is never answered. */
export const SHORT = 150;
const LATE = "no answer in time";

/** The verdict on a server on the loopback. */
export async function verdictOn(kind: Probe, port: number, settings: Partial<CheckTarget> & { readonly milliseconds?: number } = {}): Promise<Verdict> {
  const { milliseconds = TIMEOUT_MILLISECONDS, ...target } = settings;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(LATE), milliseconds);
  try {
    return await probe(check(kind, target), { address: LOCAL, port }, controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** A TCP server that is gone with the test; its port. */
export async function tcpServer(context: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  server.listen(0, LOCAL);
  await once(server, "listening");
  context.after(() => { for (const socket of sockets) socket.destroy(); server.close(); });
  return (server.address() as AddressInfo).port;
}

/** A UDP server that answers what `answer` gives, one datagram after another; its port. */
export async function udpServer(context: TestContext, answer: (message: Buffer) => readonly Buffer[]): Promise<number> {
  const socket = createSocket("udp4", (message, { port, address }) => { for (const datagram of answer(message)) socket.send(datagram, port, address); });
  socket.bind(0, LOCAL);
  await once(socket, "listening");
  context.after(() => socket.close());
  return socket.address().port;
}

/** Where nobody listens. */
export async function closedTcpPort(): Promise<number> {
  const server = createServer().listen(0, LOCAL);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function closedUdpPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, LOCAL);
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}
