// A packet's firewall mark, by which services may be known: the one that it came with (TC; netfilter's come by the way of
// marked.ts), or else the one that weir's own rules give it. The first rule that agrees decides.

import type { i64, u32 } from "#layout/numbers.js";
import { Be16, host16, u32 as U32 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { bpf_loop } from "#prelude/helpers.js";
import { make } from "#prelude/intrinsics.js";
import type { Packet } from "#prelude/packet.js";
import { Address } from "#wire/address.js";
import { IPPROTO_IP, IpProtocol } from "#wire/ipv4.js";
import { isSame, masked } from "./address.js";
import { FAMILY, HOOK, XDP } from "./config.js";
import type { Ends, Flow } from "./flow.js";
import { endsOf } from "./flow.js";
import type { MarkRule } from "./maps.js";
import { MARK_RULES_MAX, markRules, settings } from "./maps.js";

/** 0: none. */
export function markOf(packet: Packet, flow: Flow): u32 {
  if (HOOK !== XDP && packet.mark !== 0) return packet.mark;
  return classify(endsOf(flow));
}

/** A walk along the rules: what is held against them, and the mark of the one that agreed. */
export const MarkWalk = struct("MarkWalk", {
  source: Address, destination: Address, sourcePort: Be16, destinationPort: Be16, protocol: IpProtocol, rulesAt: U32, mark: U32,
});
type MarkWalk = View<typeof MarkWalk>;

function classify(ends: Ends): u32 {
  "use subprogram";
  const walk = make(MarkWalk, { sourcePort: ends.clientPort, destinationPort: ends.virtualPort, protocol: ends.protocol, rulesAt: settings.at(0).markRulesAt });
  walk.source = ends.client;
  walk.destination = ends.virtual;
  bpf_loop(MARK_RULES_MAX, compare, walk, 0n);
  return walk.mark;
}

function compare(place: u32, walk: MarkWalk): i64 {
  const rule = markRules.at(walk.rulesAt + place);
  if (rule.mark === 0) return 1n;
  if (!agrees(rule, walk)) return 0n;
  walk.mark = rule.mark;
  return 1n;
}

function agrees(rule: MarkRule, walk: MarkWalk): boolean {
  return rule.family === FAMILY && (rule.protocol === IPPROTO_IP || rule.protocol === walk.protocol)
    && isSame(masked(walk.source, rule.sourceMask), rule.source) && isSame(masked(walk.destination, rule.destinationMask), rule.destination)
    && host16(walk.sourcePort) >= rule.sourcePorts[0] && host16(walk.sourcePort) <= rule.sourcePorts[1]
    && host16(walk.destinationPort) >= rule.destinationPorts[0] && host16(walk.destinationPort) <= rule.destinationPorts[1];
}
