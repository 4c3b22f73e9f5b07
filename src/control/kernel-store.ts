// The store in the kernel: maps pinned in the state directory of this network namespace. Processes come and go.

import { release } from "node:os";
import type { MapSpec } from "#ebpf/spec.js";
import { KernelError } from "#kernel/errors.js";
import { withLock } from "#kernel/lock.js";
import { BpfMap, possibleCpus } from "#kernel/map.js";
import type { StateDirectory } from "#kernel/pin.js";
import { routeTo } from "#kernel/network.js";
import { findState, openState } from "#kernel/pin.js";
import { CONNECTIONS_DEFAULT } from "#dataplane/maps.js";
import { nanosecondsToTicks } from "./encode.js";
import type { RecordFile } from "./record.js";
import { openRecord } from "./record.js";
import type { Shape } from "./shape.js";
import { mapSpecs, nextPowerOfTwo } from "./shape.js";
import type { HashAccess, Store } from "./store.js";

const SHAPE_FILE = "shape.json";

export class KernelStore implements Store {
  readonly #specs: ReadonlyMap<string, MapSpec>;
  readonly #maps = new Map<string, BpfMap>();
  readonly #tables = new Map<string, Uint8Array>();
  #locksHeld = 0;

  private constructor(readonly state: StateDirectory, readonly shape: Shape) {
    this.#specs = mapSpecs(shape);
  }

  /** This network namespace's store, or undefined when there is none. */
  static find(): KernelStore | undefined {
    const state = findState();
    if (state === undefined) return undefined;
    const shape = shapeFile(state).read();
    return shape === undefined ? undefined : new KernelStore(state, shape);
  }

  /**
   * The same, made when there is none; `connections`: how many it is to hold, rounded up to a power of two. `overrides`:
   * what to do without, though this kernel has it.
   */
  static open(connections = CONNECTIONS_DEFAULT, overrides: Partial<Shape> = {}): KernelStore {
    const state = openState();
    return withLock(state.lockPath, () => {
      const shape = shapeFile(state).read() ?? create(state, { ...shapeOfThisMachine(connections), ...overrides });
      return new KernelStore(state, shape);
    });
  }

  map(name: string): BpfMap {
    let map = this.#maps.get(name);
    if (map === undefined) this.#maps.set(name, (map = BpfMap.open(this.state.mapPath(name), this.#specs.get(name)!)));
    return map;
  }

  allMaps(): ReadonlyMap<string, BpfMap> {
    return new Map(Array.from(this.#specs.keys(), (name) => [name, this.map(name)]));
  }

  table(spec: MapSpec): Uint8Array {
    let bytes = this.#tables.get(spec.name);
    if (bytes === undefined) {
      const { valueSize } = this.#specs.get(spec.name)!;
      this.#tables.set(spec.name, (bytes = this.map(spec.name).memory().bytes.subarray(0, valueSize)));
    }
    return bytes;
  }

  hash(spec: MapSpec): HashAccess {
    return this.map(spec.name);
  }

  now(): number {
    return nanosecondsToTicks(process.hrtime.bigint());
  }

  sourceTowards(address: string): string | undefined {
    try {
      return routeTo(address).source;
    } catch (error) {
      if (error instanceof KernelError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  exclusively<T>(change: () => T): T {
    if (this.#locksHeld > 0) return change();
    return withLock(this.state.lockPath, () => {
      this.#locksHeld++;
      try {
        return change();
      } finally {
        this.#locksHeld--;
      }
    });
  }
}

/** All maps or none: what was pinned before a failure goes again. The shape is written last: it says that all is there. */
function create(state: StateDirectory, shape: Shape): Shape {
  try {
    for (const spec of mapSpecs(shape).values()) {
      state.unpin(state.mapPath(spec.name));
      const map = BpfMap.create(spec);
      map.pin(state.mapPath(spec.name));
      map.close();
    }
    shapeFile(state).write(shape);
    return shape;
  } catch (error) {
    state.remove();
    throw error;
  }
}

function shapeFile(state: StateDirectory): RecordFile<Shape> {
  return openRecord(state.filePath(SHAPE_FILE));
}

export function shapeOfThisMachine(connections: number): Shape {
  return { processors: nextPowerOfTwo(possibleCpus()), connections: nextPowerOfTwo(connections), fibGivesSource: isAtLeast(6, 7), tcx: isAtLeast(6, 6) };
}

function isAtLeast(major: number, minor: number): boolean {
  const [kernelMajor = 0, kernelMinor = 0] = release().split(".").map(Number);
  return kernelMajor > major || (kernelMajor === major && kernelMinor >= minor);
}
