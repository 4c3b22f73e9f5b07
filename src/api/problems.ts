// What becomes of an error on its way out: its status, its code, and the sentence that the command line would print.

import type { ConfigIssue } from "#model/config/error.js";
import { ConfigError } from "#model/config/error.js";
import type { DirectorErrorCode } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import type { Problem } from "./schemas/problem.js";

/** Codes of this layer, with their status and title. */
export const API_PROBLEMS = {
  MALFORMED: [400, "The body is not JSON"],
  UNAUTHENTICATED: [401, "A token is needed"],
  FORBIDDEN: [403, "The token may only read"],
  NO_SUCH_RESOURCE: [404, "There is no such resource"],
  METHOD_NOT_ALLOWED: [405, "The resource does not do that"],
  CHANGED: [412, "It was changed meanwhile"],
  TOO_LARGE: [413, "The body is too large"],
  MEDIA_TYPE: [415, "The body is of another type than is taken here"],
  WRONG_INPUT: [422, "The input has mistakes"],
  FAILED: [500, "It could not be done"],
  BUSY: [503, "Others change the director"],
} as const satisfies { readonly [code: string]: readonly [status: number, title: string] };
export type ApiProblemCode = keyof typeof API_PROBLEMS;

/** The director's own, by DirectorError's code. */
export const DIRECTOR_PROBLEMS = {
  SERVICE_EXISTS: [409, "The service exists"],
  DESTINATION_EXISTS: [409, "The destination exists"],
  DAEMON_RUNNING: [409, "The daemon runs"],
  NO_SUCH_SERVICE: [404, "There is no such service"],
  SERVICE_NOT_DEFINED: [404, "There is no such service"],
  NO_SUCH_DESTINATION: [404, "There is no such destination"],
  NO_DAEMON: [404, "There is no such daemon"],
  SCHEDULER_NOT_FOUND: [422, "There is no such scheduler"],
  INVALID: [422, "It cannot be"],
  OUT_OF_RANGE: [422, "A number is out of its range"],
  NO_DEVICE: [422, "There is no such interface"],
  IPV6_UNSUPPORTED: [422, "There is no IPv6"],
  FAMILY_UNSUPPORTED: [422, "The address family is not supported"],
  UNSUPPORTED: [422, "This director does not do that"],
  PERMISSION: [403, "It is not permitted"],
  NO_MEMORY: [507, "There is no room"],
} as const satisfies { readonly [code in DirectorErrorCode]: readonly [status: number, title: string] };

/** Refused by this layer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(readonly code: ApiProblemCode, message: string, readonly issues?: readonly ConfigIssue[]) {
    super(message);
  }
}

/** Of the input's mistakes, at their places. */
export function wrongInput(what: string, issues: readonly ConfigIssue[]): ApiError {
  return new ApiError("WRONG_INPUT", `Cannot use the ${what}: ${issues.length === 1 ? "1 mistake" : `${issues.length} mistakes`}`, issues);
}

/** Errors that are mistakes of weir's own come out as FAILED, with their message alone. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return problem(error.code, API_PROBLEMS[error.code], error.message, error.issues);
  if (error instanceof DirectorError) return problem(error.code, DIRECTOR_PROBLEMS[error.code], error.message);
  if (error instanceof ConfigError) return problem("WRONG_INPUT", API_PROBLEMS.WRONG_INPUT, error.message.split("\n")[0]!, error.issues);
  const { name, code, message } = error as Error & { code?: string };
  if (name === "SysctlError") return problem("WRONG_INPUT", API_PROBLEMS.WRONG_INPUT, message);
  if (code === "LOCKED") return problem("BUSY", API_PROBLEMS.BUSY, message);
  if (code === "EACCES" || code === "EPERM" || code === "PERMISSION") return problem("PERMISSION", DIRECTOR_PROBLEMS.PERMISSION, message);
  return problem("FAILED", API_PROBLEMS.FAILED, message);
}

function problem(code: string, [status, title]: readonly [number, string], detail: string, issues?: readonly ConfigIssue[]): Problem {
  return { type: `urn:weir:problem:${code.toLowerCase().replaceAll("_", "-")}`, title, status, code, detail, ...(issues === undefined ? {} : { issues: [...issues] }) };
}
