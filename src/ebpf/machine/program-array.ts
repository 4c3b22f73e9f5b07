// BPF_MAP_TYPE_PROG_ARRAY: the programs that tail calls go to.

import type { LoadedProgram } from "./loaded-program.js";
import { UnkeyedMap } from "./emulated-map.js";

export class ProgramArrayMap extends UnkeyedMap {
  readonly #programs: (LoadedProgram | undefined)[] = [];

  /** Undefined empties the place. */
  setProgram(index: number, program: LoadedProgram | undefined): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.spec.maxEntries) {
      throw new RangeError(`Cannot put a program at ${index} of map ${this.spec.name}: its places are 0 to ${this.spec.maxEntries - 1}`);
    }
    this.#programs[index] = program;
  }

  programAt(index: number): LoadedProgram | undefined {
    return this.#programs[index];
  }
}
