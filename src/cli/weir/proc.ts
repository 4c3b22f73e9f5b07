// weir proc NAME: what /proc/net/NAME prints where the kernel's IPVS runs, for programs that read it.

import { findDirector } from "#control/open.js";
import { possibleCpus } from "#kernel/map.js";
import { MemoryDirector } from "#model/memory-director.js";
import { Output } from "../ipvsadm/output.js";
import type { ProcFile } from "../proc/files.js";
import { PROC_FILES } from "../proc/files.js";

export function proc(file: ProcFile): void {
  const output = new Output(1);
  // Where nothing was ever configured: what the kernel prints then.
  for (const text of PROC_FILES[file](findDirector() ?? new MemoryDirector(), possibleCpus())) output.write(text);
  output.flush();
}
