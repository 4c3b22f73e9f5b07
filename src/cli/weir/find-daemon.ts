// Whether a daemon keeps the director of this network namespace (weir up): then commands ask it, and its clients hear of what they change.

import { existsSync } from "node:fs";
import type { WeirClient } from "#api/client.js";
import { apiSocketPath } from "#api/socket-path.js";
import { networkNamespaceName } from "#kernel/namespace.js";

/** Runs `use` with it, or gives undefined where there is none, or none that answers: the command does it itself then. */
export async function withDaemon<T>(use: (daemon: WeirClient) => Promise<T>): Promise<{ readonly answer: T } | undefined> {
  const daemon = await findDaemon();
  if (daemon === undefined) return undefined;
  try {
    return { answer: await use(daemon) };
  } finally {
    await daemon.close();
  }
}

/** Its client, to be closed; undefined where there is none. Loaded only where there is a socket. */
export async function findDaemon(): Promise<WeirClient | undefined> {
  if (!existsSync(apiSocketPath())) return undefined;
  const { connect, WeirConnectionError } = await import("#api/client.js");
  const client = connect();
  try {
    // The number of a namespace is used again when it is gone.
    if ((await client.about()).namespace === networkNamespaceName()) return client;
  } catch (error) {
    if (!(error instanceof WeirConnectionError)) throw error;
  }
  await client.close();
  return undefined;
}
