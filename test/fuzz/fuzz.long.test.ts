// A hundred thousand inputs with those of the API (test/api/fuzz.test.ts, 22,000): command lines and files, each to a clear error or a right effect.
// WEIR_SEED repeats a run.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { kernelLacks } from "../packets/requirements.js";
import { seedOfThisRun } from "../packets/random.js";
import { PROJECT } from "../traffic/bed.js";
import { IMPORTED_FORMATS, fuzzImported } from "./imported-files.js";
import { fuzzIpvsadm } from "./ipvsadm-lines.js";
import { fuzzWeirProcesses } from "./weir-lines.js";
import { fuzzWeirYaml } from "./weir-yaml.js";

const seed = seedOfThisRun();
const IPVSADM_LINES = 50_000;
const WEIR_FILES = 16_000;
const IMPORTED_FILES = 6_000;
const PROCESSES = 100;

test(`${IPVSADM_LINES} command lines that are nearly ipvsadm's, seed ${seed}`, () => fuzzIpvsadm(seed, IPVSADM_LINES));
test(`${WEIR_FILES} files that are nearly weir.yaml, seed ${seed}`, () => fuzzWeirYaml(seed, WEIR_FILES));
for (const format of IMPORTED_FORMATS) test(`${IMPORTED_FILES} files that are nearly ${format}'s, seed ${seed}`, () => fuzzImported(format, seed, IMPORTED_FILES));

test(`${PROCESSES} processes whose command lines are nearly weir's and ipvsadm's, seed ${seed}`, { skip: kernelLacks }, (t) => {
  const namespace = `weir-fuzz-${process.pid}`;
  const state = mkdtempSync(join(tmpdir(), "weir-fuzz-"));
  spawnSync("ip", ["netns", "add", namespace]);
  t.after(() => {
    spawnSync("ip", ["netns", "delete", namespace]);
    spawnSync("umount", [join(state, "bpf")]);
    rmSync(state, { recursive: true });
  });
  fuzzWeirProcesses(seed, PROCESSES, { namespace, state, project: PROJECT });
});
