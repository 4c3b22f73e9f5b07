// A program of its own, for Bed.script(): lets this network namespace's state look as if another version of weir had made it.
//   node other-state.js older       it did not have one of the maps yet
//   node other-state.js different   it kept one of them otherwise

import { KernelStore } from "#control/kernel-store.js";
import { openRecord } from "#control/record.js";
import { localities, settings } from "#dataplane/maps.js";

const { state } = KernelStore.find()!;
const record = openRecord<{ readonly layouts: { readonly [map: string]: string } }>(state.filePath("state.json"));
const standing = record.read()!;
if (process.argv[2] === "older") {
  const { [localities.name]: _, ...layouts } = standing.layouts;
  record.write({ ...standing, layouts });
  state.unpin(state.mapPath(localities.name));
} else {
  record.write({ ...standing, layouts: { ...standing.layouts, [settings.name]: "another layout" } });
}
