// A program of the kernel: a ProgramSpec (ebpf/spec.ts) with its maps' file descriptors put in, accepted by the verifier.

import { closeSync } from "node:fs";
import type { ProgramSpec, ProgramType } from "#ebpf/spec.js";
import { u8, u32, u64 } from "#layout/numbers.js";
import { array, struct, type Values } from "#layout/struct.js";
import { loadBtf } from "./btf-load.js";
import { E2BIG, EAGAIN, EEXIST, EINVAL, ENOSPC, EPERM } from "./errno.js";
import { invariant, type Meanings } from "./errors.js";
import type { BpfMap } from "./map.js";
import {
  BPF_OBJ_GET, BPF_OBJ_PIN, BPF_PROG_GET_FD_BY_ID, BPF_PROG_LOAD, bpf, bpfError, bpfOrThrow, cString, fromCString, objectInfo, objectName,
  type Attributes,
} from "./syscall.js";
import { runSyscallProgram, testRun, type TestRun, type TestRunResult } from "./test-run.js";
import { VerifierError } from "./verifier-log.js";

/** Linux include/uapi/linux/bpf.h: enum bpf_prog_type, enum bpf_attach_type. */
const PROGRAM_TYPE: { readonly [type in ProgramType]: number } = { socket: 1, tc: 3, xdp: 6, syscall: 31 };
const BPF_XDP = 37;
const BPF_F_SLEEPABLE = 1 << 4;

/** Linux include/uapi/linux/bpf.h: what a 64-bit load's source register says of its immediate. */
const BPF_PSEUDO_MAP_FD = 1;
const BPF_PSEUDO_MAP_VALUE = 2;

/** The kernel keeps the end of a longer log (6.4; before, its start). Tens of megabytes are seen with level 2 only. */
const VERIFIER_LOG_BYTES_MAX = 16 * 1024 * 1024;
/** Linux tools/lib/bpf/bpf.c tries five times: the verifier gives up with EAGAIN when a signal is pending. */
const LOAD_ATTEMPTS_MAX = 5;

/** Linux include/uapi/linux/bpf.h, struct bpf_prog_info. */
const ProgramInfo = struct("bpf_prog_info", {
  type: u32, id: u32, tag: array(u8, 8), jitedBytes: u32, translatedBytes: u32, jitedInstructions: u64, translatedInstructions: u64,
  loadTime: u64, createdByUid: u32, mapIdsCount: u32, mapIds: u64, name: array(u8, 16), ifindex: u32, gplCompatible: u32,
  netnsDevice: u64, netnsInode: u64, jitedSymbolsCount: u32, jitedLengthsCount: u32, jitedSymbols: u64, jitedLengths: u64,
  btfId: u32, functionInfoSize: u32, functionInfo: u64, functionInfoCount: u32, lineInfoCount: u32, lineInfo: u64, jitedLineInfo: u64,
  jitedLineInfoCount: u32, lineInfoSize: u32, jitedLineInfoSize: u32, tagsCount: u32, tags: u64, runTimeNanoseconds: u64, runCount: u64,
  recursionMisses: u64, verifiedInstructions: u32, attachBtfObjectId: u32, attachBtfId: u32,
});
export type ProgramInfo = Values<typeof ProgramInfo>;

export class BpfProgram {
  constructor(readonly fd: number, readonly name: string) {}

  /** The program pinned at `path`. */
  static open(path: string, name: string): BpfProgram {
    return new BpfProgram(bpfOrThrow(BPF_OBJ_GET, { path: cString(path) }, `open program "${name}" pinned at ${path}`), name);
  }

  static openById(id: number): BpfProgram {
    const fd = bpfOrThrow(BPF_PROG_GET_FD_BY_ID, { id }, `open the program with id ${id}`);
    return new BpfProgram(fd, fromCString(objectInfo(fd, ProgramInfo, `read the kernel's description of program ${id}`).name));
  }

  info(): ProgramInfo {
    return objectInfo(this.fd, ProgramInfo, `read the kernel's description of program "${this.name}"`);
  }

  /** Runs it once or more on a packet of the caller's (BPF_PROG_TEST_RUN); nothing is sent unless LIVE_FRAMES says so. */
  testRun(run: TestRun): TestRunResult {
    return testRun(this, run);
  }

  /** The same for a program of type "syscall", which has no packet. */
  run(context?: Uint8Array): { readonly returnValue: number; readonly context: Uint8Array } {
    return runSyscallProgram(this, context);
  }

  pin(path: string): void {
    bpfOrThrow(BPF_OBJ_PIN, { path: cString(path), fd: this.fd }, `pin program "${this.name}" at ${path}`, {
      [EEXIST]: { code: "EXISTS", found: "something is pinned there already", remedy: "remove it first" },
    });
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** `maps` by their names; throws VerifierError when the kernel refuses the program, KernelError when it cannot load any. */
export function loadProgram(spec: ProgramSpec, maps: ReadonlyMap<string, BpfMap>): BpfProgram {
  const attempted = `load ${spec.type} program "${spec.name}"`;
  const instructions = withMaps(spec, maps);
  const btfFd = spec.btf.length === 0 ? undefined : loadBtf(spec.btf, attempted);
  try {
    const attributes = { ...describe(spec, instructions), ...(btfFd === undefined ? {} : debugInfo(spec, btfFd)) };
    const { result, errno } = load(attributes);
    if (errno === 0) return new BpfProgram(result, spec.name);
    return loadWithLog(spec, attributes, errno, attempted);
  } finally {
    if (btfFd !== undefined) closeSync(btfFd);
  }
}

/** A copy of the instructions in which every map reference holds the map's file descriptor. */
function withMaps(spec: ProgramSpec, maps: ReadonlyMap<string, BpfMap>): Uint8Array {
  const instructions = spec.instructions.slice();
  const view = new DataView(instructions.buffer);
  for (const relocation of spec.relocations) {
    const map = maps.get(relocation.map);
    invariant(map !== undefined, `program "${spec.name}" refers to map "${relocation.map}", which the caller did not give`);
    //   byte 8n+1: source register ‖ destination   8n+4: immediate   8n+12: immediate of the second half
    const at = relocation.at * 8;
    const source = relocation.kind === "map" ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE;
    view.setUint8(at + 1, (view.getUint8(at + 1) & 0x0f) | (source << 4));
    view.setInt32(at + 4, map.fd, true);
    view.setInt32(at + 12, relocation.kind === "map" ? 0 : relocation.offset, true);
  }
  return instructions;
}

type LoadAttributes = Attributes<typeof BPF_PROG_LOAD.attributes>;

function describe(spec: ProgramSpec, instructions: Uint8Array): LoadAttributes {
  return {
    programType: PROGRAM_TYPE[spec.type], instructions, instructionCount: instructions.length / 8, license: cString(spec.license),
    name: objectName(spec.name), expectedAttachType: spec.type === "xdp" ? BPF_XDP : 0, flags: spec.type === "syscall" ? BPF_F_SLEEPABLE : 0,
  };
}

/** Function and line records, as struct bpf_func_info and struct bpf_line_info want them. */
function debugInfo(spec: ProgramSpec, btfFd: number): LoadAttributes {
  const functions = Uint32Array.from(spec.functionInfo.flatMap(({ at, typeId }) => [at, typeId]));
  // Line and column share a word: 22 bits and 10. A column beyond that is shown as the last.
  const lines = Uint32Array.from(spec.lineInfo.flatMap(({ at, fileOffset, lineOffset, line, column }) =>
    [at, fileOffset, lineOffset, (line << 10) | Math.min(column, 1023)]));
  return {
    btfFd,
    ...(functions.length === 0 ? {} : { functionInfo: new Uint8Array(functions.buffer), functionInfoSize: 8, functionInfoCount: spec.functionInfo.length }),
    ...(lines.length === 0 ? {} : { lineInfo: new Uint8Array(lines.buffer), lineInfoSize: 16, lineInfoCount: spec.lineInfo.length }),
  };
}

function load(attributes: LoadAttributes) {
  let outcome = bpf(BPF_PROG_LOAD, attributes);
  for (let attempt = 1; outcome.errno === EAGAIN && attempt < LOAD_ATTEMPTS_MAX; attempt++) outcome = bpf(BPF_PROG_LOAD, attributes);
  return outcome;
}

/** Once more with a log, which costs the verifier ten times the work, to say what was wrong; unless that has passed (memory was short). */
function loadWithLog(spec: ProgramSpec, attributes: LoadAttributes, errno: number, attempted: string): BpfProgram {
  const logBuffer = new Uint8Array(VERIFIER_LOG_BYTES_MAX);
  const again = load({ ...attributes, logBuffer, logSize: logBuffer.length, logLevel: 1 });
  if (again.errno === 0) return new BpfProgram(again.result, spec.name);
  const log = fromCString(logBuffer).trim();
  throw log === "" ? bpfError(BPF_PROG_LOAD, errno, attempted, LOAD_MEANINGS) : new VerifierError(spec, errno, log, attempted);
}

const LOAD_MEANINGS: Meanings = {
  [EPERM]: { code: "PERMISSION", found: "no permission", remedy: "run as root, or with the capabilities CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN" },
  [E2BIG]: { code: "TOO_BIG", found: "the program has more instructions than this process may load (4096 without CAP_BPF, a million with it)" },
  [EINVAL]: { code: "INVALID", found: "the kernel does not know this program type, or a field of bpf_attr that came later than this kernel" },
  [ENOSPC]: { code: "TOO_BIG", found: "the kernel has no room for the program" },
};

