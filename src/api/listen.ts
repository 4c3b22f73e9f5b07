// The sockets that the API is served by: a unix socket always, whose permissions decide; a TLS port when the configuration has one.

import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server as TlsServer } from "node:https";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import type { ApiConfiguration, ApiSocket, ApiTls } from "#model/config-api.js";
import { formatEndpoint } from "#model/names.js";
import { ControlError } from "#control/errors.js";
import type { ApiOptions } from "./app.js";
import { createApi } from "./app.js";
import { apiSocketPath } from "./socket-path.js";
import type { Token } from "./tokens.js";
import { findToken, parseTokens } from "./tokens.js";

export interface ApiServer {
  /** For people: "unix:/run/weir/api-4026531840.sock", "https://10.0.0.1:8443". */
  readonly addresses: readonly string[];
  /** Reads certificate, key and tokens again; throws ControlError, and goes on with the old ones, when they are not right. */
  reload(): void;
  /** Whoever is being answered has half a second for it. */
  close(): Promise<void>;
}

/** Of a client that sends its request so slowly that it will not end. */
const HEADERS_TIMEOUT_MILLISECONDS = 10_000;
const REQUEST_TIMEOUT_MILLISECONDS = 60_000;
/** Enough for any answer but those that never end, and long lists. */
const CLOSE_MILLISECONDS = 500;
/** Each may have many requests; a listener of events holds one. */
const CONNECTIONS_MAX = 1024;

/** Serves nobody when it throws. */
export async function listen({ socket, tls }: ApiConfiguration, options: Omit<ApiOptions, "authenticate">): Promise<ApiServer> {
  const network = tls === undefined ? undefined : prepareTls(tls, options);
  const local = await listenLocally(socket, options);
  try {
    if (network !== undefined) await network.listen();
  } catch (error) {
    await local.close();
    throw error;
  }
  const served = [local, ...(network === undefined ? [] : [network])];
  return {
    addresses: served.map(({ address }) => address),
    reload: () => network?.reload(),
    close: async () => void await Promise.all(served.map((one) => one.close())),
  };
}

async function listenLocally({ path = apiSocketPath(), mode, group }: ApiSocket, options: ApiOptions) {
  const gid = group === undefined ? undefined : findGroup(group);
  makeWay(path, mode);
  await removeStale(path);
  const server = createServer(listenerFor(options));
  setLimits(server);
  // Until its mode is set, nobody but root connects.
  const umask = process.umask(0o177);
  try {
    await bound(server, () => server.listen({ path }), `unix socket ${path}`);
  } finally {
    process.umask(umask);
  }
  if (gid !== undefined) chownSync(path, process.getuid!(), gid);
  chmodSync(path, mode);
  const removeSign = path === apiSocketPath() ? () => {} : await leaveSign(path, mode);
  return { address: `unix:${path}`, close: () => (removeSign(), closed(server)) };
}

/** Where the socket would be by default, so that commands and clients find it that know nothing of the configuration. */
async function leaveSign(path: string, mode: number): Promise<() => void> {
  const sign = apiSocketPath();
  makeWay(sign, mode);
  await removeStale(sign);
  symlinkSync(path, sign);
  return () => rmSync(sign, { force: true });
}

function prepareTls(tls: ApiTls, options: ApiOptions) {
  const read = () => ({ context: readCertificate(tls), tokens: parseTokens(readFile(tls.tokens, "the tokens"), tls.tokens) });
  let { context, tokens }: { context: { cert: string; key: string }; tokens: readonly Token[] } = read();
  const server: TlsServer = createTlsServer({ ...context, minVersion: "TLSv1.2" }, listenerFor({ ...options, authenticate: (authorization) => findToken(tokens, authorization) }));
  setLimits(server);
  const address = formatEndpoint(tls);
  return {
    address: `https://${address}`,
    listen: () => bound(server, () => server.listen({ host: tls.address, port: tls.port }), address),
    reload: () => {
      ({ context, tokens } = read());
      server.setSecureContext({ ...context, minVersion: "TLSv1.2" });
    },
    close: () => closed(server),
  };
}

function readCertificate({ certificate, key }: ApiTls): { readonly cert: string; readonly key: string } {
  const pair = { cert: readFile(certificate, "the certificate"), key: readFile(key, "the key") };
  try {
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new ControlError("API", `Cannot serve the API with the certificate ${certificate} and the key ${key}: ${(error as Error).message}; give PEM files that belong together`, { cause: error });
  }
}

function readFile(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ControlError("API", `Cannot serve the API over the network: ${what} ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** By name or number, as the system's sources of names know it. */
function findGroup(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const { stdout } = spawnSync("getent", ["group", group], { encoding: "utf8" });
  const number = stdout?.split(":")[2];
  if (number === undefined) throw new ControlError("API", `Cannot give the API's socket to the group ${group}: there is no such group; groupadd ${group} makes it`);
  return Number(number);
}

/** Weir's own folder lets those through for whom the socket is; in any other it is up to the administrator. */
function makeWay(path: string, mode: number): void {
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (folder !== dirname(apiSocketPath()) || (mode & 0o077) === 0) return;
    chmodSync(folder, (statSync(folder).mode & 0o777) | 0o011);
  } catch (error) {
    throw new ControlError("API", `Cannot make the folder of the API's socket, ${folder}: ${(error as Error).message}`, { cause: error });
  }
}

/** Left by a daemon that was killed. One that answers is another's. */
async function removeStale(path: string): Promise<void> {
  const outcome = await tryConnection(path);
  if (outcome === "ENOENT") return rmSync(path, { force: true }); // Nothing, or the sign of what is not there any more.
  if (outcome === "ECONNREFUSED" && statSync(path).isSocket()) return unlinkSync(path);
  const found = outcome === "connected" ? "another daemon answers there; end it first" : `something else is there (${outcome}); take it away`;
  throw new ControlError("API", `Cannot serve the API at ${path}: ${found}`);
}

function tryConnection(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

function listenerFor(options: ApiOptions): RequestListener {
  const api = createApi(options);
  return getRequestListener((request) => api.fetch(request), { overrideGlobalObjects: false }) as RequestListener;
}

function setLimits(server: Server | TlsServer): void {
  server.headersTimeout = HEADERS_TIMEOUT_MILLISECONDS;
  server.requestTimeout = REQUEST_TIMEOUT_MILLISECONDS;
  server.maxConnections = CONNECTIONS_MAX;
}

function bound(server: Server | TlsServer, start: () => void, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("listening", () => resolve());
    server.once("error", (error) => reject(new ControlError("API", `Cannot serve the API at ${where}: ${error.message}`, { cause: error })));
    start();
  });
}

function closed(server: Server | TlsServer): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MILLISECONDS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
