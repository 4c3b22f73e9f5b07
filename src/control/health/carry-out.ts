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
  return carryAll(director, changes) ? { done: changes.map(inWords), failed: [] } : carryEach(director, changes);
}

/** At once, so that packets see the old servers or the new ones; false when some change does not fit what there is, and none was made. */
function carryAll(director: Director, changes: readonly Change[]): boolean {
  try {
    director.apply(changes);
    return true;
  } catch (error) {
    if (error instanceof DirectorError && OTHERS_DID.has(error.code)) return false;
    throw error;
  }
}

function carryEach(director: Director, changes: readonly Change[]): CarriedOut {
  const done: string[] = [];
  const failed: { attempted: string; reason: string }[] = [];
  for (const change of changes) {
    const reason = refusal(() => carryOne(director, change));
    if (reason === undefined) done.push(inWords(change));
    else failed.push({ attempted: inWords(change), reason });
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

const inWords = (change: Change): string => describeChange(change).trim();

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

/** What somebody else took away, or did before. */
const GONE: ReadonlySet<DirectorErrorCode> = new Set(["NO_SUCH_SERVICE", "SERVICE_NOT_DEFINED", "NO_SUCH_DESTINATION"]);
const OTHERS_DID: ReadonlySet<DirectorErrorCode> = new Set([...GONE, "DESTINATION_EXISTS"]);

function refusal(use: () => void): string | undefined {
  try {
    use();
    return undefined;
  } catch (error) {
    if (error instanceof DirectorError && GONE.has(error.code)) return error.message;
    throw error;
  }
}
