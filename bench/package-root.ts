// Where the package's sources are: this file runs as dist/out/bench/package-root.js.

import { fileURLToPath } from "node:url";

export const packageRoot = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
