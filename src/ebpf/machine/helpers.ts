// The kernel's helper functions as the machine has them, by number. A helper gives R0: a number (sign-extended), a
// bigint, the address of a region, or nothing (0).

import { helperId } from "../helper-names.js";
import type { ProgramType } from "../spec.js";
import type { Execution } from "./execution.js";
import { controlHelpers } from "./helpers/control.js";
import { mapHelpers } from "./helpers/map.js";
import { cloneHelpers, redirectHelpers } from "./helpers/redirect.js";
import { ringBufferHelpers } from "./helpers/ring-buffer.js";
import { checksumHelpers, skbChecksumHelpers } from "./helpers/checksum.js";
import { skbHelpers } from "./helpers/skb.js";
import { timeHelpers } from "./helpers/time.js";
import { xdpHelpers } from "./helpers/xdp.js";
import type { Region } from "./memory.js";

export type HelperFunction = (x: Execution) => number | bigint | Region | void;
export type HelperFunctions = { readonly [name: string]: HelperFunction };

export interface MachineHelper {
  readonly name: string;
  readonly call: HelperFunction;
  /** The kinds of programs that have it. */
  readonly programs: readonly ProgramType[];
}

const all: readonly ProgramType[] = ["xdp", "tc", "socket", "syscall"];

export const helpers: readonly (MachineHelper | undefined)[] = numbered([
  [all, mapHelpers], [all, ringBufferHelpers], [all, timeHelpers], [all, controlHelpers],
  [["tc"], skbHelpers], [["tc"], skbChecksumHelpers], [["tc"], cloneHelpers], [["xdp"], xdpHelpers], [["xdp", "tc"], checksumHelpers], [["xdp", "tc"], redirectHelpers],
]);

function numbered(groups: readonly (readonly [readonly ProgramType[], HelperFunctions])[]): readonly (MachineHelper | undefined)[] {
  const byNumber: (MachineHelper | undefined)[] = [];
  for (const [programs, functions] of groups) {
    for (const [name, call] of Object.entries(functions)) byNumber[helperId(name)] = { name, call, programs };
  }
  return byNumber;
}
