// weir down: forwarding stops, and what up changed on this machine is taken back.

import { takeDown } from "#control/apply.js";
import { withCommandLock } from "#control/command-lock.js";
import { findStandingParts } from "./parts.js";

export async function down(): Promise<void> {
  const parts = findStandingParts((line) => console.log(line));
  if (parts === undefined) return console.log("there is no director here; nothing to take back");
  await withCommandLock(() => takeDown(parts));
  console.log("the director is gone, with its services and connections");
}
