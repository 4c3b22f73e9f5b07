// The client's HTTP: single requests on connections of their own, and sessions that stay open.

import { createHash } from "node:crypto";
import { Agent, request, type IncomingMessage, type RequestOptions } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { body, bodyDigest } from "./body.js";
import type { UploadReceipt } from "./http-server.js";

export interface Target {
  readonly address: string;
  readonly port: number;
  readonly path?: string;
  /** The client's own end; default: the kernel's choice. */
  readonly localAddress?: string;
  readonly localPort?: number;
  /** Without progress for so long, it fails. Default 5000. */
  readonly timeoutMilliseconds?: number;
}

export interface HttpReply {
  readonly status: number;
  /** Who answered. */
  readonly server: string;
  /** The connection's ends as the server sees them. */
  readonly seenClient: string;
  readonly seenAddress: string;
  readonly localPort: number;
  readonly bytes: number;
  readonly sha256: string;
  /** The body when it is small, else empty. */
  readonly text: string;
}

const TEXT_BYTES_MAX = 4096;
const TIMEOUT_MILLISECONDS = 5000;

/** One request on a new connection. */
export async function get(target: Target): Promise<HttpReply> {
  return readReply(await send(target, { agent: false }));
}

/** Uploads a body of so many bytes; what the server says it received, and whether that is what was sent. */
export async function post(target: Target & { readonly bytes: number }): Promise<UploadReceipt & { readonly intact: boolean }> {
  const reply = await readReply(await send(target, { agent: false, method: "POST", headers: { "Content-Length": target.bytes } }, body(target.bytes)));
  const receipt = JSON.parse(reply.text) as UploadReceipt;
  return { ...receipt, intact: receipt.bytes === target.bytes && receipt.sha256 === bodyDigest(target.bytes) };
}

/** Downloads so many bytes, and says whether they are the right ones. */
export async function download(target: Omit<Target, "path"> & { readonly bytes: number }): Promise<HttpReply & { readonly intact: boolean }> {
  const reply = await get({ ...target, path: `/bytes/${target.bytes}` });
  return { ...reply, intact: reply.bytes === target.bytes && reply.sha256 === bodyDigest(target.bytes) };
}

/** How many of `count` connections, one after the other, each server answered. */
export async function distribution(target: Target & { readonly count: number }): Promise<Record<string, number>> {
  const answered: Record<string, number> = {};
  for (let i = 0; i < target.count; i++) {
    const { server } = await get(target);
    answered[server] = (answered[server] ?? 0) + 1;
  }
  return answered;
}

/** One TCP connection that stays open between requests. */
export class Session {
  readonly #target: Target;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #localPort = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Fails when the connection was lost since the last request: a session never connects twice. */
  async get(path = "/"): Promise<HttpReply> {
    const reply = await readReply(await send({ ...this.#target, path }, { agent: this.#agent }));
    if (this.#localPort !== 0 && reply.localPort !== this.#localPort) {
      throw new Error(`the session's connection from port ${this.#localPort} was lost; the request went by a new one from port ${reply.localPort}`);
    }
    this.#localPort = reply.localPort;
    return reply;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Sends the request; the answer's head. */
export function send(target: Target, options: RequestOptions, upload: Iterable<Buffer> = []): Promise<IncomingMessage> {
  const timeout = target.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: target.address,
      port: target.port,
      path: target.path ?? "/",
      ...(target.localAddress === undefined ? {} : { localAddress: target.localAddress }),
      ...(target.localPort === undefined ? {} : { localPort: target.localPort }),
      timeout,
      ...options,
    }, resolve);
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer from ${target.address}:${target.port} in ${timeout} ms`)));
    outgoing.on("error", reject);
    pipeline(Readable.from(upload, { objectMode: false }), outgoing).catch(reject);
  });
}

export async function readReply(response: IncomingMessage): Promise<HttpReply> {
  // Closed connections forget their ports.
  const localPort = response.socket.localPort ?? 0;
  const hash = createHash("sha256");
  let bytes = 0;
  let text = "";
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    text = bytes <= TEXT_BYTES_MAX ? text + chunk.toString("latin1") : "";
  }
  const header = (name: string): string => String(response.headers[name] ?? "");
  return {
    status: response.statusCode ?? 0,
    server: header("server-name"),
    seenClient: header("seen-client"),
    seenAddress: header("seen-address"),
    localPort, bytes, text,
    sha256: hash.digest("hex"),
  };
}
