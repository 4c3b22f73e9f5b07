// Maps as the machine emulates them: the kernel's rules and errors (Linux kernel/bpf/), in JavaScript's collections.

import type { MapSpec } from "../spec.js";
import { MapType } from "../spec.js";
import { ArrayMap } from "./array-map.js";
import { EmulatedMap } from "./emulated-map.js";
import { HashMap } from "./hash-map.js";
import { LpmTrie } from "./lpm-trie.js";
import { ProgramArrayMap } from "./program-array.js";
import { RingBufferMap } from "./ring-buffer.js";

export function createMap(spec: MapSpec, cpus: number): EmulatedMap {
  switch (spec.type) {
    case MapType.ARRAY: return new ArrayMap(spec, 1);
    case MapType.PERCPU_ARRAY: return new ArrayMap(spec, cpus);
    case MapType.HASH:
    case MapType.LRU_HASH: return new HashMap(spec, 1);
    case MapType.PERCPU_HASH: return new HashMap(spec, cpus);
    case MapType.LPM_TRIE: return new LpmTrie(spec);
    case MapType.PROG_ARRAY: return new ProgramArrayMap(spec);
    case MapType.RINGBUF: return new RingBufferMap(spec);
    default: {
      const name = Object.entries(MapType).find(([, type]) => type === spec.type)?.[0] ?? String(spec.type);
      throw new RangeError(`Cannot emulate map ${spec.name}: the machine has no maps of type ${name}`);
    }
  }
}
