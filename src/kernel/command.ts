// Command-line tools that do for us what would take a netlink library or D-Bus: iproute2's ip and tc, util-linux' nsenter and mount, systemctl.

import { KernelError } from "./errors.js";

/** Which package of the distributions brings a tool. */
const PACKAGE = { ip: "iproute2", tc: "iproute2", nsenter: "util-linux", mount: "util-linux (mount)", systemctl: "systemd" } as const;

/** `ip -j route` of a router with full tables is some hundred megabytes. */
const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;

export interface CommandOptions {
  /** Follows "Cannot ". */
  readonly attempted: string;
  readonly input?: string;
}

/** Its output; throws COMMAND_MISSING or COMMAND_FAILED with what it wrote to stderr. */
export function runCommand(command: keyof typeof PACKAGE, args: readonly string[], { attempted, input }: CommandOptions): string {
  // Loaded at the first call: it takes six milliseconds of a start, and most commands need it not.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout, stderr, status, signal, error } = spawnSync(command, args, { encoding: "utf8", input, maxBuffer: OUTPUT_BYTES_MAX });
  const call = `${command} ${args.join(" ")}`;
  if (error !== undefined && (error as NodeJS.ErrnoException).code === "ENOENT") {
    throw new KernelError({
      code: "COMMAND_MISSING", call, attempted, found: `the command "${command}" is not installed`, remedy: `install the package ${PACKAGE[command]}`,
    });
  }
  if (error !== undefined) throw new KernelError({ code: "COMMAND_FAILED", call, attempted, found: `"${call}" did not run: ${error.message}`, cause: error });
  if (status === 0) return stdout;
  const answer = stderr.trim() || (signal === null ? `exit status ${status}` : `signal ${signal}`);
  throw new KernelError({ code: "COMMAND_FAILED", call, attempted, found: `"${call}" answered: ${answer}` });
}
