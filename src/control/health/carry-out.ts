// Makes changes of health in a running director, where others may have changed things meanwhile: what is wanted already is no
// mistake, and what somebody took away is not brought back by an edit.

import type { Change } from "#model/diff.js";
import type { Director, DirectorErrorCode } from "#model/director.js";
import { DirectorError } from "#model/director.js";
import { describeChange } from "../describe.js";

export interface CarriedOut {
  /** In an operator's words, one line a change. */
  readonly done: readonly string[];
  readonly failed: readonly { readonly attempted: string; readonly reason: string }[];
}

/** Only of destinations; others a configuration makes. Throws what is nobody's change: no memory, no permission. */
export function carryOut(director: Director, changes: readonly Change[]): CarriedOut {
  const done: string[] = [];
  const failed: { attempted: string; reason: string }[] = [];
  for (const change of changes) {
    const words = describeChange(change).trim();
    const reason = refusal(() => carryOne(director, change));
    if (reason === undefined) done.push(words);
    else failed.push({ attempted: words, reason });
  }
  return { done, failed };
}

function carryOne(director: Director, change: Change): void {
  switch (change.kind) {
    case "addDestination":
      if (!tolerates("DESTINATION_EXISTS", () => director.addDestination(change.service, change.destination))) director.editDestination(change.service, change.destination);
      return;
    case "editDestination": return director.editDestination(change.service, change.destination);
    case "deleteDestination": return void tolerates("NO_SUCH_DESTINATION", () => director.deleteDestination(change.service, change.destination));
    default: throw new TypeError(`health changes no services, and this is ${change.kind}`);
  }
}

/** False when it was refused for that. */
function tolerates(code: DirectorErrorCode, use: () => void): boolean {
  try {
    use();
    return true;
  } catch (error) {
    if (error instanceof DirectorError && error.code === code) return false;
    throw error;
  }
}

const GONE: ReadonlySet<DirectorErrorCode> = new Set(["NO_SUCH_SERVICE", "SERVICE_NOT_DEFINED", "NO_SUCH_DESTINATION"]);

function refusal(use: () => void): string | undefined {
  try {
    use();
    return undefined;
  } catch (error) {
    if (error instanceof DirectorError && GONE.has(error.code)) return error.message;
    throw error;
  }
}
