// What the client throws.

import type { Issue, Problem } from "./schemas/problem.js";

/** The director's answer is a problem (RFC 9457); the message is its detail. */
export class WeirApiError extends Error {
  override readonly name = "WeirApiError";
  readonly status: number;
  /** "NO_SUCH_SERVICE", "WRONG_INPUT" …: docs/api.md. */
  readonly code: string;
  readonly title: string;
  /** Every mistake of what was sent. */
  readonly issues: readonly Issue[];

  constructor({ status, code, title, detail, issues = [] }: Problem) {
    super(detail);
    [this.status, this.code, this.title, this.issues] = [status, code, title, issues];
  }
}

/** There is no answer: no daemon runs there, or it cannot be reached. */
export class WeirConnectionError extends Error {
  override readonly name = "WeirConnectionError";
}
