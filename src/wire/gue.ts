// Generic UDP Encapsulation, draft-ietf-intarea-gue-09 section 3.1: the header between UDP's and the packet inside.

import { Be16, u8 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { IpProtocol } from "./ipv4.js";

/** 4 bytes, and optional fields behind them. */
export const Gue = struct("Gue", {
  /** Two bits of version, one that tells control messages from data, five of the optional fields' length in 32-bit words. */
  versionAndLength: u8,
  /** What is inside: IPPROTO_IPIP or IPPROTO_IPV6. */
  protocol: IpProtocol,
  flags: Be16,
}, { size: 4 });
export type Gue = View<typeof Gue>;

/** Version 0, data, no optional fields. */
export const GUE_PLAIN = 0;
export const GUE_LENGTH_MASK = 0x1f;
