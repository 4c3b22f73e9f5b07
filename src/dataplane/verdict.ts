// The ways out of the data plane. Every packet takes exactly one; those that forward are counted with their
// destination, all others here, by name.

import type { i32, u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { TC_ACT_SHOT, TC_ACT_UNSPEC, XDP_DROP, XDP_PASS } from "#prelude/packet.js";
import { HOOK, XDP } from "./config.js";
import { VERDICTS_MAX, verdicts } from "./maps.js";

/** The number is the counter's place; docs/verdicts.md says what each means, and `weir status` shows those that were taken. */
export const Verdict = {
  notIp: 0,
  truncated: 1,
  fragment: 2,
  otherProtocol: 3,
  notOurs: 4,
  notASyn: 5,
  noDestination: 6,
  destinationRemoved: 7,
  tableFull: 8,
  ttlExceeded: 9,
  tooBig: 10,
  noRoute: 11,
  answerTtlExceeded: 12,
  rewriteFailed: 13,
  otherHost: 14,
  answerTooBig: 15,
  dropPacket: 16,
  bypassed: 17,
  notAnnounced: 18,
  noCall: 19,
  noConnection: 20,
  cameAgain: 21,
} as const;

/** To the kernel's own stack, untouched. */
export function pass(verdict: u32): i32 {
  count(verdict);
  return HOOK === XDP ? XDP_PASS : TC_ACT_UNSPEC;
}

export function drop(verdict: u32): i32 {
  count(verdict);
  return HOOK === XDP ? XDP_DROP : TC_ACT_SHOT;
}

export function count(verdict: u32): void {
  verdicts.at(bpf_get_smp_processor_id() * VERDICTS_MAX + verdict).packets += 1n;
}
