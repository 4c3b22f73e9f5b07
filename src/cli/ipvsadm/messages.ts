// What ipvsadm says when the director refuses: libipvs.c, ipvs_strerror().

import type { DirectorErrorCode } from "#model/director.js";
import { DirectorError } from "#model/director.js";

/** Codes that are not here are weir's own; their errors speak for themselves. */
const MESSAGES: Readonly<Partial<Record<DirectorErrorCode, string>>> = {
  SERVICE_EXISTS: "Service already exists",
  SCHEDULER_NOT_FOUND: "Scheduler or persistence engine not found",
  NO_SUCH_SERVICE: "No such service",
  SERVICE_NOT_DEFINED: "Service not defined",
  DESTINATION_EXISTS: "Destination already exists",
  NO_SUCH_DESTINATION: "No such destination",
  DAEMON_RUNNING: "Daemon has already run",
  NO_DAEMON: "No daemon is running",
  NO_DEVICE: "No such device",
  PERMISSION: "Permission denied (you must be root)",
  INVALID: "Invalid operation.  Possibly wrong module version, address not unicast, ...",
  OUT_OF_RANGE: "Numerical result out of range",
  NO_MEMORY: "Memory allocation problem",
  IPV6_UNSUPPORTED: "Operation not supported with IPv6",
  FAMILY_UNSUPPORTED: "Operation not supported with specified address family",
};

/**
 * `aboutServer`: the command was for a real server; a missing service is "not defined" then. Throws what is no refusal
 * but a mistake of weir's own, so that Node shows where it was made.
 */
export function describeError(error: unknown, aboutServer = false): string {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) throw error;
  if (isPermissionError(error)) return MESSAGES.PERMISSION!;
  if (!(error instanceof DirectorError)) return error.message;
  const code = aboutServer && error.code === "NO_SUCH_SERVICE" ? "SERVICE_NOT_DEFINED" : error.code;
  return MESSAGES[code] ?? error.message;
}

/** From the director, the kernel layer, or Node's own file operations. */
function isPermissionError(error: Error): boolean {
  return "code" in error && (error.code === "PERMISSION" || error.code === "EACCES" || error.code === "EPERM");
}
