// Load for a bounded time: requests a second, each on a connection of its own or on kept ones, and bytes a second.
// Plain sockets: node:http would spend more on parsing than the director on forwarding.

import { connect, type Socket } from "node:net";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface LoadOptions {
  /** Connections go to them in turn. */
  readonly endpoints: readonly Endpoint[];
  readonly path?: string;
  readonly seconds: number;
  /** At the same time; default 8. */
  readonly connections?: number;
  /** One connection for all requests instead of one each. Default false. */
  readonly keepAlive?: boolean;
}

export interface LoadResult {
  readonly requests: number;
  /** Bytes of HTTP, heads included. */
  readonly bytes: number;
  readonly errors: number;
  readonly seconds: number;
}

interface Tally {
  connections: number;
  requests: number;
  bytes: number;
  errors: number;
}

/** No laboratory's connection needs longer to make progress; one that does counts as an error. */
const STALL_MILLISECONDS = 2000;

export async function load(options: LoadOptions): Promise<LoadResult> {
  const tally: Tally = { connections: 0, requests: 0, bytes: 0, errors: 0 };
  const start = performance.now();
  const end = start + options.seconds * 1000;
  await Promise.all(Array.from({ length: options.connections ?? 8 }, () => client(options, end, tally)));
  const { requests, bytes, errors } = tally;
  return { requests, bytes, errors, seconds: (performance.now() - start) / 1000 };
}

/** One request after the other until the time is over. */
async function client(options: LoadOptions, end: number, tally: Tally): Promise<void> {
  while (performance.now() < end) {
    await new Promise<void>((resolve) => converse(options, end, tally, resolve));
  }
}

/** A connection's life: one request, or with keepAlive as many as there is time for. */
function converse(options: LoadOptions, end: number, tally: Tally, done: () => void): void {
  const head = `GET ${options.path ?? "/"} HTTP/1.1\r\nHost: lab\r\n${options.keepAlive ? "" : "Connection: close\r\n"}\r\n`;
  const endpoint = options.endpoints[tally.connections++ % options.endpoints.length];
  const socket: Socket = connect({ host: endpoint?.address, port: endpoint?.port ?? 0, noDelay: true });
  // What is still to come of the answer; undefined before its head has been read.
  let missing: number | undefined;
  socket.setTimeout(STALL_MILLISECONDS, () => socket.destroy(new Error("stalled")));
  socket.on("connect", () => socket.write(head));
  socket.on("data", (chunk) => {
    tally.bytes += chunk.length;
    missing = missing === undefined ? answerBytes(chunk) - chunk.length : missing - chunk.length;
    if (performance.now() >= end) socket.destroy();
    if (missing > 0) return;
    tally.requests += 1;
    missing = undefined;
    if (options.keepAlive) socket.write(head);
    else socket.end();
  });
  socket.on("error", () => { tally.errors += 1; });
  socket.on("close", done);
}

/** An answer's length from its head. The server writes the head in one piece, and it comes in one segment. */
function answerBytes(chunk: Buffer): number {
  const head = chunk.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(chunk.toString("latin1", 0, head))?.[1];
  return head + 4 + Number(length ?? 0);
}
