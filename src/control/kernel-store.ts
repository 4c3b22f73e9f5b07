// The store in the kernel: maps pinned in the state directory of this network namespace. Processes come and go.

import { release } from "node:os";
import type { MapSpec } from "#ebpf/spec.js";
import { KernelError } from "#kernel/errors.js";
import { withLock } from "#kernel/lock.js";
import { BpfMap, possibleCpus } from "#kernel/map.js";
import { deleteBatch, entries, updateBatch } from "#kernel/map-batch.js";
import type { StateDirectory } from "#kernel/pin.js";
import { localAddresses, routeTo } from "#kernel/network.js";
import { findState, openState } from "#kernel/pin.js";
import { CONNECTIONS6_DEFAULT, CONNECTIONS_DEFAULT, DESTINATIONS_DEFAULT } from "#dataplane/maps.js";
import { nanosecondsToTicks } from "./encode.js";
import { ControlError } from "./errors.js";
import { layoutOf } from "./layouts.js";
import type { RecordFile } from "./record.js";
import { openRecord } from "./record.js";
import type { Shape } from "./shape.js";
import { mapSpecs, nextPowerOfTwo } from "./shape.js";
import type { HashAccess, Store } from "./store.js";

const STATE_FILE = "state.json";

/** Of what is pinned, beside it: the shape, and each map's layout. */
interface StateRecord {
  readonly shape: Shape;
  readonly layouts: { readonly [map: string]: string };
}

export class KernelStore implements Store {
  readonly #specs: ReadonlyMap<string, MapSpec>;
  readonly #maps = new Map<string, BpfMap>();
  readonly #tables = new Map<string, Uint8Array>();
  readonly #record: RecordFile<StateRecord>;
  #locksHeld = 0;
  /** While the lock is held. */
  #addresses: ReadonlySet<string> | undefined;

  private constructor(readonly state: StateDirectory, readonly shape: Shape) {
    this.#specs = mapSpecs(shape);
    this.#record = recordOf(state);
  }

  /** This network namespace's store, or undefined when there is none. */
  static find(): KernelStore | undefined {
    const state = findState();
    if (state === undefined) return undefined;
    const record = recordOf(state).read();
    return record === undefined ? undefined : new KernelStore(state, whole(record.shape));
  }

  /**
   * The same, made when there is none, with room for so much, each number rounded up to a power of two. `overrides`: what to do without, though this kernel has it.
   */
  static open(sizes: Sizes = {}, overrides: Partial<Shape> = {}): KernelStore {
    const state = openState();
    return withLock(state.lockPath, () => {
      const { shape } = recordOf(state).read() ?? create(state, { ...shapeOfThisMachine(sizes), ...overrides });
      return new KernelStore(state, whole(shape));
    });
  }

  map(name: string): BpfMap {
    let map = this.#maps.get(name);
    if (map === undefined) this.#maps.set(name, (map = this.#open(this.#specs.get(name)!)));
    return map;
  }

  /** A map that only this version has is made; one that another version made otherwise is refused. */
  #open(spec: MapSpec): BpfMap {
    const layout = this.#record.read()?.layouts[spec.name];
    if (layout === undefined) this.exclusively(() => this.#add(spec));
    else if (layout !== layoutOf(spec)) throw madeOtherwise(this.state, spec.name);
    return BpfMap.open(this.state.mapPath(spec.name), spec);
  }

  #add(spec: MapSpec): void {
    const record = this.#record.read()!;
    if (spec.name in record.layouts) return;
    pinMap(this.state, spec);
    this.#record.write({ ...record, layouts: { ...record.layouts, [spec.name]: layoutOf(spec) } });
  }

  allMaps(): ReadonlyMap<string, BpfMap> {
    return new Map(Array.from(this.#specs.keys(), (name) => [name, this.map(name)]));
  }

  table(spec: MapSpec): Uint8Array {
    let bytes = this.#tables.get(spec.name);
    if (bytes === undefined) {
      const { valueSize, maxEntries } = this.#specs.get(spec.name)!;
      this.#tables.set(spec.name, (bytes = this.map(spec.name).memory().bytes.subarray(0, valueSize * maxEntries)));
    }
    return bytes;
  }

  hash(spec: MapSpec): HashAccess {
    return hashAccessOf(this.map(spec.name));
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

  isLocal(address: string): boolean {
    return isAmong(this.#ownAddresses(), address);
  }

  /** The same of many addresses, by what the director's own are at this moment: those are asked for once, and only when somebody wants to know. */
  localNow(): (address: string) => boolean {
    let own: ReadonlySet<string> | undefined;
    return (address) => isAmong(own ??= this.#ownAddresses(), address);
  }

  /** Of a batch of destinations, asked for once. */
  #ownAddresses(): ReadonlySet<string> {
    if (this.#locksHeld === 0) return localAddresses();
    this.#addresses ??= localAddresses();
    return this.#addresses;
  }

  exclusively<T>(change: () => T): T {
    if (this.#locksHeld > 0) return change();
    return withLock(this.state.lockPath, () => {
      this.#locksHeld++;
      try {
        return change();
      } finally {
        this.#locksHeld--;
        this.#addresses = undefined;
      }
    });
  }
}

function isAmong(own: ReadonlySet<string>, address: string): boolean {
  return address.startsWith("127.") || own.has(address);
}

export function hashAccessOf(map: BpfMap): HashAccess {
  return {
    lookup: (key) => map.lookup(key),
    update: (key, value) => map.update(key, value),
    delete: (key) => map.delete(key),
    keys: () => map.keys(),
    entries: () => entries(map),
    updateAll: (keys, values) => updateBatch(map, Buffer.concat(keys), Buffer.concat(values)),
    deleteAll: (keys) => void deleteBatch(map, Buffer.concat(keys)),
  };
}

/** All maps or none: what was pinned before a failure goes again. The record is written last: it says that all is there. */
function create(state: StateDirectory, shape: Shape): StateRecord {
  const specs = [...mapSpecs(shape).values()];
  const record: StateRecord = { shape, layouts: Object.fromEntries(specs.map((spec) => [spec.name, layoutOf(spec)])) };
  try {
    for (const spec of specs) pinMap(state, spec);
    recordOf(state).write(record);
    return record;
  } catch (error) {
    state.remove();
    throw error;
  }
}

/** In the place of what a process may have left that was ended in the middle. */
function pinMap(state: StateDirectory, spec: MapSpec): void {
  state.unpin(state.mapPath(spec.name));
  const map = BpfMap.create(spec);
  map.pin(state.mapPath(spec.name));
  map.close();
}

function recordOf(state: StateDirectory): RecordFile<StateRecord> {
  return openRecord(state.filePath(STATE_FILE));
}

function madeOtherwise({ path }: StateDirectory, map: string): ControlError {
  const remedy = "run weir down, which ends all connections, then weir apply";
  return new ControlError("STATE", `Cannot use the director's state in ${path}: another version of weir made its map "${map}", and differently; ${remedy}`);
}

/** How many fit; what is undefined is the director's own choice. */
export interface Sizes {
  readonly connections?: number | undefined;
  readonly connectionsIpv6?: number | undefined;
  readonly destinations?: number | undefined;
}

/** Room for so many destinations and a quarter more: for what comes before what goes has gone, and for servers that went and whose connections stand. */
export function roomForDestinations(count: number): number {
  return Math.max(DESTINATIONS_DEFAULT, 1.25 * count);
}

export function shapeOfThisMachine({ connections = CONNECTIONS_DEFAULT, connectionsIpv6 = CONNECTIONS6_DEFAULT, destinations = DESTINATIONS_DEFAULT }: Sizes): Shape {
  const sizes = { connections: nextPowerOfTwo(connections), connectionsIpv6: nextPowerOfTwo(connectionsIpv6), destinations: nextPowerOfTwo(destinations) };
  return { processors: nextPowerOfTwo(possibleCpus()), ...sizes, fibGivesSource: isAtLeast(6, 7), csumKnowsIpv6: isAtLeast(6, 16), tcx: isAtLeast(6, 6) };
}

/** An earlier version's says nothing of destinations. */
const whole = (shape: Shape): Shape => ({ ...shape, destinations: shape.destinations ?? DESTINATIONS_DEFAULT });

function isAtLeast(major: number, minor: number): boolean {
  const [kernelMajor = 0, kernelMinor = 0] = release().split(".").map(Number);
  return kernelMajor > major || (kernelMajor === major && kernelMinor >= minor);
}
