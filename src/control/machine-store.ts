// The store on the user-space machine: for tests, for the lab without privileges, for simulation.

import type { Machine } from "#ebpf/machine.js";
import type { MapSpec } from "#ebpf/spec.js";
import { nanosecondsToTicks } from "./encode.js";
import type { Shape } from "./shape.js";
import { mapSpecs } from "./shape.js";
import type { HashAccess, Store } from "./store.js";

export class MachineStore implements Store {
  readonly #specs: ReadonlyMap<string, MapSpec>;

  constructor(readonly machine: Machine, shape: Shape, readonly nanoseconds: () => bigint) {
    this.#specs = mapSpecs(shape);
  }

  table(spec: MapSpec): Uint8Array {
    return this.machine.map(this.#specs.get(spec.name) ?? spec).bytes;
  }

  hash(spec: MapSpec): HashAccess {
    const map = this.machine.map(this.#specs.get(spec.name) ?? spec);
    return {
      lookup: (key) => map.lookup(key),
      update: (key, value) => void map.update(key, value),
      delete: (key) => map.delete(key) === 0,
      keys: () => Array.from(map.entries(), ([key]) => key),
    };
  }

  now(): number {
    return nanosecondsToTicks(this.nanoseconds());
  }

  /** The machine's bpf_fib_lookup() tells. */
  sourceTowards(): undefined {
    return undefined;
  }

  exclusively<T>(change: () => T): T {
    return change();
  }
}
