// Links: a program attached to an interface for as long as somebody holds the link, a process or a pin. XDP (5.9) and
// TCX (6.6). update() puts another program in the same place without a packet between.

import { closeSync, readlinkSync } from "node:fs";
import { EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, ENOLINK, EOPNOTSUPP, EPERM } from "./errno.js";
import { KernelError, type Meanings } from "./errors.js";
import { TCX, linkInfo, type Direction, type LinkInfo } from "./link-info.js";
import { attachedXdp, driverOf, interfaces } from "./network.js";
import { BpfProgram } from "./program.js";
import {
  BPF_LINK_CREATE, BPF_LINK_DETACH, BPF_LINK_GET_FD_BY_ID, BPF_LINK_GET_NEXT_ID, BPF_LINK_UPDATE, BPF_OBJ_GET, BPF_OBJ_PIN, BPF_PROG_QUERY,
  bpf, bpfError, bpfOrThrow, cString,
} from "./syscall.js";

export type { Direction, LinkInfo } from "./link-info.js";
export type XdpMode = "native" | "generic";
/** As interfaces() gives it. */
export interface Device {
  readonly index: number;
  readonly name: string;
}

/** Linux include/uapi/linux/if_link.h. */
const XDP_FLAGS: { readonly [mode in XdpMode]: number } = { generic: 1 << 1, native: 1 << 2 };
/** Linux include/uapi/linux/bpf.h, enum bpf_attach_type. */
const BPF_XDP = 37;
/** Without a relative: before all others. */
const BPF_F_BEFORE = 1 << 3;
/** Programs on one hook: Linux include/linux/bpf_mprog.h, BPF_MPROG_MAX. */
const TCX_PROGRAMS_MAX = 64;

export class BpfLink {
  constructor(readonly fd: number, readonly description: string) {}

  static open(path: string): BpfLink {
    const attempted = `open the link pinned at ${path}`;
    const fd = bpfOrThrow(BPF_OBJ_GET, { path: cString(path) }, attempted);
    // Linux kernel/bpf/syscall.c, bpf_link_settle(): links are named so; 6.13 says "bpf_link" for some.
    if (/bpf[-_]link/.test(readlinkSync(`/proc/self/fd/${fd}`))) return new BpfLink(fd, `the link pinned at ${path}`);
    closeSync(fd);
    throw new KernelError({ code: "WRONG_SHAPE", call: "bpf(BPF_OBJ_GET)", attempted, found: "that is not a link", remedy: "remove what is pinned there" });
  }

  info(): LinkInfo {
    return linkInfo(this.fd, this.description);
  }

  /** From the next packet on `program` runs in the place of the one that did. */
  update(program: BpfProgram): void {
    bpfOrThrow(BPF_LINK_UPDATE, { linkFd: this.fd, programFd: program.fd }, `put program "${program.name}" into ${this.description}`, {
      [ENOLINK]: { code: "NOT_FOUND", found: "the interface is gone", remedy: "detach and attach anew" },
      [EINVAL]: { code: "INVALID", found: "the program is of another type than the one attached" },
    });
  }

  /** Takes the program off the interface at once, whoever else holds the link. */
  detach(): void {
    const { errno } = bpf(BPF_LINK_DETACH, { linkFd: this.fd });
    // Its interface went away: nothing is attached any more. TCX says ENOLINK, XDP EINVAL or success.
    if (errno === 0 || errno === ENOLINK || this.info().ifindex === 0) return;
    throw bpfError(BPF_LINK_DETACH, errno, `detach ${this.description}`);
  }

  pin(path: string): void {
    bpfOrThrow(BPF_OBJ_PIN, { path: cString(path), fd: this.fd }, `pin ${this.description} at ${path}`, {
      [EEXIST]: { code: "EXISTS", found: "something is pinned there already", remedy: "remove it first" },
    });
  }

  /** The program stays attached when the link is pinned, and goes when it is not. */
  close(): void {
    closeSync(this.fd);
  }
}

export function attachXdp(program: BpfProgram, device: Device, mode: XdpMode): BpfLink {
  const fd = bpfOrThrow(BPF_LINK_CREATE, { programFd: program.fd, ifindex: device.index, attachType: BPF_XDP, flags: XDP_FLAGS[mode] },
    `attach XDP program to "${device.name}"`, xdpMeanings(device, mode));
  return new BpfLink(fd, `the XDP program of "${device.name}"`);
}

/** `first`: before the programs that are there already; else behind them. */
export function attachTcx(program: BpfProgram, device: Device, direction: Direction, options: { readonly first?: boolean } = {}): BpfLink {
  const fd = bpfOrThrow(BPF_LINK_CREATE, {
    programFd: program.fd, ifindex: device.index, attachType: TCX[direction], flags: options.first ? BPF_F_BEFORE : 0,
  }, `attach TC program to the ${direction} of "${device.name}"`, TCX_MEANINGS);
  return new BpfLink(fd, `the TC program at the ${direction} of "${device.name}"`);
}

export interface TcxPrograms {
  /** In the order in which they run. */
  readonly programs: readonly { readonly programId: number; /** 0: attached without a link. */ readonly linkId: number }[];
  /** Changes with every change. */
  readonly revision: bigint;
}

/** Who is attached at TCX, whoever put them there. */
export function queryTcx(device: Device, direction: Direction): TcxPrograms {
  const programIds = new Uint32Array(TCX_PROGRAMS_MAX);
  const linkIds = new Uint32Array(TCX_PROGRAMS_MAX);
  const { errno, attributes } = bpf(BPF_PROG_QUERY, {
    ifindex: device.index, attachType: TCX[direction], programIds: bytesOf(programIds), linkIds: bytesOf(linkIds), count: TCX_PROGRAMS_MAX,
  });
  if (errno === ENOENT) return { programs: [], revision: 0n };
  if (errno !== 0) throw bpfError(BPF_PROG_QUERY, errno, `see which TC programs are on "${device.name}"`, TCX_MEANINGS);
  const { count, revision } = attributes();
  return { programs: Array.from({ length: count }, (_, i) => ({ programId: programIds[i]!, linkId: linkIds[i]! })), revision };
}

/** Every link of the machine, in all network namespaces; interface numbers are those of the link's own. */
export function* allLinks(): Generator<LinkInfo> {
  for (let id = 0; ;) {
    const next = bpf(BPF_LINK_GET_NEXT_ID, { id });
    if (next.errno === ENOENT) return;
    if (next.errno !== 0) throw bpfError(BPF_LINK_GET_NEXT_ID, next.errno, "list the links");
    id = next.attributes().nextId;
    const { errno, result: fd } = bpf(BPF_LINK_GET_FD_BY_ID, { id });
    if (errno === ENOENT) continue; // It went away meanwhile.
    if (errno !== 0) throw bpfError(BPF_LINK_GET_FD_BY_ID, errno, `open link ${id}`);
    const link = new BpfLink(fd, `link ${id}`);
    try {
      yield link.info();
    } finally {
      link.close();
    }
  }
}

const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer);

const NET_ADMIN = { code: "PERMISSION", found: "no permission", remedy: "run as root, or with the capabilities CAP_BPF and CAP_NET_ADMIN" } as const;

const NO_INTERFACE = { code: "NOT_FOUND", found: "there is no such interface in this network namespace" } as const;

/** Linux net/core/dev.c, dev_xdp_attach(), and the drivers' ndo_bpf. Read only when the attachment failed. */
function xdpMeanings(device: Device, mode: XdpMode): Meanings {
  const driver = () => {
    const name = driverOf(device.name);
    return name === undefined ? "this kind of interface" : `driver "${name}"`;
  };
  const other = () => {
    const attached = attachedXdp(device.name);
    if (attached === undefined) return "another program";
    return `program ${attached.programId}${attached.programName === undefined ? "" : ` ("${attached.programName}")`} in ${attached.mode} mode`;
  };
  const replace = `remove it with "ip link set dev ${device.name} xdp off" if nobody needs it, or use TC`;
  return {
    [EPERM]: NET_ADMIN,
    get [EOPNOTSUPP]() {
      return { code: "UNSUPPORTED", found: `${mode} mode is not supported by ${driver()}`, remedy: mode === "native" ? "try generic mode" : "use TC" } as const;
    },
    get [EINVAL]() {
      // Linux net/core/dev.c, bpf_xdp_link_attach() answers so for an unknown interface too.
      if (!interfaces().some(({ index }) => index === device.index)) return NO_INTERFACE;
      return {
        code: "INVALID", found: `${driver()} refuses: the MTU may be too large for XDP, or LRO, or the number of queues be in the way`,
        remedy: "lower the MTU, turn LRO off with ethtool, or try generic mode",
      } as const;
    },
    get [EBUSY]() {
      return { code: "BUSY", found: `${other()} is attached already`, remedy: replace } as const;
    },
    get [EEXIST]() {
      return { code: "BUSY", found: `${other()} is attached already, and native and generic mode exclude each other`, remedy: replace } as const;
    },
  };
}

const TCX_MEANINGS: Meanings = {
  [EPERM]: NET_ADMIN,
  [EINVAL]: { code: "UNSUPPORTED", found: "this kernel has no TCX (it came in 6.6)", remedy: "use a TC filter" },
  [EEXIST]: { code: "EXISTS", found: "this program is attached there already" },
  [ENODEV]: NO_INTERFACE,
};
