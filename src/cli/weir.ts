// The program weir: runs one of the commands of weir/commands.ts. Exit status: 0, 1 for a failure, 2 for a wrong command
// line or a wrong configuration.

import { CommanderError } from "commander";
import { createProgram } from "./weir/commands.js";
import { reportError } from "./weir/errors.js";

// `weir apply FILE | head -1`: who reads has read enough, and what was begun is done all the same. That it could not be told is a failure where nobody chose so.
let lost: NodeJS.ErrnoException | undefined;
process.stdout.on("error", (error: NodeJS.ErrnoException) => { lost ??= error; });
process.on("exit", () => {
  if (lost === undefined || lost.code === "EPIPE" || process.exitCode) return;
  console.error(`weir: Cannot write all that there is to say: ${lost.message}; what was asked for is done`);
  process.exitCode = 1;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  // Commander has printed its own errors and helps; only its exit status is left to choose.
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : reportError(error);
}
