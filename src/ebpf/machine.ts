// The user-space machine: runs the bytecode that the kernel would run, with maps and helpers emulated, time and chance
// given from outside. It checks what the verifier proves: an access outside the packet, the context, the stack or a map
// value throws a MachineError that names the instruction and its source line.
//
//   const machine = new Machine({ now: () => 0n });
//   machine.map(services.spec).update(key, value);
//   const { verdict, packet } = machine.run(machine.load(program), frame, { ifindex: 2 });

import { Context } from "./machine/context.js";
import type { EmulatedMap } from "./machine/emulated-map.js";
import { ArrayMap } from "./machine/array-map.js";
import { Execution } from "./machine/execution.js";
import type { LoadedProgram } from "./machine/loaded-program.js";
import { loadProgram } from "./machine/loaded-program.js";
import { createMap } from "./machine/maps.js";
import { ORIGIN, createRegion } from "./machine/memory.js";
import type { Clone, MachineOptions, Redirect } from "./machine/options.js";
import { ProgramArrayMap } from "./machine/program-array.js";
import { RingBufferMap } from "./machine/ring-buffer.js";
import { Timers } from "./machine/timers.js";
import type { MapSpec, ProgramSpec } from "./spec.js";

export { BPF_ANY, BPF_EXIST, BPF_NOEXIST } from "./machine/emulated-map.js";
export { MachineError } from "./machine/errors.js";
export type { Clone, EmulatedMap, LoadedProgram, MachineOptions, ProgramArrayMap, Redirect, RingBufferMap };

/** What the packet's context says; what is left out is zero, or follows from the packet. */
export interface PacketContext {
  /** 1 by default, as in BPF_PROG_TEST_RUN: the loopback interface. */
  readonly ifindex?: number;
  /** That runs the program; the machine's own by default. */
  readonly cpu?: number;
  // TC only, from here.
  /** `ifindex` by default; 0: the machine itself sends it. */
  readonly ingressIfindex?: number;
  readonly mark?: number;
  /** As Packet.protocol of prelude/packet; by default the bytes of the Ethernet header. */
  readonly protocol?: number;
  readonly packetType?: number;
  readonly vlanPresent?: number;
  readonly tcIndex?: number;
  readonly gsoSize?: number;
  readonly gsoSegments?: number;
  /** Bytes that can be reached without a helper; all by default. */
  readonly linear?: number;
  /** The transport checksum, behind an IPv4 header, covers only the pseudo header yet (CHECKSUM_PARTIAL). */
  readonly checksumPartial?: boolean;
}

export interface RunResult {
  /** R0 as a signed 32-bit number. */
  readonly verdict: number;
  /** As the program left it: a copy. */
  readonly packet: Uint8Array;
  /** When the verdict is to redirect. */
  readonly redirect?: Redirect;
  /** Copies that it sent on its way. */
  readonly clones: readonly Clone[];
  /** TC only; 0 otherwise. */
  readonly mark: number;
  readonly gsoSize: number;
  /** How many were executed. */
  readonly instructions: number;
}

/** BPF_FIB_LKUP_RET_NOT_FWDED: without a routing function there are no routes. */
const NOT_FORWARDED = 4;
const XDP_REDIRECT = 4;
const TC_ACT_REDIRECT = 7;
const ETH_HLEN = 14;

export class Machine {
  readonly #maps = new Map<string, EmulatedMap>();
  readonly #options: MachineOptions;
  readonly #timers = new Timers();
  readonly #execution: Execution;
  /** By how much advance() moved the clock. */
  #advanced = 0n;

  constructor(options: Partial<MachineOptions> = {}) {
    const { now = () => 0n, cpu = 0 } = options;
    this.#options = {
      random: Math.random, cpus: cpu + 1, hz: 250, fib: () => NOT_FORWARDED, ...options,
      cpu, now: () => now() + this.#advanced,
    };
    this.#execution = new Execution(this.#options, this.#timers);
  }

  /** The map of that name, made at first mention: programs that name the same map share it. */
  map(spec: MapSpec): EmulatedMap {
    const known = this.#maps.get(spec.name);
    if (known === undefined) {
      const created = createMap(spec, this.#options.cpus);
      this.#maps.set(spec.name, created);
      return created;
    }
    const { type, keySize, valueSize, maxEntries } = known.spec;
    if (type === spec.type && keySize === spec.keySize && valueSize === spec.valueSize && maxEntries === spec.maxEntries) return known;
    throw new RangeError(`Cannot declare map ${spec.name} again in another shape: it has type ${type}, keys of ${keySize}, values of ` +
      `${valueSize} bytes and ${maxEntries} entries; the new one has type ${spec.type}, ${spec.keySize}, ${spec.valueSize} and ${spec.maxEntries}`);
  }

  /** The same, for what only ring buffers and program arrays can do. */
  ringBuffer(spec: MapSpec): RingBufferMap {
    const map = this.map(spec);
    if (map instanceof RingBufferMap) return map;
    throw new RangeError(`Cannot use map ${spec.name} as a ring buffer: its type is ${spec.type}`);
  }
  programArray(spec: MapSpec): ProgramArrayMap {
    const map = this.map(spec);
    if (map instanceof ProgramArrayMap) return map;
    throw new RangeError(`Cannot use map ${spec.name} as a program array: its type is ${spec.type}`);
  }

  load(spec: ProgramSpec): LoadedProgram {
    for (const map of spec.maps) this.map(map);
    return loadProgram(spec, (name, kind, offset) => {
      const map = this.#maps.get(name);
      if (map === undefined) throw new RangeError(`Cannot load program "${spec.name}": it refers to map ${name}, but does not declare it`);
      if (kind === "map") return { high: this.#execution.memory.idOf(map.handle), low: ORIGIN };
      if (!(map instanceof ArrayMap)) {
        throw new RangeError(`Cannot load program "${spec.name}": map ${name} is no array, its values have no fixed address`);
      }
      return { high: this.#execution.memory.idOf(map.valueAt(0, this.#options.cpu)), low: ORIGIN + offset };
    });
  }

  /** `packet`: from its Ethernet header; a syscall program's context, which it may change. */
  run(program: LoadedProgram, packet: Uint8Array, context: PacketContext = {}): RunResult {
    const type = program.spec.type;
    return this.#isolated((x) => {
      const bytes = type === "syscall" ? packet.slice() : undefined;
      x.packet.set(bytes === undefined ? packet : new Uint8Array(), context.linear ?? Infinity);
      if (context.cpu !== undefined) x.cpu = context.cpu;
      x.checksumPartial = context.checksumPartial ?? false;
      x.networkOffset = ETH_HLEN;
      x.checksumStart = ETH_HLEN + ((packet[ETH_HLEN] ?? 0) & 0x0f) * 4;
      x.context = new Context(type, x.packet, bytes);
      if (type === "xdp") x.context.set({ ingressIfindex: context.ifindex ?? 1 });
      else if (type !== "syscall") setSkBuff(x.context, packet, context);
      x.setPointer(1, x.context.region);
      x.run(program);
      const verdict = x.registers[0]! | 0;
      const redirected = x.redirect !== undefined && verdict === (type === "xdp" ? XDP_REDIRECT : TC_ACT_REDIRECT);
      const isSkBuff = type === "tc" || type === "socket";
      return {
        verdict, packet: bytes ?? x.packet.bytes.slice(), instructions: x.instructions,
        mark: isSkBuff ? x.context.get("mark") : 0, gsoSize: isSkBuff ? x.context.get("gsoSize") : 0,
        clones: x.clones, ...(redirected && { redirect: x.redirect! }),
      };
    });
  }

  /** Moves the clock on and runs the timers that fall due on the way, each at its time. Gives how many. */
  advance(nanoseconds: bigint): number {
    const end = this.#options.now() + nanoseconds;
    let fired = 0;
    for (;;) {
      const timer = this.#timers.takeDue(end);
      if (timer === undefined) break;
      const now = this.#options.now();
      if (timer.due > now) this.#advanced += timer.due - now;
      this.#isolated((x) => {
        x.setPointer(1, timer.value.map.handle);
        x.setPointer(2, createRegion("the timer's key", timer.value.key, { writable: false }));
        x.setPointer(3, timer.value);
        x.run(timer.callback!.program, timer.callback!.at);
      });
      fired++;
    }
    const rest = end - this.#options.now();
    if (rest > 0n) this.#advanced += rest;
    return fired;
  }

  /** One run: what it makes in memory, and what it learned, ends with it. */
  #isolated<Result>(run: (x: Execution) => Result): Result {
    const x = this.#execution;
    const mark = x.memory.mark();
    x.redirect = undefined;
    x.clones = [];
    x.context = undefined;
    x.cpu = this.#options.cpu;
    x.encapsulated = false;
    x.reservedRecords.clear();
    try {
      return run(x);
    } finally {
      x.memory.release(mark);
    }
  }
}

function setSkBuff(context: Context, packet: Uint8Array, given: PacketContext): void {
  context.set({
    length: packet.length, packetType: given.packetType ?? 0, mark: given.mark ?? 0,
    protocol: given.protocol ?? ((packet[12] ?? 0) | ((packet[13] ?? 0) << 8)), vlanPresent: given.vlanPresent ?? 0, tcIndex: given.tcIndex ?? 0,
    ifindex: given.ifindex ?? 1, ingressIfindex: given.ingressIfindex ?? given.ifindex ?? 1, gsoSize: given.gsoSize ?? 0, gsoSegments: given.gsoSegments ?? 0,
  });
}
