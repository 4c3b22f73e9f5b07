// The interfaces of this network namespace, asked by ioctl(2): /sys shows those of the namespace in which it was mounted.

import { closeSync } from "node:fs";
import { decode, encode } from "#layout/codec.js";
import { u8, u32, u64 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { ENODEV, ENOENT, EOPNOTSUPP, EPERM } from "./errno.js";
import { KernelError, systemError } from "./errors.js";
import { addressOf, errno, libc, memoryAt, stringAt } from "./ffi.js";
import { fromCString } from "./syscall.js";

export interface Interface {
  readonly index: number;
  readonly name: string;
  /** IFF_UP. */
  readonly up: boolean;
  readonly loopback: boolean;
  readonly mtu: number;
  /** Its packets begin with an Ethernet header (ARPHRD_ETHER). */
  readonly ethernet: boolean;
  /** "02:00:00:00:00:01"; of devices without Ethernet addresses "00:00:00:00:00:00". */
  readonly mac: string;
}

/** Linux include/uapi/linux/sockios.h. */
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCETHTOOL = 0x8946;
/** Linux include/uapi/linux/ethtool.h. */
const ETHTOOL_GDRVINFO = 3;
/** Linux include/uapi/linux/if.h. */
const IFF_UP = 1 << 0;
const IFF_LOOPBACK = 1 << 3;

/** Linux include/uapi/linux/if_arp.h. */
const ARPHRD_ETHER = 1;

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;

/** Linux include/uapi/linux/if.h, struct ifreq: a name and a union of 24 bytes. */
const InterfaceRequest = struct("ifreq", { name: array(u8, 16), value: array(u8, 24) });
/** Linux include/uapi/linux/ethtool.h, struct ethtool_drvinfo. */
const DriverInfo = struct("ethtool_drvinfo", {
  command: u32, driver: array(u8, 32), version: array(u8, 32), firmware: array(u8, 32), bus: array(u8, 32), expansionRom: array(u8, 32),
  reserved: array(u8, 12), flagsCount: u32, statsCount: u32, testCount: u32, eepromBytes: u32, registerBytes: u32,
});
/** POSIX <net/if.h>, struct if_nameindex: the list ends with an index of zero. */
const NameIndex = struct("if_nameindex", { index: u32, name: u64 });

/** All of them, by index. */
export function interfaces(): Interface[] {
  const list = libc().if_nameindex();
  if (list === null) throw systemError("if_nameindex", errno(), "list the interfaces");
  try {
    return withSocket((socket) => readNames(list).flatMap(({ index, name }) => describe(socket, index, name) ?? []));
  } finally {
    libc().if_freenameindex(list);
  }
}

/** The interface of that name; NOT_FOUND names those that there are. */
export function interfaceByName(name: string): Interface {
  const all = interfaces();
  const found = all.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  throw new KernelError({
    code: "NOT_FOUND", call: "if_nameindex", attempted: `use interface "${name}"`, found: "there is no such interface in this network namespace",
    remedy: `there are ${all.map((candidate) => candidate.name).join(", ")}`,
  });
}

/** "veth", "virtio_net", "ixgbe" …; undefined when the driver does not say. */
export function driverOf(name: string): string | undefined {
  const info = encode(DriverInfo, { command: ETHTOOL_GDRVINFO });
  const pointer = new Uint8Array(BigUint64Array.of(addressOf(info)).buffer);
  const answered = withSocket((socket) => request(socket, SIOCETHTOOL, name, pointer, "driver"));
  return answered === undefined ? undefined : fromCString(decode(DriverInfo, info).driver);
}

function readNames(list: bigint): { readonly index: number; readonly name: string }[] {
  const names = [];
  for (let at = list; ; at += BigInt(NameIndex.size)) {
    const { index, name } = decode(NameIndex, new Uint8Array(memoryAt(at, NameIndex.size)));
    if (index === 0) return names;
    names.push({ index, name: stringAt(name) });
  }
}

/** Undefined when the interface went away meanwhile. */
function describe(socket: number, index: number, name: string): Interface | undefined {
  const flags = request(socket, SIOCGIFFLAGS, name, undefined, "flags");
  const mtu = request(socket, SIOCGIFMTU, name, undefined, "MTU");
  const address = request(socket, SIOCGIFHWADDR, name, undefined, "address");
  if (flags === undefined || mtu === undefined || address === undefined) return undefined;
  const bits = flags.getUint16(0, true);
  // struct sockaddr: two bytes of family (here the device's type), then the address.
  const mac = Array.from({ length: 6 }, (_, i) => address.getUint8(2 + i).toString(16).padStart(2, "0")).join(":");
  return { index, name, up: (bits & IFF_UP) !== 0, loopback: (bits & IFF_LOOPBACK) !== 0, mtu: mtu.getInt32(0, true), ethernet: address.getUint16(0, true) === ARPHRD_ETHER, mac };
}

/** The union of the ifreq as the kernel filled it; undefined when the interface or the answer does not exist. */
function request(socket: number, number: number, name: string, value: Uint8Array | undefined, what: string): DataView | undefined {
  const bytes = encode(InterfaceRequest, { name: Buffer.from(name, "latin1"), ...(value === undefined ? {} : { value }) });
  if (libc().ioctl(socket, number, bytes) === 0) return new DataView(bytes.buffer, 16);
  const failure = errno();
  if (failure === ENODEV || failure === ENOENT || failure === EOPNOTSUPP || failure === EPERM) return undefined;
  throw systemError("ioctl", failure, `read the ${what} of interface "${name}"`);
}

function withSocket<T>(use: (socket: number) => T): T {
  const socket = libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) throw systemError("socket", errno(), "ask the kernel about its interfaces");
  try {
    return use(socket);
  } finally {
    closeSync(socket);
  }
}
