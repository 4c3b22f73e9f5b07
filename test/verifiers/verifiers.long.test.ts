// Every program passes the verifier, of this kernel when compiled for an older one too (for this one test/packets loads them all), and, where WEIR_ORACLE names a program that runs a
// script under another kernel (Debian 12's 6.1), of that one.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { PROGRAM_NAMES } from "#control/programs.js";
import { kernelLacks } from "../packets/requirements.js";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const WALK = "dist/out/test/verifiers/walk.js";
/** Linux include/linux/bpf_verifier.h: BPF_COMPLEXITY_LIMIT_INSNS. What is left of it is room for what the data plane does not do yet. */
const VERIFIED_MAX = 1_000_000;
const oracle = process.env["WEIR_ORACLE"];

/** In the checkout, so that a guest finds there what was compiled here. */
const cache = mkdtempSync(join(root, "dist/verifiers-"));
const folder = mkdtempSync(join(tmpdir(), "weir-verifiers-"));
after(() => [cache, folder].forEach((one) => rmSync(one, { recursive: true })));

test("this kernel's verifier accepts every program for the oldest kernel", { skip: kernelLacks }, () => checkWalk(process.execPath, WALK));

test("an older kernel's verifier accepts every program for the oldest kernel", { skip: kernelLacks || (oracle === undefined && "WEIR_ORACLE names no other kernel") }, () => {
  const script = join(folder, "walk.sh");
  writeFileSync(script, `WEIR_CACHE=${cache} exec node ${WALK}\n`);
  checkWalk(oracle!, script);
});

function checkWalk(program: string, script: string): void {
  const { stdout, stderr } = spawnSync(program, [script], { cwd: root, encoding: "utf8", env: { ...process.env, WEIR_CACHE: cache } });
  const verified = new Map(stdout.trim().split("\n").map((line) => line.split(/ (.*)/) as [string, string]));
  assert.deepEqual([...verified.keys()], PROGRAM_NAMES, stdout + stderr);
  for (const [name, count] of verified) assert.ok(Number(count) > 0 && Number(count) < VERIFIED_MAX, `${name}: ${count}`);
}
