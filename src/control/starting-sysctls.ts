// The sysctls of a new director on this machine.

import { totalmem } from "node:os";
import type { Sysctls } from "#model/sysctls.js";
import { defaultSysctls } from "#model/sysctls.js";

const PAGE_BYTES = 4096;

export function startingSysctls(): Sysctls {
  return defaultSysctls(Math.floor(totalmem() / PAGE_BYTES));
}
