// The reader of a BPF_MAP_TYPE_RINGBUF: records are read in the kernel's memory, in place and without a system call.
//
//   page 0                     page 1                  page 2 …
//   position of the consumer   of the producer         data, mapped twice in a row: no record is ever cut
//   (ours to write)            (the kernel's)          u32 length and flags, u32 page offset, then the record
//
// Linux kernel/bpf/ringbuf.c; Documentation/bpf/ringbuf.rst.

import { MapType } from "#ebpf/spec.js";
import { invariant } from "./errors.js";
import { koffi } from "./ffi.js";
import type { BpfMap } from "./map.js";
import { MappedMemory, pageBytes } from "./memory.js";

/** Flags in the upper bits of a record's length. */
const BUSY = 1 << 31;
const DISCARD = 1 << 30;
const LENGTH_MASK = 0x3fff_ffff;
const HEADER_BYTES = 8;

/** A burst is handed over in parts, so that a process with other work gets to it. */
const RECORDS_MAX = 4096;

export class RingBufferReader {
  readonly #consumer: MappedMemory;
  readonly #producer: MappedMemory;
  readonly #consumerPosition: BigUint64Array;
  readonly #producerPosition: BigUint64Array;
  readonly #headers: Int32Array;
  readonly #data: Uint8Array;
  readonly #sizeBytes: number;

  constructor(readonly map: BpfMap) {
    invariant(map.spec.type === MapType.RINGBUF, `map "${map.name}" is no ring buffer`);
    const page = pageBytes();
    const attempted = `map ring buffer "${map.name}" into memory`;
    this.#sizeBytes = map.spec.maxEntries;
    this.#consumer = MappedMemory.map(map.fd, page, { writable: true, attempted });
    this.#producer = MappedMemory.map(map.fd, page + 2 * this.#sizeBytes, { offset: page, writable: false, attempted });
    this.#consumerPosition = new BigUint64Array(this.#consumer.bytes.buffer, 0, 1);
    this.#producerPosition = new BigUint64Array(this.#producer.bytes.buffer, 0, 1);
    this.#headers = new Int32Array(this.#producer.bytes.buffer, page);
    this.#data = this.#producer.bytes.subarray(page);
  }

  /**
   * Hands over the records that are there, oldest first, and returns how many. A record's bytes stand in the ring: they
   * are good until `use` returns.
   */
  read(use: (record: Uint8Array) => void, recordsMax = RECORDS_MAX): number {
    let position = Atomics.load(this.#consumerPosition, 0);
    let count = 0;
    while (count < recordsMax && position !== Atomics.load(this.#producerPosition, 0)) {
      const at = Number(position & BigInt(this.#sizeBytes - 1));
      // The producer writes the record first and clears BUSY last.
      const header = Atomics.load(this.#headers, at / 4);
      if ((header & BUSY) !== 0) break;
      const length = header & LENGTH_MASK;
      try {
        if ((header & DISCARD) === 0) {
          count++;
          use(this.#data.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length));
        }
      } finally {
        position += BigInt(roundUp(length + HEADER_BYTES));
        Atomics.store(this.#consumerPosition, 0, position);
      }
    }
    return count;
  }

  /**
   * Calls `use` for each record from now on, woken by the kernel. Returns a function that ends it. A record that was
   * written with BPF_RB_NO_WAKEUP comes with the next one that was not.
   */
  listen(use: (record: Uint8Array) => void): () => void {
    const handle = koffi().node.poll(this.map.fd, { readable: true }, () => this.read(use));
    this.read(use);
    return () => handle.close();
  }

  close(): void {
    this.#consumer.close();
    this.#producer.close();
  }
}

/** Records start at multiples of eight. */
const roundUp = (length: number): number => Math.ceil(length / 8) * 8;
