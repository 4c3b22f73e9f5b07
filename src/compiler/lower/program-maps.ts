// Maps as one compilation has them: the number of entries can be the caller's, and two declarations of one name (two
// structs over the same memory) are one map.

import type { MapSpec } from "#ebpf/spec.js";
import { resizeTable } from "#prelude/maps.js";

export class Maps {
  readonly #sized = new Map<MapSpec, MapSpec>();
  readonly #byName = new Map<string, MapSpec>();

  constructor(readonly entries: { readonly [map: string]: number }) {}

  /** A declaration, with the number of entries that this compilation gives the map. */
  sized(map: MapSpec): MapSpec {
    const wanted = this.entries[map.name];
    if (wanted === undefined) return map;
    let found = this.#sized.get(map);
    if (found === undefined) {
      found = map.tableEntries === undefined ? Object.freeze({ ...map, maxEntries: wanted }) : resizeTable(map, wanted);
      this.#sized.set(map, found).set(found, found);
    }
    return found;
  }

  /** The one map behind all declarations of that name; undefined if they do not agree on its size. */
  shared(map: MapSpec): MapSpec | undefined {
    const first = this.#byName.get(map.name);
    if (first === undefined) this.#byName.set(map.name, map);
    if (first === undefined || first === map) return map;
    const shapes = [first, map].map(({ type, keySize, valueSize, maxEntries }) => `${[type, keySize, valueSize, maxEntries]}`);
    return shapes[0] === shapes[1] ? first : undefined;
  }
}
