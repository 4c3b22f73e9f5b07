// Rules of weir's own that give packets firewall marks (mark.ts).

import { u16, u32, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { array, struct } from "#layout/struct.js";
import { table } from "#prelude/maps.js";
import { Address } from "#wire/address.js";
import { IpProtocol } from "#wire/ipv4.js";
import { MARK_RULES_MAX } from "./limits.js";

/** Packets that get a mark: those that agree with all of it. */
export const MarkRule = struct("MarkRule", {
  source: Address,
  sourceMask: Address,
  destination: Address,
  destinationMask: Address,
  /** From and to, in the host's byte order. */
  sourcePorts: array(u16, 2),
  destinationPorts: array(u16, 2),
  /** 0: the list ends before this. */
  mark: u32,
  /** config.ts, IPV4 or IPV6. */
  family: u8,
  /** 0: any. */
  protocol: IpProtocol,
  padding: u16,
}, { size: 80 });
export type MarkRule = View<typeof MarkRule>;
/** An old and a new list stand side by side, each with an end of its own. */
export const markRules = table("markRules", MarkRule, 2 * (MARK_RULES_MAX + 1));
