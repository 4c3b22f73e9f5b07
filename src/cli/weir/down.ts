// weir down: forwarding stops, and what up changed on this machine is taken back; by the daemon where one runs.

import { takeDown } from "#control/apply.js";
import { withCommandLock } from "#control/command-lock.js";
import { daemonProcess } from "#daemon/instance.js";
import { withDaemon } from "./find-daemon.js";
import { findStandingParts } from "./parts.js";

export async function down(): Promise<void> {
  const asked = await withDaemon((daemon) => daemon.down());
  if (asked !== undefined) {
    for (const line of asked.answer.changes) console.log(line);
    return console.log("the director is gone, with its services and connections, and its daemon ends");
  }
  const parts = findStandingParts((line) => console.log(line));
  if (parts === undefined) return console.log("there is no director here; nothing to take back");
  await withCommandLock(() => takeDown(parts));
  const pid = daemonProcess();
  if (pid !== undefined) console.error(`weir: process ${pid}, weir up, did not answer, and still watches the servers of what is gone; kill ${pid}`);
  console.log("the director is gone, with its services and connections");
}
