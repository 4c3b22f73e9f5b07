// The TLS port that the API is served by when the configuration has one: tokens decide who may ask.

import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createSecureContext } from "node:tls";
import { ControlError } from "#control/errors.js";
import type { ApiTls } from "#model/config/api.js";
import { formatEndpoint } from "#model/names.js";
import type { ApiOptions } from "./app.js";
import { bound, closed, listenerFor, setLimits } from "./server.js";
import type { Token } from "./tokens.js";
import { findToken, parseTokens } from "./tokens.js";

/** What its files hold. */
export interface TlsMaterial {
  readonly context: { readonly cert: string; readonly key: string };
  readonly tokens: readonly Token[];
}

export interface TlsPort {
  /** "10.0.0.1:8443" */
  readonly endpoint: string;
  readonly port: number;
  /** From the next connection on, and of tokens from the next request. */
  take(material: TlsMaterial): void;
  close(): Promise<void>;
  /** After close(): serves as before. Throws ControlError when somebody else has the place. */
  reopen(): Promise<void>;
}

const VERSION_MIN = "TLSv1.2";

/** Throws ControlError when they are not there, or not right. */
export function readMaterial(tls: ApiTls): TlsMaterial {
  return { context: readCertificate(tls), tokens: parseTokens(readFile(tls.tokens, "the tokens"), tls.tokens) };
}

/** Serves nobody when it throws. */
export async function listenByTls(tls: ApiTls, material: TlsMaterial, options: ApiOptions): Promise<TlsPort> {
  let { tokens } = material;
  const server = createServer({ ...material.context, minVersion: VERSION_MIN }, listenerFor({ ...options, authenticate: (authorization) => findToken(tokens, authorization) }));
  setLimits(server);
  const endpoint = formatEndpoint(tls);
  const open = (): Promise<void> => bound(server, () => server.listen({ host: tls.address, port: tls.port }), endpoint);
  await open();
  return {
    endpoint, port: tls.port,
    take: (next) => {
      tokens = next.tokens;
      server.setSecureContext({ ...next.context, minVersion: VERSION_MIN });
    },
    close: () => closed(server),
    reopen: open,
  };
}

function readCertificate({ certificate, key }: ApiTls): TlsMaterial["context"] {
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
