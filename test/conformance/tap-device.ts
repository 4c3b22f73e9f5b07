// A network interface whose cable is this process: what is written to it comes in, what goes out is read from it.

import { closeSync, openSync, readSync, writeSync, constants } from "node:fs";
import { errnoName } from "#kernel/errno.js";
import { errno, libc } from "#kernel/ffi.js";

/** Linux include/uapi/linux/if_tun.h, if.h. */
const TUNSETIFF = 0x4004_54ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFNAMSIZ = 16;
/** struct ifreq: the name, then a union of 24 bytes. */
const IFREQ_BYTES = 40;

/** More than any frame here. */
const FRAME_BYTES_MAX = 16384;

export class TapDevice {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(FRAME_BYTES_MAX);

  /** Makes it in the network namespace that the calling thread is in; it is gone with close(). */
  constructor(readonly name: string) {
    this.#fd = openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK);
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(name, 0, IFNAMSIZ - 1, "latin1");
    request.writeUInt16LE(IFF_TAP | IFF_NO_PI, IFNAMSIZ);
    if (libc().ioctl(this.#fd, TUNSETIFF, request) < 0) throw new Error(`Cannot make the tap device ${name}: ${errnoName(errno())}`);
  }

  /** Linux v6.1 drivers/net/tun.c, tun_rx_batched(): when this returns, the stack is through with the frame. */
  write(frame: Uint8Array): void {
    writeSync(this.#fd, frame);
  }

  /** The next frame that went out; undefined when there is none. */
  read(): Uint8Array | undefined {
    try {
      const length = readSync(this.#fd, this.#buffer);
      return Uint8Array.from(this.#buffer.subarray(0, length));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
