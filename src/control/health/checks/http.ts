// HTTP_GET and SSL_GET: every request is answered as it should be. keepalived 2.2.7 keepalived/check/check_http.c, check_ssl.c.

import { createHash } from "node:crypto";
import { isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Client } from "undici";
import type { HttpProbe, HttpRequest } from "#model/health.js";
import { formatEndpoint } from "#model/names.js";
import { CheckFailure, attempt, inWords } from "../attempt.js";
import type { Target } from "../target.js";
import { connectTcp } from "../target.js";
import type { Verdict } from "../verdict.js";
import { healthy } from "../verdict.js";

/** What `body` is looked for in, and a digest is made of. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export async function probe(check: HttpProbe, target: Target, signal: AbortSignal): Promise<Verdict> {
  const details = [];
  for (const request of check.requests) details.push(judge(request, nameOf(check, request, target), await exchange(check, request, target, signal)));
  return healthy(details.join("; "));
}

/** On a connection of its own. */
async function exchange(check: HttpProbe, request: HttpRequest, target: Target, signal: AbortSignal): Promise<Answer> {
  const socket = await connectTcp(target, signal);
  try {
    const stream = check.type === "https" ? await secure(socket, check, request, target, signal) : socket;
    return await ask(asVersion(stream, check.version), check, request, target, signal);
  } finally {
    if (target.source?.port) socket.resetAndDestroy();
    else socket.destroy();
  }
}

async function secure(socket: Socket, { sni, verify }: HttpProbe, { host }: HttpRequest, target: Target, signal: AbortSignal): Promise<Socket> {
  const name = host?.replace(/:\d+$/, "");
  return attempt<Socket>(`agree on TLS with ${target.name}`, signal, ({ done, fail }) => {
    const stream = connectTls({
      socket, host: name ?? target.address, servername: sni && name !== undefined && isIP(name) === 0 ? name : "", rejectUnauthorized: verify, ALPNProtocols: ["http/1.1"],
    });
    stream.once("secureConnect", () => done(stream));
    stream.on("error", (error) => fail(error));
    return () => undefined;
  });
}

async function ask(stream: Socket, check: HttpProbe, request: HttpRequest, target: Target, signal: AbortSignal): Promise<Answer> {
  const { path, method, host = defaultHost(check, target) } = request;
  // Limits of time: the check has its own. A socket that is given at once is not taken note of: Client is in the middle of its queue then.
  const client = new Client(`${check.type}://${formatEndpoint(target)}`, { connect: (_options, callback) => queueMicrotask(() => callback(null, stream)), headersTimeout: 0, bodyTimeout: 0 });
  try {
    const { statusCode, body } = await client.request({ path, method, headers: { host, "user-agent": "weir" }, reset: true, signal });
    return { status: statusCode, body: await read(body, nameOf(check, request, target)) };
  } catch (error) {
    if (error instanceof CheckFailure) throw error;
    throw new CheckFailure(`cannot ${nameOf(check, request, target)}: ${signal.aborted ? String(signal.reason) : inWords(error)}`);
  } finally {
    client.destroy().catch(() => undefined);
  }
}

async function read(body: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) throw new CheckFailure(`${name} answered with more than ${BODY_BYTES_MAX} bytes`);
  }
  return Buffer.concat(parts);
}

/** What is right about the answer; throws what is not. */
function judge({ status: wanted, digest, body: contained, bodyNot }: HttpRequest, name: string, { status, body }: Answer): string {
  if (!wanted.some(([from, to]) => status >= from && status <= to)) throw new CheckFailure(`${name} answered ${status}; wanted ${wanted.map(formatRange).join(", ")}`);
  const found = digest === undefined ? undefined : createHash("md5").update(body).digest("hex");
  if (found !== digest) throw new CheckFailure(`${name} answered ${status} with a body of digest ${found}; wanted ${digest}`);
  const text = body.toString("utf8");
  if (contained !== undefined && !new RegExp(contained, "u").test(text)) throw new CheckFailure(`${name} answered ${status} without ${contained} in its body`);
  if (bodyNot !== undefined && new RegExp(bodyNot, "u").test(text)) throw new CheckFailure(`${name} answered ${status} with ${bodyNot} in its body`);
  return `${name} answered ${status}`;
}

/** undici speaks HTTP/1.1 alone, and answers to 1.0 are read by the same rules: the request line is written as it should be. */
function asVersion(stream: Socket, version: HttpProbe["version"]): Socket {
  if (version === "1.1") return stream;
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = ((head: unknown, ...rest: unknown[]) => {
    stream.write = write as Socket["write"];
    return write(String(head).replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n"), ...rest);
  }) as Socket["write"];
  return stream;
}

const nameOf = ({ type }: HttpProbe, { method, path }: HttpRequest, { name }: Target): string => `${method} ${type}://${name}${path}`;
const formatRange = ([from, to]: readonly [number, number]): string => (from === to ? `${from}` : `${from}-${to}`);

/** RFC 9110 section 7.2: without the port where it is the scheme's own. */
function defaultHost({ type }: HttpProbe, target: Target): string {
  const alone = target.family === 6 ? `[${target.address}]` : target.address;
  return target.port === (type === "http" ? 80 : 443) ? alone : target.name;
}
