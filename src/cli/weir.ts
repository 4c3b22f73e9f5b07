// The program weir: runs one of the commands of weir/commands.ts. Exit status: 0, 1 for a failure, 2 for a wrong command
// line or a wrong configuration.

import { CommanderError } from "commander";
import { createProgram } from "./weir/commands.js";
import { reportError } from "./weir/errors.js";

// `weir status | head -1`: who reads has read enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

try {
  await createProgram().parseAsync();
} catch (error) {
  // Commander has printed its own errors and helps; only its exit status is left to choose.
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : reportError(error);
}
