// weir down: forwarding stops, and what up changed on this machine is taken back.

import { takeDown } from "#control/apply.js";
import { openDirectorParts } from "./parts.js";

export async function down(): Promise<void> {
  let changes = 0;
  const parts = await openDirectorParts({ tableEntries: undefined, report: (line) => { changes++; console.log(line); } });
  await takeDown(parts);
  console.log(changes === 0 ? "weir was not up here; nothing to take back" : "weir is down here");
}
