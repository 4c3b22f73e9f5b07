// The C library, called by koffi. It is loaded at the first call: `ipvsadm --help` does not pay for it.

import { createRequire } from "node:module";
import { endianness } from "node:os";
import type * as Koffi from "koffi";

/** The functions of libc that this folder calls. A negative result means failure: see errno(). */
export interface Libc {
  syscall(number: number, command: number, attributes: Uint8Array, size: number): number;
  mmap(address: bigint | null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  sendto(fd: number, bytes: Uint8Array, length: number, flags: number, address: Uint8Array, addressLength: number): number;
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  flock(fd: number, operation: number): number;
  setns(fd: number, type: number): number;
  sysconf(name: number): number;
  if_nameindex(): bigint | null;
  if_freenameindex(list: bigint): void;
}

const DECLARATIONS: { readonly [name in keyof Libc]: string } = {
  // Variadic in C; on every 64-bit Linux ABI integer arguments travel as in this fixed form.
  syscall: "int syscall(long number, int command, void *attributes, unsigned int size)",
  mmap: "void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)",
  munmap: "int munmap(void *address, size_t length)",
  ioctl: "int ioctl(int fd, unsigned long request, void *argument)",
  socket: "int socket(int domain, int type, int protocol)",
  setsockopt: "int setsockopt(int fd, int level, int option, void *value, unsigned int length)",
  bind: "int bind(int fd, void *address, unsigned int length)",
  connect: "int connect(int fd, void *address, unsigned int length)",
  send: "long send(int fd, void *bytes, size_t length, int flags)",
  sendto: "long sendto(int fd, void *bytes, size_t length, int flags, void *address, unsigned int addressLength)",
  recv: "long recv(int fd, void *bytes, size_t length, int flags)",
  getsockopt: "int getsockopt(int fd, int level, int option, void *value, void *length)",
  setns: "int setns(int fd, int type)",
  flock: "int flock(int fd, int operation)",
  sysconf: "long sysconf(int name)",
  if_nameindex: "void *if_nameindex()",
  if_freenameindex: "void if_freenameindex(void *list)",
};

let loadedKoffi: typeof Koffi | undefined;
let loadedLibc: Libc | undefined;

export function koffi(): typeof Koffi {
  loadedKoffi ??= createRequire(import.meta.url)("koffi") as typeof Koffi;
  return loadedKoffi;
}

export function libc(): Libc {
  loadedLibc ??= bindLibc();
  return loadedLibc;
}

function bindLibc(): Libc {
  // The process's own libc: glibc or musl, whichever Node was linked with.
  const library = koffi().load(null);
  const functions = Object.entries(DECLARATIONS).map(([name, declaration]) => [name, library.func(declaration)]);
  return Object.fromEntries(functions) as Libc;
}

/** errno of the last call. */
export function errno(): number {
  return koffi().errno();
}

/** Where the bytes stand in memory; good for as long as the caller holds `bytes`. */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi().address(bytes);
}

/** Memory that is not JavaScript's, in place. */
export function memoryAt(address: bigint, length: number): ArrayBuffer {
  return koffi().view(address, length);
}

/** The text that ends with a zero at `address`. */
export function stringAt(address: bigint): string {
  return koffi().decode.string(address);
}

export const hostIsLittleEndian = endianness() === "LE";
