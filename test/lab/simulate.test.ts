// `weir lab` where a user may do nothing: it says so, and shows the same walks on the user-space machine.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { METHODS } from "#lab/plan.js";

const NOBODY = 65534;
// Compiled, this file is dist/out/test/lab/simulate.test.js.
const weir = fileURLToPath(new URL("../../../../bin/weir", import.meta.url));

test("without privileges weir lab simulates: three walks, shares by weight, status 0", () => {
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const { status, stdout, stderr } = spawnSync(process.execPath, [weir, "lab"], { ...identity, cwd: "/", encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /Without the kernel\n─+\nThe laboratory makes network namespaces, which only root may; run it with sudo\n/);
  assert.match(stdout, /the same compiled programs run on weir's own eBPF machine/);
  assert.equal(stdout.match(/^ +request +client → router /gm)?.length, METHODS.length);
  assert.equal(stdout.match(/^ +response +r3 → (?:director|router|remote) /gm)?.length, METHODS.length);
  assert.match(stdout, /director → remote +02:02 → 02:03 +203\.0\.113\.2 → 10\.0\.3\.13 +62 +an IP header around it\n/);
  assert.equal(stdout.match(/^ +r3 +weight 3 +30 connections /gm)?.length, METHODS.length);
});
