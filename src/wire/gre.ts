// RFC 2784: Generic Routing Encapsulation.

import { Be16, be16 } from "#layout/numbers.js";
import type { View } from "#layout/struct.js";
import { struct } from "#layout/struct.js";
import { EtherType } from "./ethernet.js";

/** 4 bytes; GreChecksum follows if the flag says so. */
export const Gre = struct("Gre", {
  flagsAndVersion: Be16,
  /** What is inside. */
  protocol: EtherType,
}, { size: 4 });
export type Gre = View<typeof Gre>;

/** 4 bytes. Of the GRE header and all that is inside. */
export const GreChecksum = struct("GreChecksum", { checksum: Be16, reserved: Be16 }, { size: 4 });

/** Of flagsAndVersion: no checksum, version 0; a checksum is there. */
export const GRE_PLAIN = be16(0);
export const GRE_CSUM = be16(0x8000);
