// How many checks this process makes at once.

import { readFileSync } from "node:fs";

/** Enough for 400 servers a second that say nothing for ten seconds; the sockets of so many take some 50 MB. */
const CHECKS_MAX = 4096;
/** Of programs: each is a process. */
export const PROGRAMS_AT_ONCE_MAX = 128;
/** For maps, the API and its clients, and the pipes of programs. */
const RESERVED = 1024;

/** By the limit of file descriptors, of which each check has one. */
export function checksAtOnceMax(limits: string = readFileSync("/proc/self/limits", "utf8")): number {
  const [, soft = "unlimited"] = /^Max open files +(\S+)/m.exec(limits) ?? [];
  if (soft === "unlimited") return CHECKS_MAX;
  const limit = Number(soft);
  return Math.max(16, Math.min(CHECKS_MAX, limit - Math.min(RESERVED, Math.ceil(limit / 2))));
}
