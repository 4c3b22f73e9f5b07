// Timeouts as the administrator wants them; 0 leaves one as it is.

import type { Feature } from "../feature.js";
import { command } from "./administration.js";

const SECONDS = [0, 60, 100, 600, 7200] as const;

export const timeouts: Feature = {
  name: "timeouts",
  moves: [{ weight: 20, make: ({ random }) => [command("--set", ...Array.from({ length: 3 }, () => `${random.pick(SECONDS)}`))] }],
};
