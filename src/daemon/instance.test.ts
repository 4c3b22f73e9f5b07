import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DaemonError } from "./errors.js";
import { becomeDaemon, daemonProcess } from "./instance.js";

const folder = mkdtempSync(join(tmpdir(), "weir-daemon-"));
process.env["WEIR_STATE"] = join(folder, "state");
after(() => rmSync(folder, { recursive: true }));

test("one process is the daemon, and the second is told who", () => {
  assert.equal(daemonProcess(), undefined);
  const held = becomeDaemon();
  assert.equal(daemonProcess(), process.pid);
  assert.throws(() => becomeDaemon(), (error) => error instanceof DaemonError && error.code === "RUNNING"
    && error.message.startsWith(`Cannot start a daemon: process ${process.pid} is that of this network namespace; kill -HUP ${process.pid} makes`));
  held.release();
  assert.equal(daemonProcess(), undefined, "a number in the file alone is nobody");
  becomeDaemon().release();
});
