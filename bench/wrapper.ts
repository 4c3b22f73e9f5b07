// What stands around a program under test, in kernel TypeScript. BPF_PROG_TEST_RUN does not restore the packet between its
// repeats; so the program that it repeats is `wrapper`, which makes the packet anew, for the next of so many flows, and
// tail-calls the program under test. Every so many packets it writes down the time: that was a lap. After some laps it is
// another program's turn. What slows the machine down for a while (a neighbour on the same core, above all) so meets all
// programs alike, and a lap that an interrupt fell into is an outlier, where an average over a run would carry it.

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

/** Which packets come next, and for whom. */
export const Course = struct("Course", {
  /** The next packet. */
  frame: Frame,
  /** Its flow, how many there are, and how far it is to the next one. */
  flow: U32,
  flows: U32,
  stride: U32,
  /** 1: from a real server to the clients. */
  fromServer: U32,
  /** Packets since the beginning. */
  count: U32,
  /** The program of stint n is number `first` + (n & `others`). */
  first: U32,
  others: U32,
  spare: U32,
}, { size: 96 });
type Course = View<typeof Course>;
export const courses = table("courses", Course, 1);

/** Packets of a lap, as a power of two. */
export const LAP_SHIFT = 10;
/** Laps of one program on end, as a power of two: a lap or two bring its data into caches and TLBs, the others count. */
export const STINT_SHIFT = 3;
export const LAPS_MAX = 512;
export const Lap = struct("Lap", { nanoseconds: U64 });
export const laps = table("laps", Lap, LAPS_MAX);

/** Two MAC addresses as numbers, so that they can change places. */
export const Macs = struct("Macs", { destinationLow: U32, destinationHigh: U16, sourceLow: U32, sourceHigh: U16 }, { size: 12, packed: true });

/** The programs under test. */
export const targets = programArray("targets", 4);

/** The client of flow 0; of sixteen flows each, the next clients. */
export const CLIENTS: u32 = 0x0a030000;
export const CLIENT_PORTS: u32 = 32768;

export function wrapper(packet: Packet): i32 {
  const course = courses.at(0);
  const count = course.count;
  const lap = count >>> LAP_SHIFT;
  course.count = count + 1;
  if (unlikely((count & ((1 << LAP_SHIFT) - 1)) === 0)) laps.at(lap).nanoseconds = bpf_ktime_get_ns();

  // A tunnel's outer header comes off again. Called for every packet, so that it costs every program the same.
  bpf_xdp_adjust_head(packet, I32(packet.length) - I32(FRAME_BYTES));
  const frame = packet.view(Frame, 0);
  if (frame === null) return XDP_ABORTED;
  restore(frame, course);
  advance(course);
  hand(packet, course.first + ((lap >>> STINT_SHIFT) & course.others));
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
  const next = course.flow + course.stride;
  const flow = next >= course.flows ? next - course.flows : next;
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

/** With a constant index each: the kernel makes such a tail call a plain jump. Two comparisons for every program. */
function hand(packet: Packet, program: u32): void {
  if ((program & 2) === 0) {
    if ((program & 1) === 0) bpf_tail_call(packet, targets, 0);
    else bpf_tail_call(packet, targets, 1);
  } else {
    if ((program & 1) === 0) bpf_tail_call(packet, targets, 2);
    else bpf_tail_call(packet, targets, 3);
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
