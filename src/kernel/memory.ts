// mmap(2) of a kernel object: its memory as bytes, in place. What the kernel writes is seen at once, and the other way round.

import { errno, libc, memoryAt } from "./ffi.js";
import { systemError } from "./errors.js";

/** Linux include/uapi/asm-generic/mman-common.h, mman.h. */
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** Linux libc: glibc bits/confname.h and musl unistd.h agree. */
const SC_PAGESIZE = 30;

interface Region {
  readonly address: bigint;
  readonly length: number;
}

// An ArrayBuffer over foreign memory cannot be detached, and the address must stay valid as long as it lives.
const unmapWhenCollected = new FinalizationRegistry<Region>(({ address, length }) => libc().munmap(address, length));

export class MappedMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #region: Region;

  private constructor(region: Region) {
    this.#region = region;
    const buffer = memoryAt(region.address, region.length);
    unmapWhenCollected.register(buffer, region);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** `offset`: a multiple of the page size. */
  static map(fd: number, length: number, options: { readonly offset?: number; readonly writable: boolean; readonly attempted: string }): MappedMemory {
    const protection = options.writable ? PROT_READ | PROT_WRITE : PROT_READ;
    const address = libc().mmap(null, length, protection, MAP_SHARED, fd, options.offset ?? 0);
    if (address === MAP_FAILED) throw systemError("mmap", errno(), options.attempted);
    return new MappedMemory({ address, length });
  }

  /**
   * Lets the kernel object go. Empty memory takes its place, so that who still holds the bytes reads zeros, where
   * unmapped memory would end the process; the addresses are given back when nobody holds them.
   */
  close(): void {
    const { address, length } = this.#region;
    libc().mmap(address, length, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
}

export function pageBytes(): number {
  return libc().sysconf(SC_PAGESIZE);
}
