// BPF_MAP_TYPE_RINGBUF: Linux kernel/bpf/ringbuf.c. A record takes eight bytes more than its data, rounded up to eight;
// the ring is full one byte before its size.

import type { Region } from "./memory.js";
import { createRegion } from "./memory.js";
import { UnkeyedMap } from "./emulated-map.js";

const BPF_RINGBUF_HDR_SZ = 8;

interface Record {
  readonly bytes: Uint8Array;
  readonly roomBytes: number;
  state: "reserved" | "submitted" | "discarded";
}

export class RingBufferMap extends UnkeyedMap {
  #records: Record[] = [];
  readonly #reserved = new Map<Region, Record>();
  #usedBytes = 0;

  /** What programs wrote and nobody took yet, the oldest first. Takes it. */
  drain(): Uint8Array[] {
    const firstReserved = this.#records.findIndex((record) => record.state === "reserved");
    const taken = this.#records.splice(0, firstReserved < 0 ? this.#records.length : firstReserved);
    for (const record of taken) this.#usedBytes -= record.roomBytes;
    return taken.filter((record) => record.state === "submitted").map((record) => record.bytes);
  }

  /** Undefined when the ring is full. */
  reserve(size: number): Region | undefined {
    const roomBytes = Math.ceil((size + BPF_RINGBUF_HDR_SZ) / 8) * 8;
    if (this.#usedBytes + roomBytes > this.spec.maxEntries - 1) return undefined;
    const record: Record = { bytes: new Uint8Array(size), roomBytes, state: "reserved" };
    const region = createRegion(`a record of ring buffer ${this.spec.name}`, record.bytes);
    this.#usedBytes += roomBytes;
    this.#records.push(record);
    this.#reserved.set(region, record);
    return region;
  }

  /** False when the region is no reserved record of this ring. */
  commit(region: Region, state: "submitted" | "discarded"): boolean {
    const record = this.#reserved.get(region);
    if (record === undefined) return false;
    record.state = state;
    return this.#reserved.delete(region);
  }
}
