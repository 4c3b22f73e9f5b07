// The unix socket that the API is served by: its permissions decide who may ask. Where it has a path of its own, a link stands where it
// would be by default, so that commands and clients find it that know nothing of the configuration.

import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { ControlError } from "#control/errors.js";
import type { ApiSocket } from "#model/config/api.js";
import type { ApiOptions } from "./app.js";
import { bound, closed, listenerFor, setLimits } from "./server.js";
import { apiSocketPath } from "./socket-path.js";

export interface LocalSocket {
  readonly path: string;
  /** Those of a configuration that has the same path. Throws ControlError, and changes nothing then. */
  permit(socket: ApiSocket): void;
  /** Puts the link where the socket would be by default, in the place of what is there: at no moment there is nothing. */
  leaveSign(): void;
  close(): Promise<void>;
}

/** What is made beside its place has this behind its name until it is right. model/config/api.ts leaves room for it. */
const NEXT = ".new";

export const pathOf = ({ path = apiSocketPath() }: ApiSocket): string => path;

/**
 * Without its sign. It comes to its place at once, with its permissions: made under another name, and renamed. `replaces`: the socket
 * whose sign may stand there. Serves nobody when it throws.
 */
export async function listenLocally(socket: ApiSocket, options: ApiOptions, replaces?: LocalSocket): Promise<LocalSocket> {
  const path = pathOf(socket);
  const gid = groupOf(socket);
  makeWay(path, socket.mode);
  if (replaces === undefined || leadsTo(path) !== replaces.path) await removeStale(path);
  const server = createServer(listenerFor(options));
  setLimits(server);
  const made = `${path}${NEXT}`;
  rmSync(made, { force: true });
  // Until its mode is set, nobody but root connects.
  const umask = process.umask(0o177);
  try {
    await bound(server, () => server.listen({ path: made }), `unix socket ${path}`);
  } finally {
    process.umask(umask);
  }
  try {
    setPermissions(made, gid, socket.mode);
    const { ino } = lstatSync(made);
    renameSync(made, path);
    return new LocalServer(path, socket.mode, server, ino);
  } catch (error) {
    await closed(server);
    throw new ControlError("API", `Cannot serve the API at unix socket ${path}: ${(error as Error).message}`, { cause: error });
  }
}

class LocalServer implements LocalSocket {
  constructor(readonly path: string, private mode: number, private readonly server: Server, private readonly ino: number) {}

  permit(wanted: ApiSocket): void {
    setPermissions(this.path, groupOf(wanted) ?? process.getgid!(), wanted.mode);
    this.mode = wanted.mode;
    makeWay(this.path, wanted.mode);
  }

  leaveSign(): void {
    const sign = apiSocketPath();
    if (this.path === sign) return;
    makeWay(sign, this.mode);
    rmSync(`${sign}${NEXT}`, { force: true });
    symlinkSync(this.path, `${sign}${NEXT}`);
    renameSync(`${sign}${NEXT}`, sign);
  }

  /** Leaves what others put into its places meanwhile. */
  close(): Promise<void> {
    if (leadsTo(apiSocketPath()) === this.path) rmSync(apiSocketPath(), { force: true });
    if (lstatSync(this.path, { throwIfNoEntry: false })?.ino === this.ino) rmSync(this.path);
    return closed(this.server);
  }
}

function setPermissions(path: string, gid: number | undefined, mode: number): void {
  if (gid !== undefined && statSync(path).gid !== gid) chownSync(path, process.getuid!(), gid);
  chmodSync(path, mode);
}

function leadsTo(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined; // It is gone, or no link.
  }
}

/** By name or number, as the system's sources of names know it; undefined: as it is made. */
function groupOf({ group }: ApiSocket): number | undefined {
  if (group === undefined || /^\d+$/.test(group)) return group === undefined ? undefined : Number(group);
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
export async function removeStale(path: string): Promise<void> {
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
