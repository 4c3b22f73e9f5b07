// What the servers of the API have in common, by whichever socket.

import type { RequestListener, Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import { getRequestListener } from "@hono/node-server";
import { ControlError } from "#control/errors.js";
import type { ApiOptions } from "./app.js";
import { createApi } from "./app.js";

/** Of a client that sends its request so slowly that it will not end. */
const HEADERS_TIMEOUT_MILLISECONDS = 10_000;
const REQUEST_TIMEOUT_MILLISECONDS = 60_000;
/** Enough for any answer but those that never end, and long lists. */
const CLOSE_MILLISECONDS = 500;
/** Each may have many requests; a listener of events holds one. */
const CONNECTIONS_MAX = 1024;

export function listenerFor(options: ApiOptions): RequestListener {
  const api = createApi(options);
  return getRequestListener((request) => api.fetch(request), { overrideGlobalObjects: false }) as RequestListener;
}

export function setLimits(server: Server | TlsServer): void {
  server.headersTimeout = HEADERS_TIMEOUT_MILLISECONDS;
  server.requestTimeout = REQUEST_TIMEOUT_MILLISECONDS;
  server.maxConnections = CONNECTIONS_MAX;
}

export function bound(server: Server | TlsServer, start: () => void, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("listening", () => resolve());
    server.once("error", (error) => reject(new ControlError("API", `Cannot serve the API at ${where}: ${error.message}`, { cause: error })));
    start();
  });
}

/** Takes nobody new at once; whoever is being answered has half a second for it. */
export function closed(server: Server | TlsServer): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MILLISECONDS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
