// What this kernel can do, found by trying: distributions carry features back to older version numbers. Each probe costs a
// system call or two; they run when somebody asks (`weir doctor`) or when a load or an attachment failed.

import { assembleProgram, callHelper, exit, mov64, r0 } from "#ebpf/assemble.js";
import { MapFlag, MapType, type MapSpec, type ProgramType } from "#ebpf/spec.js";
import type { Helper } from "#prelude/helpers.js";
import * as helpers from "#prelude/helpers.js";
import { XDP_DROP } from "#prelude/packet.js";
import { KernelError } from "./errors.js";
import { BpfMap } from "./map.js";
import { loadProgram } from "./program.js";
import { queryTcx } from "./link.js";
import { networkNamespaceCookie } from "./namespace.js";
import { BPF_MAP_UPDATE_BATCH, bpf } from "./syscall.js";
import { BPF_F_TEST_XDP_LIVE_FRAMES } from "./test-run.js";
import { VerifierError } from "./verifier-log.js";

export interface Feature {
  readonly name: string;
  /** The release of Linux that brought it. */
  readonly since: string;
  /** What weir does with it, or does without it. */
  readonly use: string;
  /** True when this kernel has it; throws KernelError when that cannot be found out, as for want of permission. */
  readonly probe: () => boolean;
}

export const FEATURES: readonly Feature[] = [
  { name: "XDP programs", since: "4.8", use: "needed for XDP", probe: () => loads("xdp") },
  { name: "TC programs", since: "4.1", use: "needed for TC", probe: () => loads("tc") },
  { name: "tables in memory", since: "5.5", use: "needed: the connection table is read in place", probe: () => creates(table(4096)) },
  { name: "large tables", since: "6.0", use: "more than some 65,000 connections: a map value over 4 MiB", probe: () => creates(table(8 * 1024 * 1024)) },
  { name: "batches", since: "5.6", use: "faster listing and loading of maps", probe: hasBatches },
  { name: "ring buffer", since: "5.8", use: "events without polling", probe: () => creates({ ...table(0), type: MapType.RINGBUF, keySize: 0, maxEntries: 4096, flags: 0 }) },
  { name: "network namespace cookies", since: "5.14", use: "needed: state directories are named after them", probe: hasCookies },
  { name: "live frames", since: "5.18", use: "the bench's traffic generator", probe: hasLiveFrames },
  { name: "TCX links", since: "6.6", use: "TC programs replaced without a gap; a clsact filter is used without", probe: hasTcx },
  ...([
    ["coarse clock", helpers.bpf_ktime_get_coarse_ns, "a clock read in 4 ns where the full one takes 35"],
    ["jiffies", helpers.bpf_jiffies64, "the cheapest clock"],
    ["timers", helpers.bpf_timer_init, "connections expire with no process running"],
    ["bpf_loop", helpers.bpf_loop, "long loops, as of expiry"],
    ["route look-up", helpers.bpf_fib_lookup, "next hops from the kernel's routes"],
    ["redirect to a neighbour", helpers.bpf_redirect_neigh, "next hops resolved by the kernel at TC"],
    ["redirect to a peer", helpers.bpf_redirect_peer, "straight into a container's namespace at TC"],
  ] as const).map(([name, helper, use]) => helperFeature(name, helper, use)),
];

export interface FeatureState {
  readonly feature: Feature;
  readonly available: boolean;
}

/** All of them, in the table's order. */
export function probeFeatures(): FeatureState[] {
  return FEATURES.map((feature) => ({ feature, available: feature.probe() }));
}

function helperFeature(name: string, helper: Helper, use: string): Feature {
  return { name, since: helper.since, use, probe: () => hasHelper(helper) };
}

/** A call without arguments is refused in any case; the reason tells whether the helper is known. */
export function hasHelper(helper: Pick<Helper, "id" | "programs">): boolean {
  const type = helper.programs[0] ?? "xdp";
  const spec = assembleProgram({ name: "probe", type }, [callHelper(helper.id), mov64(r0, 0), exit()]);
  try {
    loadProgram(spec, new Map()).close();
    return true;
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    // Linux kernel/bpf/verifier.c, get_helper_proto(): "invalid func", "unknown func", "program of this type cannot use helper".
    return !/invalid func|unknown func|cannot use helper/.test(error.log);
  }
}

function loads(type: ProgramType): boolean {
  return succeeds(() => loadProgram(assembleProgram({ name: "probe", type }, [mov64(r0, 0), exit()]), new Map()).close());
}

function creates(spec: MapSpec): boolean {
  return succeeds(() => BpfMap.create(spec).close());
}

function hasBatches(): boolean {
  const map = BpfMap.create({ kind: "map", name: "probe", type: MapType.HASH, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 });
  try {
    const { errno } = bpf(BPF_MAP_UPDATE_BATCH, { mapFd: map.fd, keys: new Uint8Array(4), values: new Uint8Array(4), count: 1 });
    return errno === 0;
  } finally {
    map.close();
  }
}

function hasCookies(): boolean {
  return succeeds(networkNamespaceCookie);
}

/** One frame that the program drops. */
function hasLiveFrames(): boolean {
  const program = loadProgram(assembleProgram({ name: "probe", type: "xdp" }, [mov64(r0, XDP_DROP), exit()]), new Map());
  try {
    return succeeds(() => program.testRun({ data: new Uint8Array(64), flags: BPF_F_TEST_XDP_LIVE_FRAMES }));
  } finally {
    program.close();
  }
}

function hasTcx(): boolean {
  return succeeds(() => queryTcx(LOOPBACK, "ingress"));
}

/** False when the kernel refuses for want of the feature; other refusals, as for want of permission, are thrown. */
function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof KernelError && (LACKING as readonly string[]).includes(error.code)) return false;
    throw error;
  }
}
const LACKING = ["INVALID", "TOO_BIG", "UNSUPPORTED", "FAILED"] as const;

/** Linux include/net/net_namespace.h, LOOPBACK_IFINDEX: the first device of every network namespace. */
const LOOPBACK = { index: 1, name: "lo" };

function table(valueSize: number): MapSpec {
  return { kind: "map", name: "probe", type: MapType.ARRAY, keySize: 4, valueSize, maxEntries: 1, flags: MapFlag.MMAPABLE };
}
