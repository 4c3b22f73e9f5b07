// weir and the real IPVS tell each other of connections, in a guest whose kernel has it: what WEIR_ORACLE names runs a script there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { PROJECT } from "./bed.js";

const oracle = process.env["WEIR_ORACLE"];

test("connections and templates go from IPVS to weir and from weir to IPVS, by both versions of the messages", { skip: oracle === undefined && "WEIR_ORACLE names no other kernel" }, () => {
  const { stdout, stderr } = spawnSync(oracle!, ["test/traffic/synchronisation-oracle.sh"], { cwd: PROJECT, encoding: "utf8", env: { ...process.env, MEMORY: "3072", SECONDS_MAX: "900" } });
  const seen = stdout.split("\n").filter((line) => line.startsWith("SEEN")).map((line) => line.replace("SEEN ", "").replaceAll(/ +/g, " ").trim());
  assert.deepEqual(seen, [
    "version 1: TCP 0A000002 0000 0A000064 0050 0A01000B 1F90 ASSURED SYNC",
    "version 1: TCP 0A000002 4E21 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
    "version 0: TCP 0A000002 0000 0A000064 0050 0A01000B 1F90 ASSURED SYNC",
    "version 0: TCP 0A000002 4E20 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
    "version 0: TCP 0A000002 4E21 0A000064 0050 0A01000B 1F90 TIME_WAIT SYNC",
  ], stdout + stderr);
});
