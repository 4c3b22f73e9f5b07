// What stands around a program under test, in kernel TypeScript. BPF_PROG_TEST_RUN does not restore the packet between its
// repeats; so the program that it repeats is `wrapper`, which makes the packet anew, for the next of so many flows, and
// tail-calls the program under test. Every so many packets it writes down the time: a lap. A lap that an interrupt or
// another process fell into is an outlier among its many fellows, where an average over the run would carry it.

import type { i32, u32 } from "#layout/numbers.js";
import { be16, be32, i32 as I32, u16 as U16, u32 as U32, u64 as U64, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { bpf_ktime_get_ns, bpf_tail_call, bpf_xdp_adjust_head } from "#prelude/helpers.js";
import { unlikely } from "#prelude/intrinsics.js";
import { programArray, table } from "#prelude/maps.js";
import type { Packet } from "#prelude/packet.js";
import { XDP_ABORTED, XDP_TX } from "#prelude/packet.js";
import { Ethernet } from "#wire/ethernet.js";
import { Ipv4 } from "#wire/ipv4.js";
import { Tcp } from "#wire/tcp.js";

/** The smallest frame: 64 bytes. */
export const Frame = struct("Frame", { ethernet: Ethernet, ip: Ipv4, tcp: Tcp, payload: array(u8, 10) }, { size: 64, packed: true });
export type Frame = View<typeof Frame>;
const FRAME_BYTES: u32 = Frame.size;

/** Which packets come next. */
export const Course = struct("Course", {
  /** The next packet. */
  frame: Frame,
  /** Its flow, and how many there are. */
  flow: U32,
  flows: U32,
  /** Packets since the beginning. */
  turn: U32,
  /** 1: from a real server to the clients. */
  fromServer: U32,
}, { size: 80 });
type Course = View<typeof Course>;
export const courses = table("courses", Course, 1);

/** Packets of a lap, as a power of two. */
export const LAP_SHIFT = 10;
export const LAPS_MAX = 1024;
export const Lap = struct("Lap", { nanoseconds: U64 });
export const laps = table("laps", Lap, LAPS_MAX);

/** Two MAC addresses as numbers, so that they can change places. */
export const Macs = struct("Macs", { destinationLow: U32, destinationHigh: U16, sourceLow: U32, sourceHigh: U16 }, { size: 12, packed: true });

/** The program under test. */
export const target = programArray("target", 1);

/** The client of flow 0; of sixteen flows each, the next clients. */
export const CLIENTS: u32 = 0x0a030000;
export const CLIENT_PORTS: u32 = 32768;

export function wrapper(packet: Packet): i32 {
  const course = courses.at(0);
  const turn = course.turn;
  course.turn = turn + 1;
  if (unlikely((turn & ((1 << LAP_SHIFT) - 1)) === 0)) laps.at(turn >>> LAP_SHIFT).nanoseconds = bpf_ktime_get_ns();

  // A tunnel's outer header comes off again. Called for every packet, so that it costs every program the same.
  bpf_xdp_adjust_head(packet, I32(packet.length) - I32(FRAME_BYTES));
  const frame = packet.view(Frame, 0);
  if (frame === null) return XDP_ABORTED;
  restore(frame, course);
  advance(course);
  bpf_tail_call(packet, target, 0);
  return XDP_ABORTED;
}

/** Copied whole: a header written in parts just before would stall who reads two of them at once. */
function restore(frame: Frame, course: Course): void {
  frame.ethernet = course.frame.ethernet;
  frame.ip = course.frame.ip;
  frame.tcp = course.frame.tcp;
}

/** Makes `course.frame` the next packet; its checksums stay those of flow 0, as nobody on the way verifies them. */
function advance(course: Course): void {
  const flow = course.flow + 1 === course.flows ? 0 : course.flow + 1;
  course.flow = flow;
  const address = be32(CLIENTS + (flow >>> 4));
  const port = be16(CLIENT_PORTS + (flow & 0x0f));
  if (course.fromServer !== 0) {
    course.frame.ip.destination = address;
    course.frame.tcp.destination = port;
  } else {
    course.frame.ip.source = address;
    course.frame.tcp.source = port;
  }
}

/** Under test: nothing at all. What this takes is the wrapper's own time. */
export function nothing(_packet: Packet): i32 {
  return XDP_TX;
}

/** Under test: a frame sent back to where it came from. */
export function swap(packet: Packet): i32 {
  const ethernet = packet.view(Macs, 0);
  if (ethernet === null) return XDP_ABORTED;
  const low = ethernet.destinationLow;
  const high = ethernet.destinationHigh;
  ethernet.destinationLow = ethernet.sourceLow;
  ethernet.destinationHigh = ethernet.sourceHigh;
  ethernet.sourceLow = low;
  ethernet.sourceHigh = high;
  return XDP_TX;
}
