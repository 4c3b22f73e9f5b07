// The names of a scheduler's flags (-b). The first two mean something to sh and mh, and go by their meaning there.

import { fail } from "./exit.js";

type Flags = ReadonlyMap<string, number>;

const COMMON: Flags = new Map([["flag-1", 1], ["flag-2", 2], ["flag-3", 4]]);
const OF_SCHEDULER: ReadonlyMap<string, Flags> = new Map([
  ["sh", new Map([["sh-fallback", 1], ["sh-port", 2]])],
  ["mh", new Map([["mh-fallback", 1], ["mh-port", 2]])],
]);

/** LVS differs: on commas alone the real one ends with a segmentation fault; here they are no flags. */
export function parseSchedulerFlags(text: string, scheduler: string): number {
  let flags = 0;
  for (const name of text.split(",").filter((part) => part !== "")) flags |= COMMON.get(name) ?? ownFlag(name, scheduler);
  return flags;
}

function ownFlag(name: string, scheduler: string): number {
  for (const [owner, flags] of OF_SCHEDULER) {
    const bit = flags.get(name);
    if (bit !== undefined) return owner === scheduler ? bit : fail(`incompatible scheduler flag \`${name}'`);
  }
  return fail(`invalid scheduler flag \`${name}'`);
}

/** The third bit has no name with sh and mh. */
export function formatSchedulerFlags(flags: number, scheduler: string): string {
  return [...(OF_SCHEDULER.get(scheduler) ?? COMMON)].filter(([, bit]) => flags & bit).map(([name]) => name).join(",");
}
