// What a tap on all wires says of the director: which packets came to it, which it sent, and whether they were right.

import assert from "node:assert/strict";
import { dissect, type Ip } from "#lab/dissect.js";
import { describeFrame } from "#lab/describe.js";
import type { WireFrame } from "#lab/tap.js";
import { frameProblems } from "#lab/verify.js";

/** Every frame on every wire is one that its receiver accepts: lengths agree, checksums are right, inner ones too. */
export function assertAllRight(frames: readonly WireFrame[]): void {
  const problems = frames.flatMap((frame) => frameProblems(frame).map((problem) => `${frame.host}.${frame.interface} ${frame.direction}: ${describeFrame(frame.bytes)}: ${problem}`));
  assert.deepEqual(problems, []);
}

/** IP packets that crossed a host's wires. */
export function packetsAt(frames: readonly WireFrame[], host: string, direction?: "in" | "out"): Ip[] {
  return frames.filter((frame) => frame.host === host && (direction === undefined || frame.direction === direction))
    .flatMap((frame) => dissect(frame.bytes).ip ?? []);
}

/** Through all tunnels. */
export const innermost = (ip: Ip): Ip => (ip.inner === undefined ? ip : innermost(ip.inner));
