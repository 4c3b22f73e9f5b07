// The kernel's helper functions as the machine has them, by number. A helper gives R0: a number (sign-extended), a
// bigint, the address of a region, or nothing (0).

import { helperId } from "../helper-names.js";
import type { Execution } from "./execution.js";
import { controlHelpers } from "./helpers/control.js";
import { mapHelpers } from "./helpers/map.js";
import { redirectHelpers } from "./helpers/redirect.js";
import { ringBufferHelpers } from "./helpers/ring-buffer.js";
import { checksumHelpers } from "./helpers/skb-checksum.js";
import { skbHelpers } from "./helpers/skb.js";
import { timeHelpers } from "./helpers/time.js";
import { xdpHelpers } from "./helpers/xdp.js";
import type { Region } from "./memory.js";

export type HelperFunction = (x: Execution) => number | bigint | Region | void;
export type HelperFunctions = { readonly [name: string]: HelperFunction };

export const helpers: readonly (HelperFunction | undefined)[] = numbered({
  ...mapHelpers, ...ringBufferHelpers, ...timeHelpers, ...controlHelpers, ...skbHelpers, ...checksumHelpers, ...xdpHelpers, ...redirectHelpers,
});

function numbered(functions: HelperFunctions): readonly (HelperFunction | undefined)[] {
  const byNumber: (HelperFunction | undefined)[] = [];
  for (const [name, helper] of Object.entries(functions)) byNumber[helperId(name)] = helper;
  return byNumber;
}
