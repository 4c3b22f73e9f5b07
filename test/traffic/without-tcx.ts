// A program of its own, for Bed.script(): makes this network namespace's director as on a kernel that has no TCX (before
// Linux 6.6), before `weir apply` would make it as this kernel allows.

import { KernelStore } from "#control/kernel-store.js";
import { CONNECTIONS6_DEFAULT, CONNECTIONS_DEFAULT } from "#dataplane/maps.js";

KernelStore.open({}, { tcx: false });
