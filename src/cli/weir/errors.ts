// What the user sees of an error: one clear message for what may go wrong in operation, the stack only for mistakes of
// weir's own.

import type { ConfigIssue } from "#model/config/error.js";
import { formatIssue } from "#model/config/error.js";

/** Wrong use that the command line's own checks could not see. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** By name, so that a command that fails loads none of the layers it did not use. */
const EXIT_STATUS: { readonly [name: string]: number } = {
  UsageError: 2, ConfigError: 2, SysctlError: 2,
  WeirApiError: 1, WeirConnectionError: 1, ControlError: 1, DaemonError: 1, LabError: 1, InstallError: 1, DirectorError: 1, KernelError: 1, VerifierError: 1, CompileError: 1,
};

/** Prints the error and gives the exit status. */
export function reportError(error: unknown): number {
  if (!(error instanceof Error)) throw error;
  console.error(explain(error));
  return isWrongInput(error) ? 2 : EXIT_STATUS[error.name] ?? 1;
}

function explain(error: Error): string {
  if (error.name in EXIT_STATUS) return prefixed([error.message, ...issuesOf(error).map(formatIssue)].join("\n"));
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return `weir: no permission: ${error.message}; run as root`;
  return `weir: a mistake of weir's own, please report it:\n${error.stack}`;
}

/** Those that a daemon found (api/client-error.ts); others have them in their message. */
const issuesOf = (error: Error): readonly ConfigIssue[] => (error.name === "WeirApiError" ? (error as Error & { issues: readonly ConfigIssue[] }).issues : []);
const isWrongInput = (error: Error): boolean => error.name === "WeirApiError" && (error as Error & { code: string }).code === "WRONG_INPUT";

/** Messages of several lines begin with a place in a file or are a list: each stands for itself. */
function prefixed(message: string): string {
  return message.includes("\n") ? message : `weir: ${message}`;
}
