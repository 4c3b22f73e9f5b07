// A real server's HTTP: it answers its own name, sends bodies of any size, and says what it received.
//
//   GET /            its name
//   GET /bytes/N     N bytes of body.ts
//   POST /           {"server", "bytes", "sha256"} of what was sent
//
// Every answer has the headers Server-Name, and Seen-Client and Seen-Address: the connection's two ends as the server
// sees them. With LVS the first is the client's own address, by every method.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { body } from "./body.js";

export interface HttpServerOptions {
  readonly name: string;
  /** Default: any. */
  readonly address?: string;
  readonly port: number;
}

export interface UploadReceipt {
  readonly server: string;
  readonly bytes: number;
  readonly sha256: string;
}

export async function serveHttp(options: HttpServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    // A client that goes away in the middle is its own business.
    answer(options.name, request, response).catch(() => response.destroy());
  });
  // The laboratory's connections are idle on purpose.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.listen({ host: options.address ?? "0.0.0.0", port: options.port, backlog: 1024 });
  await once(server, "listening");
  return server;
}

async function answer(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { socket } = request;
  response.setHeader("Server-Name", name);
  response.setHeader("Seen-Client", `${socket.remoteAddress}:${socket.remotePort}`);
  response.setHeader("Seen-Address", `${socket.localAddress}:${socket.localPort}`);
  const size = /^\/bytes\/(\d+)$/.exec(request.url ?? "")?.[1];
  if (request.method === "POST") await answerUpload(name, request, response);
  else if (size !== undefined) await answerBody(Number(size), response);
  else answerText(`${name}\n`, response);
}

function answerText(text: string, response: ServerResponse): void {
  response.setHeader("Content-Type", "text/plain");
  response.setHeader("Content-Length", Buffer.byteLength(text));
  response.end(text);
}

async function answerBody(length: number, response: ServerResponse): Promise<void> {
  response.setHeader("Content-Type", "application/octet-stream");
  response.setHeader("Content-Length", length);
  await pipeline(Readable.from(body(length), { objectMode: false }), response);
}

async function answerUpload(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const receipt: UploadReceipt = { server: name, bytes, sha256: hash.digest("hex") };
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(receipt));
}
