// A program of its own, for Bed.script(): lets this network namespace's director look as if another version of weir had made
// one of its maps.

import { KernelStore } from "#control/kernel-store.js";
import { openRecord } from "#control/record.js";
import { settings } from "#dataplane/maps.js";

const record = openRecord<{ layouts: object }>(KernelStore.find()!.state.filePath("state.json"));
const state = record.read()!;
record.write({ ...state, layouts: { ...state.layouts, [settings.name]: "another layout" } });
