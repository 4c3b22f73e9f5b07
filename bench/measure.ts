// A visit to a case: its connections are made, then every program is run on its packets, in turns.

import type { TestRunResult } from "#kernel/test-run.js";
import { encodeInto } from "#layout/codec.js";
import { XDP_TX } from "#prelude/packet.js";
import type { Bed, Subject } from "./bed.js";
import { SUBJECTS } from "./bed.js";
import type { Case, Method } from "./cases.js";
import { frameOf } from "./cases.js";
import { median } from "./statistics.js";
import { Course, Frame, LAP_SHIFT, Lap, STINT_SHIFT, courses, laps } from "./wrapper.js";

/** Nanoseconds a packet of each program in one round of a case, the wrapper's time included. */
export type Round = { readonly [subject in Subject]?: number };

/** In a visit. In a round, every program has one stint. */
const ROUNDS = 15;
const STINT_LAPS = 1 << STINT_SHIFT;
/** The first laps of a stint do not count. */
const WARMING_LAPS = 2;

/** All programs on one case, in turns. */
export function visit(bed: Bed, one: Case): readonly Round[] {
  prepare(bed, one);
  run(bed, "all", { ...one, stride: one.packets === "new" ? 1 : scatteringStride(one.flows), repeat: ((ROUNDS * SUBJECTS.length * STINT_LAPS) << LAP_SHIFT) + 1 });
  const times = lapTimes(bed);
  return Array.from({ length: ROUNDS }, (_, round) =>
    Object.fromEntries(bed.subjects.map((subject) => [subject, stintTime(times, round * SUBJECTS.length + SUBJECTS.indexOf(subject))])));
}

/** Connections that come and go before anything is measured: half of what the kernel's hash map has room for. */
const AGING_CONNECTIONS = 2 ** 17;

/**
 * Makes a new bed's maps those of a director that has run for a while. The kernel hands out a new hash map's entries one
 * beside the other, all in a few pages; later from wherever one became free.
 */
export function age(bed: Bed): void {
  for (const subject of bed.subjects) run(bed, subject, { method: "dr", packets: "syn", flows: AGING_CONNECTIONS, repeat: AGING_CONNECTIONS });
  bed.forgetConnections();
}

/** The connections that `one` meets are there, for every program. */
function prepare(bed: Bed, { method, packets, flows }: Case): void {
  bed.forgetConnections();
  if (packets === "new") return;
  for (const subject of bed.subjects) {
    run(bed, subject, { method, packets: "syn", flows, repeat: flows });
    run(bed, subject, { method, packets: "hit", flows, repeat: flows });
  }
  if (packets === "answer") bed.giveClientHops();
}

export interface Packets {
  readonly method: Method;
  readonly packets: Case["packets"] | "syn";
  readonly flows: number;
  /** From a packet's flow to the next one's; 1 when nothing is said. */
  readonly stride?: number;
  readonly repeat: number;
}

/**
 * Packets come in another order than that in which the connections began: in the same, they would meet the kernel's hash
 * entries one behind the other, as it hands them out, and the processor would fetch the next before it is asked for. Near
 * the golden section, and without a factor in common with `flows`, so that all come in turn.
 */
export function scatteringStride(flows: number): number {
  let stride = Math.round(flows * 0.618);
  while (commonFactor(stride, flows) !== 1) stride++;
  return stride;
}

const commonFactor = (a: number, b: number): number => (b === 0 ? a : commonFactor(b, a % b));

/** By one program, or by all in turns. Throws when the last packet was not sent on its way. */
export function run(bed: Bed, subject: Subject | "all", { method, packets, flows, stride = 1, repeat }: Packets): TestRunResult {
  const course = bed.table(courses);
  course.fill(0);
  encodeInto(Course, {
    frame: frameOf(method, packets), flows, stride, fromServer: packets === "answer" ? 1 : 0,
    ...(subject === "all" ? { first: 0, others: SUBJECTS.length - 1 } : { first: SUBJECTS.indexOf(subject), others: 0 }),
  }, course);
  const result = bed.wrapper.testRun({ data: new Uint8Array(Frame.size), repeat });
  if (result.returnValue !== XDP_TX) throw new Error(`Cannot measure "${subject}" by ${method}: it returned ${result.returnValue} where XDP_TX (${XDP_TX}) is expected`);
  return result;
}

/** Nanoseconds a packet in each lap. */
function lapTimes(bed: Bed): readonly number[] {
  const bytes = bed.table(laps);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (lap: number) => view.getBigUint64(lap * Lap.size, true);
  return Array.from({ length: ROUNDS * SUBJECTS.length * STINT_LAPS }, (_, lap) => Number(at(lap + 1) - at(lap)) / (1 << LAP_SHIFT));
}

function stintTime(times: readonly number[], stint: number): number {
  return median(times.slice(stint * STINT_LAPS + WARMING_LAPS, (stint + 1) * STINT_LAPS));
}
