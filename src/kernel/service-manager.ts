// What a daemon tells the service manager that started it: sd_notify(3). Node has no sockets for datagrams of AF_UNIX.

import { closeSync } from "node:fs";
import { systemError } from "./errors.js";
import { errno, hostIsLittleEndian, libc } from "./ffi.js";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** Linux include/uapi/linux/un.h. */
const UNIX_PATH_MAX = 108;

/** "READY=1", "STATUS=…": one assignment each. False where no service manager listens. */
export function notifyServiceManager(assignments: readonly string[], path = process.env["NOTIFY_SOCKET"]): boolean {
  if (path === undefined || path === "") return false;
  const address = unixAddress(path);
  const fd = libc().socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw systemError("socket", errno(), "make a socket to the service manager");
  try {
    const message = Buffer.from(assignments.join("\n"), "utf8");
    if (libc().sendto(fd, message, message.length, MSG_NOSIGNAL, address, address.length) < 0) throw systemError("sendto", errno(), `tell the service manager at ${path}`);
    return true;
  } finally {
    closeSync(fd);
  }
}

/** How often the service manager wants to hear of us, in milliseconds; undefined: not at all. sd_watchdog_enabled(3). */
export function watchdogMilliseconds({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv = process.env): number | undefined {
  const microseconds = Number(WATCHDOG_USEC ?? 0);
  const isOurs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
  return isOurs && microseconds > 0 ? microseconds / 1000 : undefined;
}

/** For RELOADING=1: CLOCK_MONOTONIC in microseconds. */
export const monotonicMicroseconds = (): bigint => process.hrtime.bigint() / 1000n;

/** A path, or "@" and a name in the abstract namespace, which begins with a zero. */
function unixAddress(path: string): Uint8Array {
  const name = Buffer.from(path, "utf8");
  if (path.startsWith("@")) name[0] = 0;
  const bytes = new Uint8Array(2 + Math.min(name.length, UNIX_PATH_MAX) + (path.startsWith("@") ? 0 : 1));
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, hostIsLittleEndian);
  bytes.set(name.subarray(0, UNIX_PATH_MAX), 2);
  return bytes;
}
