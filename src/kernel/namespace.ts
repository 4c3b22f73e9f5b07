// The network namespace that this process is in, by its cookie: a number that no other namespace has or will have until
// the next boot, unlike the inode number of /proc/self/ns/net, which the kernel uses again.

import { closeSync, openSync, readlinkSync } from "node:fs";
import { errno, hostIsLittleEndian, libc } from "./ffi.js";
import { systemError } from "./errors.js";

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
/** Linux include/uapi/asm-generic/socket.h; SO_NETNS_COOKIE came in 5.14. */
const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;
/** Linux include/uapi/linux/sched.h. */
const CLONE_NEWNET = 0x4000_0000;

export function networkNamespaceCookie(): bigint {
  const attempted = "read the cookie of this network namespace";
  const socket = libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) throw systemError("socket", errno(), attempted);
  try {
    const cookie = new Uint8Array(8);
    const length = new Uint8Array(Uint32Array.of(8).buffer);
    if (libc().getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, cookie, length) < 0) throw systemError("getsockopt(SO_NETNS_COOKIE)", errno(), attempted);
    return new DataView(cookie.buffer).getBigUint64(0, hostIsLittleEndian);
  } finally {
    closeSync(socket);
  }
}

/** "net:[4026531840]". */
export function networkNamespaceName(): string {
  return readlinkSync("/proc/self/ns/net");
}

/**
 * Runs `use` in another network namespace ("/run/netns/NAME", "/proc/PID/ns/net") and comes back. Only this thread goes:
 * what `use` calls and spawns is there, asynchronous work of Node's thread pool is not.
 */
export function inNetworkNamespace<T>(path: string, use: () => T): T {
  const home = openSync("/proc/self/ns/net", "r");
  const there = openSync(path, "r");
  try {
    enter(there, path);
    try {
      return use();
    } finally {
      enter(home, "the network namespace that this process came from");
    }
  } finally {
    closeSync(there);
    closeSync(home);
  }
}

function enter(fd: number, name: string): void {
  if (libc().setns(fd, CLONE_NEWNET) < 0) throw systemError("setns", errno(), `enter network namespace ${name}`);
}
