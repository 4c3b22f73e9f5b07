import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ScriptProbe } from "#model/health.js";
import { SHORT, verdictOn } from "./_probing.js";

const shell = (text: string, settings: Partial<ScriptProbe> = {}): ScriptProbe => ({ type: "script", command: ["/bin/sh", "-c", text], setsWeight: false, user: undefined, ...settings });

test("status 0 is healthy, any other is not, and what it wrote is told", async () => {
  assert.deepEqual(await verdictOn(shell("exit 0"), 0), { healthy: true, detail: "/bin/sh ended with status 0" });
  assert.deepEqual(await verdictOn(shell("echo disk full; echo more; exit 3"), 0), { healthy: false, detail: "/bin/sh ended with status 3: disk full" });
  assert.equal((await verdictOn(shell("kill -9 $$"), 0)).detail, "/bin/sh ended by SIGKILL");
});

test("its status may set the weight, from 2 on", async () => {
  const statuses = [0, 1, 2, 3, 255];
  const verdicts = await Promise.all(statuses.map((status) => verdictOn(shell(`exit ${status}`, { setsWeight: true }), 0)));
  assert.deepEqual(verdicts.map(({ healthy, weight }) => [healthy, weight]), [[true, undefined], [false, undefined], [true, 0], [true, 1], [true, 253]]);
});

test("words are given as they are, to no shell", async () => {
  assert.match((await verdictOn({ ...shell(""), command: ["/bin/echo", "$HOME; exit 1"] }, 0)).detail, /status 0: \$HOME; exit 1$/);
});

test("one that does not end is ended, with its children", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-script-"));
  try {
    const file = join(folder, "child");
    const { healthy, detail } = await verdictOn(shell(`sleep 60 & echo $! > ${file}; wait`), 0, { milliseconds: SHORT });
    assert.deepEqual([healthy, detail], [false, "cannot run /bin/sh: no answer in time"]);
    const child = readFileSync(file, "utf8").trim();
    for (let i = 0; i < 100 && isRunning(child); i++) await delay(20);
    assert.equal(isRunning(child), false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("one that leaves a child behind ends all the same", async () => {
  assert.equal((await verdictOn(shell("sleep 5 & exit 0"), 0)).healthy, true);
});

test("what cannot be started is not healthy", async () => {
  assert.match((await verdictOn({ ...shell(""), command: ["/nonexistent/check"] }, 0)).detail, /^cannot run \/nonexistent\/check: .*ENOENT/);
  assert.match((await verdictOn(shell("", { user: "nobody-at-all" }), 0)).detail, /^cannot run \/bin\/sh: there is no user "nobody-at-all"/);
});

test("it may run as another user", { skip: process.getuid?.() === 0 ? false : "that is for root" }, async () => {
  assert.match((await verdictOn(shell("id -un", { user: "nobody" }), 0)).detail, /: nobody$/);
});

/** A zombie is not. */
function isRunning(pid: string): boolean {
  return existsSync(`/proc/${pid}/status`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}
