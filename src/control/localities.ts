// What lblc and lblcr remember (dataplane/locality.ts) ends when a service takes to one of them: the slot of a service may
// have been another's. In the kernel such tables belong to the service and end with it.

import { decode } from "#layout/codec.js";
import { LocalityKey, SCHEDULER_LBLC, SCHEDULER_LBLCR, localities } from "#dataplane/maps.js";
import type { Store } from "./store.js";

/** For the service of that slot, which is about to be scheduled by `scheduler`. */
export function forgetLocalities(store: Store, serviceSlot: number, scheduler: number): void {
  if (scheduler !== SCHEDULER_LBLC && scheduler !== SCHEDULER_LBLCR) return;
  const known = store.hash(localities);
  for (const key of [...known.keys()]) if (decode(LocalityKey, key).serviceSlot === serviceSlot) known.delete(key);
}
