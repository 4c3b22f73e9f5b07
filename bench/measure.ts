// One measurement: a program run on the packets of a case, and what a packet took; and a whole round of them.

import type { TestRunResult } from "#kernel/test-run.js";
import { encodeInto } from "#layout/codec.js";
import type { Bed, Subject } from "./bed.js";
import type { Case, Method } from "./cases.js";
import { frameOf } from "./cases.js";
import { median } from "./statistics.js";
import { Course, Frame, LAP_SHIFT, Lap, courses, laps } from "./wrapper.js";

/** Nanoseconds a packet of each program in one round of a case, the wrapper's time included. */
export type Round = { readonly [subject in Subject]?: number };

/** All programs on one case, one after the other, in an order that changes from round to round. */
export function measureRound(bed: Bed, one: Case, number: number): Round {
  const subjects = rotated(bed.subjects, number);
  prepare(bed, one);
  return Object.fromEntries(subjects.map((subject) => [subject, measure(bed, one, subject)]));
}

/** The connections that `one` meets are there, for every program. */
function prepare(bed: Bed, one: Case): void {
  bed.forgetConnections();
  if (one.packets === "new") return;
  for (const subject of bed.subjects) {
    run(bed, subject, { method: one.method, packets: "syn", flows: one.flows, repeat: one.flows });
    run(bed, subject, { method: one.method, packets: "hit", flows: one.flows, repeat: one.flows });
  }
  if (one.packets === "answer") bed.giveClientHops();
}

function measure(bed: Bed, one: Case, subject: Subject): number {
  const { method, packets, flows } = one;
  // The first packets warm the caches.
  if (packets !== "new") run(bed, subject, { method, packets, flows, repeat: Math.min(flows, 1 << LAP_SHIFT) });
  run(bed, subject, { method, packets, flows, repeat: (one.laps << LAP_SHIFT) + 1 });
  return median(lapTimes(bed, one.laps));
}

export interface Packets {
  readonly method: Method;
  readonly packets: Case["packets"] | "syn";
  readonly flows: number;
  readonly repeat: number;
}

/** From flow 0 on. */
export function run(bed: Bed, subject: Subject, { method, packets, flows, repeat }: Packets): TestRunResult {
  const course = bed.table(courses);
  const frame = frameOf(method, packets);
  course.fill(0);
  course.set(frame);
  encodeInto(Course, { flow: 0, flows, fromServer: packets === "answer" ? 1 : 0 }, course);
  return bed.wrapper(subject).testRun({ data: new Uint8Array(Frame.size), repeat });
}

/** Nanoseconds a packet in each lap. */
function lapTimes(bed: Bed, count: number): number[] {
  const bytes = bed.table(laps);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (lap: number) => view.getBigUint64(lap * Lap.size, true);
  return Array.from({ length: count }, (_, lap) => Number(at(lap + 1) - at(lap)) / (1 << LAP_SHIFT));
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
