// Captures, in the namespace of the process that starts them: every frame with its time, its interface and its direction.
// Frames are kept by the kernel and read at the end, so capturing costs the traffic little and loses nothing unnoticed.

import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { LabError } from "./errors.js";
import { PacketRing } from "./sockets.js";

export interface Frame {
  readonly timeNanoseconds: bigint;
  readonly interface: string;
  /** "out": sent by this namespace. */
  readonly direction: "in" | "out";
  /** From the Ethernet header on; shorter than `length` when over the capture's frameBytes. */
  readonly bytes: Uint8Array;
  /** On the wire. More than the MTU allows: a super-packet (GSO) that was never cut into frames. */
  readonly length: number;
  /** The sender left the TCP or UDP checksum to its network card (CHECKSUM_PARTIAL), and a veth has none. */
  readonly checksumPartial: boolean;
}

export interface CaptureOptions {
  /** All of the namespace's when not given. */
  readonly interface?: string;
  /** A power of two; what is longer is cut. Default 2048: whole frames at an MTU of 1500. */
  readonly frameBytes?: number;
  /** Default 4096. What comes after is counted as lost. */
  readonly framesMax?: number;
}

export interface CaptureResult {
  readonly frames: readonly Frame[];
  /** Frames that found the capture full. */
  readonly lost: number;
}

/** Linux include/uapi/linux/if_packet.h. */
const PACKET_OUTGOING = 4;
const TP_STATUS_CSUMNOTREADY = 1 << 3;

/** What is on its way when a capture stops still arrives: the far end of a connection being closed, mostly. */
const SETTLE_MILLISECONDS = 30;

export class Capture {
  readonly #names: ReadonlyMap<number, string>;
  readonly #ring: PacketRing;

  constructor(options: CaptureOptions = {}) {
    this.#names = interfaceNames();
    const ifindex = options.interface === undefined ? 0 : indexOf(this.#names, options.interface);
    this.#ring = new PacketRing({ ifindex, slotBytes: options.frameBytes ?? 2048, slots: options.framesMax ?? 4096 });
  }

  async stop(): Promise<CaptureResult> {
    await delay(SETTLE_MILLISECONDS);
    const { packets, lost } = this.#ring.finish();
    const frames = packets.map((packet): Frame => ({
      timeNanoseconds: packet.timeNanoseconds,
      interface: this.#names.get(packet.ifindex) ?? `interface ${packet.ifindex}`,
      direction: packet.packetType === PACKET_OUTGOING ? "out" : "in",
      bytes: packet.bytes,
      length: packet.length,
      checksumPartial: (packet.status & TP_STATUS_CSUMNOTREADY) !== 0,
    }));
    return { frames, lost };
  }
}

/** By index, as sysfs of this namespace tells (`ip netns exec` mounts it). */
function interfaceNames(): ReadonlyMap<number, string> {
  const folder = "/sys/class/net";
  return new Map(readdirSync(folder).map((name) => [Number(readFileSync(`${folder}/${name}/ifindex`, "utf8")), name]));
}

function indexOf(names: ReadonlyMap<number, string>, wanted: string): number {
  for (const [index, name] of names) if (name === wanted) return index;
  throw new LabError("SOCKET_FAILED", `Cannot capture at ${wanted}: this namespace has only ${[...names.values()].join(", ")}`);
}
