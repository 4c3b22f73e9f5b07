// Where a real server's state is pinned and noted: apart from the director's, so that `weir down` on a machine that is
// both leaves the real server as it is.

import { networkNamespaceCookie } from "#kernel/namespace.js";
import type { StateDirectory } from "#kernel/pin.js";
import { findState, openState, staleStates } from "#kernel/pin.js";
import { stateRoot } from "./command-lock.js";

const root = (): string => `${stateRoot()}/realserver`;

export const findRealServerState = (): StateDirectory | undefined => findState({ root: root() });

/** Made when it is not there; what network namespaces that are gone have left behind goes at this occasion. */
export function openRealServerState(): StateDirectory {
  for (const stale of staleStates({ root: root() })) stale.remove();
  return openState({ root: root() });
}

/** The note of what `up` changed. It needs no bpffs: most real servers run no program of weir's. */
export const realServerRecordPath = (): string => `${root()}/netns-${networkNamespaceCookie()}/realserver.json`;
