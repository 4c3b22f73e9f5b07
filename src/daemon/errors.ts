// Errors of this layer.

/** Every code of DaemonError, with what it means. */
export const DAEMON_ERROR_CODES = {
  RUNNING: "Another process is the daemon of this network namespace.",
  CHECK: "What a check asks for cannot work on this machine; nothing was changed.",
} as const;
export type DaemonErrorCode = keyof typeof DAEMON_ERROR_CODES;

export class DaemonError extends Error {
  override readonly name = "DaemonError";
  constructor(readonly code: DaemonErrorCode, message: string) {
    super(message);
  }
}
