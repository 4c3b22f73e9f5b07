// The ways out of the data plane. Every packet takes exactly one; those that forward are counted with their
// destination, all others here, by name.

import type { i32, u32 } from "#layout/numbers.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { TC_ACT_SHOT, TC_ACT_UNSPEC, XDP_DROP, XDP_PASS } from "#prelude/packet.js";
import { HOOK, XDP } from "./config.js";
import { VERDICTS_MAX, verdicts } from "./maps.js";

/** Names and meanings; the number is the counter's place. `weir status` and docs/verdicts.md show this list. */
export const Verdict = {
  notIpv4: 0,
  truncated: 1,
  fragment: 2,
  otherProtocol: 3,
  notOurs: 4,
  noServiceOnPort: 5,
  notASyn: 6,
  noDestination: 7,
  destinationRemoved: 8,
  tableFull: 9,
  ttlExceeded: 10,
  tooBig: 11,
  noRoute: 12,
  neighbourAsked: 13,
  answerTtlExceeded: 14,
  rewriteFailed: 15,
  otherHost: 16,
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
