// The store on the user-space machine: for tests, for the lab without privileges, for simulation.

import type { Machine } from "#ebpf/machine.js";
import type { LoadedProgram } from "#ebpf/machine.js";
import type { MapSpec, ProgramSpec } from "#ebpf/spec.js";
import { nanosecondsToTicks } from "./encode.js";
import type { ProgramName } from "./programs.js";
import { PROGRAM_PLACES } from "./programs.js";
import type { Shape } from "./shape.js";
import { mapSpecs } from "./shape.js";
import type { HashAccess, Store } from "./store.js";

/** Loads them all, with those that tail calls go to in their places. */
export function loadPrograms(machine: Machine, specs: ReadonlyMap<ProgramName, ProgramSpec>): ReadonlyMap<ProgramName, LoadedProgram> {
  const loaded = new Map(Array.from(specs, ([name, spec]) => [name, machine.load(spec)]));
  for (const { name, place, array } of PROGRAM_PLACES) machine.programArray(array).setProgram(place, loaded.get(name));
  return loaded;
}

export class MachineStore implements Store {
  readonly #specs: ReadonlyMap<string, MapSpec>;

  constructor(readonly machine: Machine, shape: Shape, readonly nanoseconds: () => bigint, readonly isLocal: (address: string) => boolean = () => false) {
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
      entries: () => [...map.entries()],
      updateAll: (keys, values) => keys.forEach((key, i) => void map.update(key, values[i]!)),
      deleteAll: (keys) => keys.forEach((key) => void map.delete(key)),
    };
  }

  now(): number {
    return nanosecondsToTicks(this.nanoseconds());
  }

  /** The machine's bpf_fib_lookup() tells. */
  sourceTowards(_address: string): string | undefined {
    return undefined;
  }

  exclusively<T>(change: () => T): T {
    return change();
  }
}
