// Where the daemon of this network namespace listens when its configuration says nothing. Found without the kernel layer: whoever imports
// the client needs it too. In a shell: /run/weir/api-$(stat -Lc %i /proc/self/ns/net).sock

import { statSync } from "node:fs";

/** The number of the namespace is used again when it is gone; who connects is told whose director answers. */
export function apiSocketPath(root: string = process.env["WEIR_STATE"] ?? "/run/weir"): string {
  return `${root}/api-${statSync("/proc/self/ns/net").ino}.sock`;
}
