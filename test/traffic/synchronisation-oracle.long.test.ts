// weir and the real IPVS tell each other of connections, in a guest whose kernel has it: what WEIR_ORACLE names runs a script there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { shapeOfThisMachine } from "#control/kernel-store.js";
import { programNames, programSpec } from "#control/programs.js";
import { PROJECT } from "./bed.js";

const oracle = process.env["WEIR_ORACLE"];
const PROCESSORS = 2;
/** Of a guest under emulation on a busy machine. */
const SECONDS_MAX = 1500;

describe("beside the real IPVS", { skip: oracle === undefined && "WEIR_ORACLE names no other kernel" }, () => {
  const cache = mkdtempSync(join(tmpdir(), "weir-oracle-"));
  const { WEIR_CACHE: cacheBefore } = process.env;

  /** The guest's processor is slow: its kernel's programs, Linux 6.1, are compiled here. */
  before(async () => {
    process.env["WEIR_CACHE"] = cache;
    const shape = { ...shapeOfThisMachine({}), processors: PROCESSORS, fibGivesSource: false, csumKnowsIpv6: false, tcx: false };
    for (const name of [...programNames(new Set(), false), "weir_sync", "weir_sync6"] as const) await programSpec(name, shape);
  });

  after(() => {
    if (cacheBefore === undefined) delete process.env["WEIR_CACHE"];
    else process.env["WEIR_CACHE"] = cacheBefore;
    rmSync(cache, { recursive: true });
  });

  function seen(direction: "to-weir" | "to-ipvs"): { readonly lines: readonly string[]; readonly all: string } {
    const { stdout, stderr } = spawnSync(oracle!, ["test/traffic/synchronisation-oracle.sh", direction, cache], {
      cwd: PROJECT, encoding: "utf8", env: { ...process.env, MEMORY: "3072", SMP: String(PROCESSORS), SECONDS_MAX: String(SECONDS_MAX) },
    });
    return { lines: stdout.split("\n").filter((line) => line.startsWith("SEEN")).map((line) => line.replace("SEEN ", "").replaceAll(/ +/g, " ").trim()), all: stdout + stderr };
  }

  test("what IPVS tells of connections and their templates, by both versions of its messages, weir enters", () => {
    const { lines, all } = seen("to-weir");
    assert.deepEqual(lines, [
      "version 1: TCP 0A000002 0000 0A000064 0050 0A01000B 1F90 ASSURED SYNC",
      "version 1: TCP 0A000002 4E21 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
      "version 0: TCP 0A000002 0000 0A000064 0050 0A01000B 1F90 ASSURED SYNC",
      "version 0: TCP 0A000002 4E20 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
      "version 0: TCP 0A000002 4E21 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
    ], all);
  });

  test("what weir tells of connections and their templates IPVS enters", () => {
    const { lines, all } = seen("to-ipvs");
    assert.deepEqual(lines, [
      "version 1: UDP 0A000002 0000 0A0000C8 1388 0A00000D 1388 NONE SYNC",
      "version 1: UDP 0A000002 PORT 0A0000C8 1388 0A00000D 1388 UDP SYNC",
      "version 0: UDP 0A000002 0000 0A0000C8 1388 0A00000D 1388 NONE SYNC",
      "version 0: UDP 0A000002 PORT 0A0000C8 1388 0A00000D 1388 UDP SYNC",
      "version 0: UDP 0A000002 PORT 0A0000C8 1388 0A00000D 1388 UDP SYNC",
    ], all);
  });
});
