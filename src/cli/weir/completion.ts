// weir completion SHELL [PROGRAM]: the script by which a shell completes the command lines of weir or of ipvsadm.

import type { Command } from "commander";
import type { Completed, Shell } from "./completion/scripts.js";
import { completionScript } from "./completion/scripts.js";

export function completion(shell: Shell, name: Completed, program: Command): void {
  process.stdout.write(completionScript(shell, name, program));
}
