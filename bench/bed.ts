// The test bed: weir's maps and the C program's, pinned nowhere and attached to nothing, configured by weir's director;
// and the programs under test behind the wrapper.

import { StoreDirector } from "#control/director.js";
import { nanosecondsToTicks, secondsToTicks } from "#control/encode.js";
import { hashAccessOf, shapeOfThisMachine } from "#control/kernel-store.js";
import { programSpec } from "#control/programs.js";
import { Rows } from "#control/rows.js";
import type { HashAccess, Store } from "#control/store.js";
import { mapSpecs } from "#control/shape.js";
import * as dataplane from "#dataplane/maps.js";
import type { MapSpec, ProgramSpec } from "#ebpf/spec.js";
import { BpfMap } from "#kernel/map.js";
import { batches, deleteBatch, updateBatch } from "#kernel/map-batch.js";
import type { MappedMemory } from "#kernel/memory.js";
import type { BpfProgram } from "#kernel/program.js";
import { loadProgram } from "#kernel/program.js";
import { encode, encodeInto } from "#layout/codec.js";
import { fieldOf } from "#layout/struct.js";
import type { Method } from "./cases.js";
import { VIP, realServer, servicePort } from "./cases.js";
import { CConnection, cMaps } from "./c-maps.js";
import { cProgram, clangVersion } from "./c-program.js";
import { wrapperProgram } from "./kernel-text.js";
import { courses, laps, targets } from "./wrapper.js";

/** Under test, in the order of the wrapper's targets. "nothing" measures the wrapper. */
export const SUBJECTS = ["nothing", "swap", "weir", "c"] as const;
export type Subject = (typeof SUBJECTS)[number];

/** weir's default, for either program: enough for 100,000 connections by NAT, which take two entries each in the C program's map. */
const CONNECTIONS = dataplane.CONNECTIONS_DEFAULT;

/** Test runs without a context come in by the loopback, whose index is 1: a hop there is XDP_TX. */
const LOOPBACK_IFINDEX = 1;
const DIRECTOR = "10.1.0.1";
/** Nobody asks for the way during a run. */
const HOP_SECONDS = 24 * 3600;

/** What a bed is made of. */
export interface Parts {
  readonly specs: ReadonlyMap<string, MapSpec>;
  readonly programs: ReadonlyMap<Subject, ProgramSpec>;
  readonly wrapper: ProgramSpec;
}

/** Compiles everything; the C program only where there is a clang. */
export async function compileParts(): Promise<Parts> {
  const { specs: own, programs, wrapper } = await compileWeirParts(CONNECTIONS);
  const specs = new Map([...own, ...named(cMaps(CONNECTIONS))]);
  return { specs, programs: clangVersion() === undefined ? programs : new Map([...programs, ["c", cProgram(specs)]]), wrapper };
}

/** Without the C program; `connections`: how many fit. */
export async function compileWeirParts(connections: number): Promise<Parts> {
  const shape = shapeOfThisMachine({ connections });
  const programs = new Map<Subject, ProgramSpec>([
    ["nothing", wrapperProgram("nothing")], ["swap", wrapperProgram("swap")], ["weir", await programSpec("weir_xdp", shape)],
  ]);
  return { specs: new Map([...mapSpecs(shape), ...named([courses, laps, targets])]), programs, wrapper: wrapperProgram("wrapper") };
}

const named = (specs: readonly MapSpec[]) => specs.map((spec) => [spec.name, spec] as const);

export class Bed {
  /** By name, the wrapper's too. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly store: Store & { close(): void };
  readonly #programs: readonly BpfProgram[];
  /** What is run. */
  readonly wrapper: BpfProgram;
  /** Without clang, the C program is missing. */
  readonly subjects: readonly Subject[];
  readonly director: StoreDirector;

  constructor({ specs, programs, wrapper }: Parts) {
    this.maps = new Map(Array.from(specs.values(), (spec) => [spec.name, BpfMap.create(spec)]));
    this.store = new BedStore(this.maps);
    this.director = new StoreDirector(this.store);
    this.subjects = SUBJECTS.filter((subject) => programs.has(subject));
    this.#programs = SUBJECTS.map((subject) => loadProgram(programs.get(subject) ?? programs.get("nothing")!, this.maps));
    this.#programs.forEach((program, i) => this.maps.get(targets.name)!.putObject(i, program));
    this.wrapper = loadProgram(wrapper, this.maps);
    this.#configure();
  }

  /** A map's memory; that of the wrapper's tables too. */
  table(spec: MapSpec): Uint8Array {
    return this.store.table(spec);
  }

  /** No connections, for either program. */
  forgetConnections(): void {
    for (const spec of [dataplane.buckets4, dataplane.connections4]) this.table(spec).fill(0);
    const rows = new Rows(this.store, dataplane.destinations);
    for (const i of METHODS.keys()) rows.write(i, { activeConnections: 0, inactiveConnections: 0 });
    const map = this.maps.get("c_connections")!;
    const keys = [...batches(map)].map((batch) => batch.keys.slice(0, batch.count * map.spec.keySize));
    for (const some of keys) deleteBatch(map, some);
  }

  /** Every connection knows the way back to its client. */
  giveClientHops(): void {
    const hop = encode(dataplane.Hop, this.#hop());
    const inPlace = this.table(dataplane.connections4);
    const at = fieldOf(dataplane.Connection4, "clientHop").offset;
    for (let entry = 0; entry < inPlace.length; entry += dataplane.Connection4.size) inPlace.set(hop, entry + at);
    const map = this.maps.get("c_connections")!;
    for (const { count, keys, values } of [...batches(map)]) {
      for (let i = 0; i < count; i++) encodeInto(CConnection, { clientHop: this.#hop() }, values, i * map.valueBytes);
      updateBatch(map, keys.slice(0, count * map.spec.keySize), values.slice(0, count * map.valueBytes));
    }
  }

  close(): void {
    for (const held of [this.store, this.wrapper, ...this.#programs, ...this.maps.values()]) held.close();
  }

  /** One service for each method, with a real server, and the way to it. */
  #configure(): void {
    for (const method of METHODS) {
      const id = { kind: "address", protocol: "tcp", address: VIP, port: servicePort(method) } as const;
      this.director.addService({ id, scheduler: "rr", schedulerFlags: 0, persistentSeconds: 0, netmask: "255.255.255.255", persistenceEngine: "", onePacket: false });
      this.director.addDestination(id, {
        ...realServer(method), forward: FORWARD[method], weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none",
      });
    }
    const rows = new Rows(this.store, dataplane.destinations);
    METHODS.forEach((_, i) => rows.write(i, { hop: this.#hop() }));
  }

  #hop() {
    return {
      validUntil: this.store.now() + secondsToTicks(HOP_SECONDS), ifindex: LOOPBACK_IFINDEX, mtu: 1500, flags: dataplane.HOP_BY_XDP, provedAt: 0,
      destination: Uint8Array.of(2, 0, 0, 0, 1, 0x11), source: Uint8Array.of(2, 0, 0, 0, 1, 1),
    };
  }
}

const METHODS: readonly Method[] = ["dr", "tun", "nat"];
const FORWARD = { dr: "route", tun: "tunnel", nat: "masq" } as const;

/** Maps that nobody else sees. */
class BedStore implements Store {
  readonly #tables = new Map<string, MappedMemory>();

  constructor(readonly maps: ReadonlyMap<string, BpfMap>) {}

  table({ name }: MapSpec): Uint8Array {
    const map = this.maps.get(name)!;
    let memory = this.#tables.get(name);
    if (memory === undefined) this.#tables.set(name, (memory = map.memory()));
    return memory.bytes.subarray(0, map.spec.valueSize * map.spec.maxEntries);
  }

  hash({ name }: MapSpec): HashAccess {
    return hashAccessOf(this.maps.get(name)!);
  }

  now(): number {
    return nanosecondsToTicks(process.hrtime.bigint());
  }

  isLocal(): boolean {
    return false;
  }

  sourceTowards(): string {
    return DIRECTOR;
  }

  exclusively<T>(change: () => T): T {
    return change();
  }

  close(): void {
    for (const memory of this.#tables.values()) memory.close();
  }
}
