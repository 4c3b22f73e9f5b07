// All that a director is configured with, as one text, to see whether it changed.

import type { Director } from "#model/director.js";

export function stateOf(director: Director): string {
  const state = [director.services(), director.timeouts(), director.sysctls(), director.markRules(), director.syncDaemons?.()];
  return JSON.stringify(state, (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}
