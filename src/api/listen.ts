// The sockets that the API is served by: a unix socket always, a TLS port when the configuration has one; and how they move when the
// configuration is another.

import type { ApiConfiguration, ApiTls } from "#model/config/api.js";
import { formatEndpoint } from "#model/names.js";
import type { ApiOptions } from "./app.js";
import type { LocalSocket } from "./local-socket.js";
import { listenLocally, pathOf, removeStale } from "./local-socket.js";
import { apiSocketPath } from "./socket-path.js";
import type { TlsMaterial, TlsPort } from "./tls-port.js";
import { listenByTls, readMaterial } from "./tls-port.js";

export interface ApiServer {
  /** For people: "unix:/run/weir/api-4026531840.sock", "https://10.0.0.1:8443". */
  readonly addresses: readonly string[];
  /**
   * Serves as another configuration says, or, as the same says, with what its files hold now. What is new is there before what is old
   * goes, unless the kernel gives the network's port to one of them alone; throws ControlError, and goes on as before, when anything of it is not right.
   */
  move(configuration: ApiConfiguration): Promise<void>;
  /** Whoever is being answered has half a second for it. */
  close(): Promise<void>;
}

/** Who connected to the old place just before is taken, and asks. */
const LINGER_MILLISECONDS = 100;

interface Served {
  readonly local: LocalSocket;
  readonly network: TlsPort | undefined;
}

/** Serves nobody when it throws. */
export async function listen({ socket, tls }: ApiConfiguration, options: Omit<ApiOptions, "authenticate">): Promise<ApiServer> {
  const material = tls && readMaterial(tls);
  const network = tls && (() => listenByTls(tls, material!, options));
  if (pathOf(socket) !== apiSocketPath()) await removeStale(apiSocketPath());
  const local = await listenLocally(socket, options);
  let served: Served = await orClose(local, async () => ({ local, network: await network?.() }));
  await orClose(local, async () => local.leaveSign());
  /** One move after another. */
  let moves: Promise<void> = Promise.resolve();
  return {
    get addresses() { return addressesOf(served); },
    move: (configuration) => {
      const moving = moves.then(async () => { served = await move(served, configuration, options); });
      moves = moving.catch(() => undefined);
      return moving;
    },
    close: async () => {
      await moves;
      await closeAll([served.local, served.network]);
    },
  };
}

/** Everything that may fail comes before anything is given up. */
async function move(before: Served, { socket, tls }: ApiConfiguration, options: ApiOptions): Promise<Served> {
  const material = tls && readMaterial(tls);
  const stays = tls !== undefined && before.network?.endpoint === formatEndpoint(tls);
  const moved = stays || tls === undefined ? undefined : await moveNetwork(before.network, (from) => listenByTls(from, material as TlsMaterial, options), tls);
  const network = moved?.network;
  const local = await orClose(moved, () => moveLocal(before.local, socket, options));
  if (stays) before.network.take(material as TlsMaterial);
  local.leaveSign();
  const left = [local === before.local ? undefined : before.local, stays || moved?.isInPlace === true ? undefined : before.network].filter((part) => part !== undefined);
  if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, LINGER_MILLISECONDS));
  await closeAll(left);
  return { local, network: stays ? before.network : network };
}

interface MovedNetwork {
  readonly network: TlsPort;
  /** The one before is closed already. */
  readonly isInPlace: boolean;
  /** Takes it back: the one before serves again. */
  close(): Promise<void>;
}

/**
 * Beside the one before, where both fit. One address and all of them do not at one port: there the one before goes first, whoever is being answered by it has
 * half a second for it, and it comes again when the other cannot.
 */
async function moveNetwork(before: TlsPort | undefined, listenAt: (tls: ApiTls) => Promise<TlsPort>, tls: ApiTls): Promise<MovedNetwork> {
  try {
    const network = await listenAt(tls);
    return { network, isInPlace: false, close: () => network.close() };
  } catch (error) {
    if (before?.port !== tls.port || !isTaken(error)) throw error;
  }
  await before.close();
  const network = await orReopen(before, () => listenAt(tls));
  return { network, isInPlace: true, close: async () => { await network.close(); await before.reopen(); } };
}

async function orReopen<T>(closed: TlsPort, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await closed.reopen();
    throw error;
  }
}

const isTaken = (error: unknown): boolean => error instanceof Error && (error.cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";

/** At the same path it stays, with other permissions; from one path to another both are there for a moment. */
async function moveLocal(before: LocalSocket, socket: ApiConfiguration["socket"], options: ApiOptions): Promise<LocalSocket> {
  if (pathOf(socket) !== before.path) return listenLocally(socket, options, before);
  before.permit(socket);
  return before;
}

/** Nobody new is taken there when it returns. */
async function closeAll(parts: readonly ({ close(): Promise<void> } | undefined)[]): Promise<void> {
  await Promise.all(parts.map((part) => part?.close()));
}

async function orClose<T>(opened: { close(): Promise<void> } | undefined, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await opened?.close();
    throw error;
  }
}

const addressesOf = ({ local, network }: Served): readonly string[] => [`unix:${local.path}`, ...(network === undefined ? [] : [`https://${network.endpoint}`])];
