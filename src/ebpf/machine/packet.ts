// The packet in the machine: its bytes between headroom and tailroom, and what moves them. Every move makes a new
// region, so an address from before it is a fault, as it is to the verifier.

import type { Memory, Region } from "./memory.js";
import { createGrave } from "./memory.js";
import { POISON_BYTE } from "./registers.js";

/** Linux include/uapi/linux/bpf.h, XDP_PACKET_HEADROOM. */
const HEADROOM = 256;
/** As much again is left behind the packet. */
const TAILROOM = 512;

export class Packet {
  readonly #memory: Memory;
  #storage: Uint8Array = new Uint8Array();
  #region: Region;
  #start = HEADROOM;
  #end = HEADROOM;
  /** Bytes that programs can reach without a helper. */
  #linear = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#region = createGrave("a packet, where there is none");
  }

  /** Starts with a new packet. */
  set(bytes: Uint8Array, linear: number): void {
    this.#reserve(HEADROOM + bytes.length + TAILROOM);
    this.#storage.fill(POISON_BYTE, 0, HEADROOM);
    this.#storage.set(bytes, HEADROOM);
    this.#start = HEADROOM;
    this.#end = HEADROOM + bytes.length;
    this.#linear = Math.min(linear, bytes.length);
    this.#region = this.#createRegion();
  }

  get length(): number {
    return this.#end - this.#start;
  }
  get linear(): number {
    return this.#linear;
  }
  get headroom(): number {
    return this.#start;
  }
  /** The number in the upper half of the packet's addresses. */
  get regionId(): number {
    return this.#memory.idOf(this.#region);
  }

  /** All of the packet, in place: until the next move. */
  get bytes(): Uint8Array {
    return this.#storage.subarray(this.#start, this.#end);
  }

  /** Makes the first `length` bytes reachable; false when there are fewer. */
  pull(length: number): boolean {
    if (length > this.length) return false;
    this.#linear = Math.max(this.#linear, length);
    return true;
  }

  /** The packet begins `bytes` earlier (more) or later (less); new bytes are what the headroom held. */
  growHead(bytes: number): void {
    if (bytes > this.#start) this.#addHeadroom(bytes);
    this.#start -= bytes;
    this.#linear += bytes;
  }

  /** The packet ends `bytes` later (zeros) or earlier. */
  growTail(bytes: number): void {
    if (this.#linear === this.length) this.#linear += bytes;
    this.#reserve(this.#end + bytes);
    if (bytes > 0) this.#storage.fill(0, this.#end, this.#end + bytes);
    this.#end += bytes;
    this.#linear = Math.min(this.#linear, this.length);
  }

  /** Opens (zeros) or closes a gap of `bytes` after the first `at` bytes. */
  growAt(at: number, bytes: number): void {
    if (bytes < 0) this.#storage.copyWithin(this.#start - bytes, this.#start, this.#start + at);
    this.growHead(bytes);
    if (bytes <= 0) return;
    this.#storage.copyWithin(this.#start, this.#start + bytes, this.#start + bytes + at);
    this.#storage.fill(0, this.#start + at, this.#start + at + bytes);
  }

  /** Older addresses point nowhere from now on. */
  invalidate(helper: string): void {
    this.#memory.retire(this.#region, createGrave(`the packet by an address from before ${helper}()`));
    this.#region = this.#createRegion();
  }

  #createRegion(): Region {
    const view = new DataView(this.#storage.buffer);
    return { name: "the packet", view, base: this.#start, size: this.#linear, writable: true, id: 0 };
  }

  #reserve(size: number): void {
    if (size <= this.#storage.length) return;
    const larger = new Uint8Array(size * 2);
    larger.set(this.#storage);
    this.#storage = larger;
  }

  #addHeadroom(bytes: number): void {
    const larger = new Uint8Array(this.#storage.length + bytes).fill(POISON_BYTE, 0, bytes);
    larger.set(this.#storage, bytes);
    this.#storage = larger;
    this.#start += bytes;
    this.#end += bytes;
  }
}
