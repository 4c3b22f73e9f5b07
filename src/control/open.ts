// How a process comes to the director of its network namespace: by what is pinned there, nothing else.

import type { Director } from "#model/director.js";
import type { ServiceUse } from "./uses.js";
import { usesOf } from "./uses.js";
import { KernelStore } from "./kernel-store.js";
import { KernelDirector } from "./synchronisation/director.js";

/** The director as it stands, or undefined where nothing was ever configured. Makes nothing. */
export function findDirector(): Director | undefined {
  const store = KernelStore.find();
  return store === undefined ? undefined : new KernelDirector(store);
}

/** Before such a service is added to a director, or changed: nothing where there is none. */
export async function prepareFor(service: ServiceUse): Promise<void> {
  const store = KernelStore.find();
  if (store === undefined || usesOf([service], store.localNow()).size === 0) return;
  const { KernelPlane } = await import("./kernel-plane.js");
  await new KernelPlane(store).prepare([service]);
}

/** After services or servers were deleted or changed: takes back what was made on this machine for them. `coming`: those that may come, unannounced. */
export async function settleAfter(coming: readonly ServiceUse[] = []): Promise<void> {
  const store = KernelStore.find();
  if (store === undefined) return;
  const { KernelPlane } = await import("./kernel-plane.js");
  new KernelPlane(store).settle(coming);
}

/** The director for a change: made, and attached to every interface, where there is none yet. */
export async function openDirector(): Promise<Director> {
  const store = KernelStore.open();
  const { KernelPlane } = await import("./kernel-plane.js"); // listing does without it
  await new KernelPlane(store).attachEverywhere();
  return new KernelDirector(store);
}
