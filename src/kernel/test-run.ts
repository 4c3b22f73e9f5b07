// BPF_PROG_TEST_RUN: a program run on a packet of the caller's, by the kernel, with no interface attached.

import { SkBuff, XdpMd } from "#ebpf/context.js";
import { encode } from "#layout/codec.js";
import type { Values } from "#layout/struct.js";
import { EINVAL, ENOSPC, EOPNOTSUPP, ENOTSUPP } from "./errno.js";
import { BPF_PROG_TEST_RUN, bpf, bpfError } from "./syscall.js";
import type { BpfProgram } from "./program.js";

/** XDP: the packets really go where the program sends them, `repeat` of them (5.18). No data or context comes back. */
export const BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1;

/** Room for what the program puts before or behind the packet: XDP_PACKET_HEADROOM is 256. */
const GROWTH_BYTES = 512;

export interface TestRun {
  /** From the Ethernet header on. */
  readonly data: Uint8Array;
  /** As xdpContext() and skBuffContext() make it. */
  readonly context?: Uint8Array;
  /** The packet is not restored between runs. */
  readonly repeat?: number;
  readonly flags?: number;
  readonly cpu?: number;
  /** Live frames handled at a time; at most 256. */
  readonly batchSize?: number;
}

export interface TestRunResult {
  /** As the program's i32: TC_ACT_UNSPEC is -1. */
  readonly returnValue: number;
  /** The packet as the program left it. */
  readonly data: Uint8Array;
  /** The context as the program left it; empty when none was given. */
  readonly context: Uint8Array;
  /** Of one run, on average. */
  readonly durationNanoseconds: number;
}

export function testRun(program: BpfProgram, run: TestRun): TestRunResult {
  const live = ((run.flags ?? 0) & BPF_F_TEST_XDP_LIVE_FRAMES) !== 0;
  const dataOut = new Uint8Array(live ? 0 : run.data.length + GROWTH_BYTES);
  const contextOut = new Uint8Array(live ? 0 : run.context?.length ?? 0);
  const { errno, attributes } = bpf(BPF_PROG_TEST_RUN, {
    programFd: program.fd, repeat: run.repeat ?? 1, flags: run.flags ?? 0, cpu: run.cpu ?? 0, batchSize: run.batchSize ?? 0,
    dataIn: run.data, dataInSize: run.data.length,
    ...(live ? {} : { dataOut, dataOutSize: dataOut.length }),
    ...(run.context === undefined ? {} : { contextIn: run.context, contextInSize: run.context.length }),
    ...(contextOut.length === 0 ? {} : { contextOut, contextOutSize: contextOut.length }),
  });
  if (errno !== 0) throw bpfError(BPF_PROG_TEST_RUN, errno, `run program "${program.name}" on a packet of ${run.data.length} bytes`, MEANINGS);
  const after = attributes();
  return {
    returnValue: after.returnValue | 0, durationNanoseconds: after.duration,
    data: dataOut.subarray(0, after.dataOutSize), context: contextOut.subarray(0, after.contextOutSize),
  };
}

/**
 * Runs a program of type "syscall" once, in this process's context: it may sleep, start timers and touch maps. Gives its
 * result and the context (at most 64 KiB) as it left it.
 */
export function runSyscallProgram(program: BpfProgram, context: Uint8Array = new Uint8Array(8)): { readonly returnValue: number; readonly context: Uint8Array } {
  const contextIn = context.slice();
  const { errno, attributes } = bpf(BPF_PROG_TEST_RUN, { programFd: program.fd, contextIn, contextInSize: contextIn.length });
  if (errno !== 0) throw bpfError(BPF_PROG_TEST_RUN, errno, `run program "${program.name}"`, MEANINGS);
  return { returnValue: attributes().returnValue | 0, context: contextIn };
}

// Linux net/bpf/test_run.c, bpf_test_init() and bpf_prog_test_run_xdp().
const MEANINGS = {
  [EINVAL]: {
    code: "INVALID", found: "the kernel refuses the packet or the context",
    remedy: "give at least an Ethernet header, at most what fits in a page, and a context with data 0 and dataEnd the packet's length",
  },
  [ENOSPC]: { code: "TOO_BIG", found: "the packet grew by more than the room for it" },
  [EOPNOTSUPP]: { code: "UNSUPPORTED", found: "programs of this type cannot be run so" },
  [ENOTSUPP]: { code: "UNSUPPORTED", found: "programs of this type cannot be run so" },
} as const;

/** The context of an XDP test run on a packet that came in by `ingressIfindex` (of this network namespace). */
export function xdpContext(data: Uint8Array, values: Partial<Values<typeof XdpMd>> = {}): Uint8Array {
  return encode(XdpMd, { dataEnd: data.length, ...values });
}

/** The context of a TC test run: mark, priority, ingressIfindex, ifindex, cb, gsoSize … */
export function skBuffContext(values: Partial<Values<typeof SkBuff>>): Uint8Array {
  return encode(SkBuff, values);
}
