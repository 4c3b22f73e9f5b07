// What a packet's first fragment leaves for the others, which have no ports (fragments.ts).

import type { u32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { bpf_get_smp_processor_id } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import { IPPROTO_IP } from "#wire/ipv4.js";
import { hasPassed, ticksOf } from "./clock.js";
import { FAMILY, IPV6 } from "./config.js";
import type { Flow } from "./flow.js";
import { FragmentKey, FragmentNote, fragmentNotes, handovers } from "./maps.js";
import { NO_DESTINATION } from "./member.js";

/** How long the kernel waits for the rest of a packet: Linux include/net/ip.h, IP_FRAG_TIME; include/net/ipv6.h, IPV6_FRAG_TIMEOUT. */
const SECONDS = 30;
const SECONDS_IPV6 = 60;

/** What the fragments of a packet have in common. */
export function keyOf(flow: Flow): View<typeof FragmentKey> {
  const key = make(FragmentKey, { identification: flow.identification, protocol: FAMILY === IPV6 ? IPPROTO_IP : flow.protocol, family: FAMILY });
  key.source = flow.source;
  key.destination = flow.destination;
  return key;
}

/** `flow`: with the ports and the protocol that connections are found by. An older packet's note by the same key is none any more. */
export function leaveNote(key: View<typeof FragmentKey>, flow: Flow, now: u32): void {
  const note = make(FragmentNote, {
    sourcePort: flow.sourcePort, destinationPort: flow.destinationPort, protocol: flow.protocol, destination: NO_DESTINATION,
    until: now + ticksOf(FAMILY === IPV6 ? SECONDS_IPV6 : SECONDS),
  });
  fragmentNotes.update(key, note, 0n);
}

/** Null when there is none, or none any more. */
export function noteOf(flow: Flow, now: u32): View<typeof FragmentNote> | null {
  const note = fragmentNotes.lookup(keyOf(flow));
  return note === null || hasPassed(note.until, now) ? null : note;
}

/** Of the first fragment at hand, whose packet is scheduled for itself alone: the others find no connection. */
export function noteDestination(destination: u32): void {
  const note = fragmentNotes.lookup(handovers.at(bpf_get_smp_processor_id()).fragment);
  if (note !== null) note.destination = destination;
}
