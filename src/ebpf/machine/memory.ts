// The machine's memory: regions (the packet, the stack's frames, map values …) at made-up addresses. An address is a
// region's number in the upper 32 bits and ORIGIN plus an offset in the lower, so pointer arithmetic stays inside the
// lower half and one that leaves its region is caught.

import { Fault } from "./errors.js";

/** Where each region begins in the lower half of an address: offsets of up to 2^30 before and after it are told apart. */
export const ORIGIN = 0x4000_0000;

/** A function's address: its number among the program's instructions is in the lower half. */
export const CODE_REGION = 0x7fff_ffff;

export interface Region {
  /** As messages name it: "the packet", "a value of map services". */
  readonly name: string;
  /** The memory that the region is part of. */
  readonly view: DataView;
  /** The region's first byte in `view`. */
  readonly base: number;
  readonly size: number;
  readonly writable: boolean;
  /** The region's number, while it has one. */
  id: number;
}

export function createRegion(name: string, bytes: Uint8Array, options: { readonly writable?: boolean } = {}): Region {
  return {
    name, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), base: 0, size: bytes.length,
    writable: options.writable ?? true, id: 0,
  };
}

/** What takes the place of a region that is no more. */
export function createGrave(name: string): Region {
  return { ...createRegion(name, new Uint8Array()), size: -1 };
}

/** A run's frames and packets get regions that vanish with it; maps keep theirs. */
export class Memory {
  /** Number 0 is never a region: a null pointer points nowhere. */
  readonly #regions: (Region | undefined)[] = [undefined];
  /** What at() found, for the access that follows. */
  view: DataView = new DataView(new ArrayBuffer(0));
  region: Region | undefined;

  /** The region's number, given now if it has none. */
  idOf(region: Region): number {
    if (this.#regions[region.id] !== region) {
      region.id = this.#regions.length;
      this.#regions.push(region);
    }
    return region.id;
  }

  /** From now on every access through the region's addresses is a fault, which names the grave. */
  retire(region: Region, grave: Region): void {
    if (this.#regions[region.id] === region) this.#regions[region.id] = grave;
  }

  /** Regions added after mark() vanish with release(). */
  mark(): number {
    return this.#regions.length;
  }
  release(mark: number): void {
    this.#regions.length = mark;
  }

  /** Finds `bytes` at an address; gives the position in `view`, which it sets. */
  at(high: number, low: number, bytes: number, write: boolean): number {
    const region = this.#regions[high];
    const offset = low - ORIGIN;
    if (region === undefined || offset < 0 || offset + bytes > region.size) throw outside(region, offset, bytes, write, high, low);
    if (write && !region.writable) throw new Fault(`writes to ${region.name}, which is read only`);
    this.region = region;
    this.view = region.view;
    return region.base + offset;
  }

  /** The bytes themselves, in place. */
  bytes(high: number, low: number, bytes: number, write: boolean): Uint8Array {
    const at = this.at(high, low, bytes, write);
    return new Uint8Array(this.view.buffer, this.view.byteOffset + at, bytes);
  }

  /** The region that an address is in, wherever in it. */
  regionAt(high: number): Region | undefined {
    return this.#regions[high];
  }
}

function outside(region: Region | undefined, offset: number, bytes: number, write: boolean, high: number, low: number): Fault {
  const verb = write ? "writes" : "reads";
  const unit = bytes === 1 ? "1 byte" : `${bytes} bytes`;
  if (region === undefined) {
    const address = `0x${((BigInt(high) << 32n) | BigInt(low)).toString(16)}`;
    const isNull = high === 0 && low < 0x1_0000;
    return new Fault(isNull ? `${verb} ${unit} through a null pointer (${address})` : `${verb} ${unit} at ${address}, which is no address`);
  }
  if (region.size < 0) return new Fault(`${verb} ${unit} of ${region.name}`);
  return new Fault(`${verb} ${unit} at ${offset} of ${region.name}, which has ${region.size}`);
}
