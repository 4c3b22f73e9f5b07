// Maps as one compilation has them: the number of entries can be the caller's, and two declarations of one name (two
// structs over the same memory) are one map.

import type { MapSpec } from "#ebpf/spec.js";
import { TABLE_BYTES_MAX } from "#prelude/maps.js";
import { sizeOf } from "#layout/struct.js";

export function mapsOf(entries: { readonly [map: string]: number }): (map: MapSpec) => MapSpec {
  const sized = new Map<MapSpec, MapSpec>();
  return (map) => {
    const wanted = entries[map.name];
    if (wanted === undefined) return map;
    let found = sized.get(map);
    if (found === undefined) {
      found = withEntries(map, wanted);
      // Its own uses may come here again (table.maxEntries): the result stands for itself.
      sized.set(map, found).set(found, found);
    }
    return found;
  };
}

function withEntries(map: MapSpec, entries: number): MapSpec {
  if (map.tableEntries === undefined) return Object.freeze({ ...map, maxEntries: entries });
  const size = sizeOf(map.value!);
  if (!Number.isInteger(Math.log2(entries)) || entries * size > TABLE_BYTES_MAX) {
    throw new RangeError(`table ${map.name} cannot have ${entries} entries: a power of two is needed, and at most ${TABLE_BYTES_MAX / size} of ${size} bytes`);
  }
  return Object.freeze({ ...map, valueSize: entries * size, tableEntries: entries });
}
