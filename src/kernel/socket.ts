// Sockets that Node cannot make: with a mark, of one interface, for ICMP. Those for TCP and UDP are handed to Node by their
// descriptors; an ICMP socket is asked again and again, as Node has no event loop's handle for it.

import { closeSync } from "node:fs";
import { EACCES, EAGAIN, EINTR, ENODEV, EPERM } from "./errno.js";
import { systemError } from "./errors.js";
import { errno, hostIsLittleEndian, libc } from "./ffi.js";
import { cString } from "./syscall.js";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
/** Linux include/uapi/asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SO_MARK = 36;

/** An IP address as its 4 or 16 bytes. */
export type AddressBytes = Uint8Array;

export interface SocketEnd {
  readonly address: AddressBytes;
  readonly port: number;
}

/** What a socket goes out by; undefined: what the machine chooses. */
export interface SocketSettings {
  readonly source: SocketEnd | undefined;
  readonly interface: string | undefined;
  readonly mark: number | undefined;
}

/** Not connected yet; the caller closes the descriptor. */
export function openSocket(type: "tcp" | "udp", family: 4 | 6, settings: SocketSettings): number {
  return open(family, type === "tcp" ? SOCK_STREAM : SOCK_DGRAM, 0, settings, `make a ${type} socket`);
}

/** One end of echoes: sent and received without waiting. The kernel numbers echoes of unprivileged sockets by itself. */
export class IcmpSocket {
  readonly #buffer = new Uint8Array(ANSWER_BYTES_MAX);

  private constructor(readonly fd: number, readonly isRaw: boolean) {}

  /** An unprivileged one where net.ipv4.ping_group_range allows it, else a raw one. */
  static open(to: AddressBytes, settings: SocketSettings): IcmpSocket {
    const family = to.length === 4 ? 4 : 6;
    const protocol = family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    const unprivileged = libc().socket(familyNumber(family), SOCK_DGRAM | SOCK_NONBLOCK_CLOEXEC, protocol);
    const isRaw = unprivileged < 0;
    const fd = isRaw ? open(family, SOCK_RAW, protocol, settings, "make a socket for ICMP") : unprivileged;
    try {
      if (!isRaw) configure(fd, settings, "make a socket for ICMP");
      const address = socketAddress({ address: to, port: 0 });
      if (libc().connect(fd, address, address.length) < 0) throw systemError("connect", errno(), "reach the host");
      return new IcmpSocket(fd, isRaw);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  send(message: Uint8Array): void {
    if (libc().send(this.fd, message, message.length, 0) < 0) throw systemError("send", errno(), "send an echo");
  }

  /** The next message, raw ones of IPv4 with their IP header; undefined when none has come. */
  receive(): Uint8Array | undefined {
    const length = libc().recv(this.fd, this.#buffer, this.#buffer.length, 0);
    if (length >= 0) return this.#buffer.slice(0, length);
    const failure = errno();
    if (failure === EAGAIN || failure === EINTR) return undefined;
    throw systemError("recv", failure, "receive an echo");
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** An echo of weir's is much shorter; of what others get on a raw socket, the beginning is enough. */
const ANSWER_BYTES_MAX = 1500;

function open(family: 4 | 6, type: number, protocol: number, settings: SocketSettings, attempted: string): number {
  const fd = libc().socket(familyNumber(family), type | SOCK_NONBLOCK_CLOEXEC, protocol);
  if (fd < 0) throw systemError("socket", errno(), attempted, NEEDS_NET_RAW);
  try {
    configure(fd, settings, attempted);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function configure(fd: number, { source, interface: device, mark }: SocketSettings, attempted: string): void {
  if (device !== undefined) set(fd, SO_BINDTODEVICE, cString(device), "SO_BINDTODEVICE", `${attempted} of interface "${device}"`);
  if (mark !== undefined) set(fd, SO_MARK, hostNumber(mark), "SO_MARK", `${attempted} with mark ${mark}`);
  if (source === undefined) return;
  const address = socketAddress(source);
  if (libc().bind(fd, address, address.length) < 0) throw systemError("bind", errno(), `${attempted} with the source address that is given`);
}

function set(fd: number, option: number, value: Uint8Array, name: string, attempted: string): void {
  if (libc().setsockopt(fd, SOL_SOCKET, option, value, value.length) < 0) throw systemError(`setsockopt(${name})`, errno(), attempted, NEEDS_NET_RAW);
}

const remedy = "run as root, or with the capabilities CAP_NET_RAW and CAP_NET_ADMIN";
const NEEDS_NET_RAW = {
  [EPERM]: { code: "PERMISSION", found: "no permission", remedy }, [EACCES]: { code: "PERMISSION", found: "no permission", remedy },
  [ENODEV]: { code: "NOT_FOUND", found: "there is no such interface in this network namespace" },
} as const;

const familyNumber = (family: 4 | 6): number => (family === 4 ? AF_INET : AF_INET6);

/** struct sockaddr_in: family, port and address; struct sockaddr_in6: family, port, flow, address and scope. */
function socketAddress({ address, port }: SocketEnd): Uint8Array {
  const isIpv4 = address.length === 4;
  const bytes = new Uint8Array(isIpv4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv4 ? AF_INET : AF_INET6, hostIsLittleEndian);
  view.setUint16(2, port);
  bytes.set(address, isIpv4 ? 4 : 8);
  return bytes;
}

function hostNumber(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
