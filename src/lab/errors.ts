// What can go wrong while a laboratory is built, used and shown: one class, a code for programs, a sentence for people.

export type LabErrorCode =
  /** A system package is missing; the message names it and the command that installs it. */
  | "TOOL_MISSING"
  /** Network namespaces need root. */
  | "NOT_ROOT"
  /** A command of iproute2, ethtool or the laboratory's own ended with an error. */
  | "COMMAND_FAILED"
  /** A worker process in a namespace ended, or refused what it was asked. */
  | "WORKER_FAILED"
  /** A system call failed. */
  | "SOCKET_FAILED"
  /** The packets looked for did not come by. */
  | "NOT_SEEN";

export class LabError extends Error {
  override readonly name = "LabError";
  constructor(readonly code: LabErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** For `catch (error)`: the text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
