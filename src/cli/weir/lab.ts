// weir lab: the three methods at work, with real packets.

import { runLab } from "#lab/lab.js";

export async function lab(): Promise<void> {
  process.exitCode = await runLab();
}
