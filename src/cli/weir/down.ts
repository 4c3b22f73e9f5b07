// weir down: forwarding stops, and what up changed on this machine is taken back.

import { takeDown } from "#control/apply.js";
import { withCommandLock } from "#control/command-lock.js";
import { daemonProcess } from "#daemon/instance.js";
import { findStandingParts } from "./parts.js";

export async function down(): Promise<void> {
  const parts = findStandingParts((line) => console.log(line));
  if (parts === undefined) return console.log("there is no director here; nothing to take back");
  await withCommandLock(() => takeDown(parts));
  const pid = daemonProcess();
  if (pid !== undefined) console.error(`weir: process ${pid}, weir up, still watches the servers of what is gone; kill ${pid}`);
  console.log("the director is gone, with its services and connections");
}
