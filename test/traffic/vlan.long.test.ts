// Tagged frames: a tag is its VLAN device's matter, where weir stands too, and XDP leaves to TC what goes into a VLAN. On this kernel where it has VLAN
// devices, else on the one that WEIR_ORACLE boots.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PROJECT, needs } from "./bed.js";

const SCRIPT = ["test/traffic/vlan.sh", "bin/weir"];
const BYTES = 100_000;
const HOOKS = ["tc", "xdp", "generic"] as const;
const TAGGED = "10.0.0.100";
const UNTAGGED = "10.2.0.100";

const oracle = hasVlans() ? undefined : process.env["WEIR_ORACLE"];
const lacking = "skip" in needs ? needs.skip : !hasVlans() && oracle === undefined ? "this kernel has no VLAN devices, and WEIR_ORACLE names no other" : false;

test("clients of a VLAN and of none reach a server in another VLAN, at each hook", { skip: lacking }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "weir-vlan-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const inGuest = join(folder, "vlan.sh");
  writeFileSync(inGuest, `exec bash ${SCRIPT.join(" ")}\n`);
  const { stdout, stderr, status } = spawnSync(oracle ?? "bash", oracle === undefined ? SCRIPT : [inGuest], { cwd: PROJECT, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.trim().split("\n"), [
    ...HOOKS.flatMap((hook) => [TAGGED, UNTAGGED].map((vip) => `${hook} ${vip} ${BYTES}`)),
    ...[TAGGED, UNTAGGED].map((vip) => `connections ${vip} ${HOOKS.length}`),
  ]);
});

function hasVlans(): boolean {
  const name = `weir-vlan-probe-${process.pid}`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return false;
  const ip = (...words: string[]) => spawnSync("ip", ["-n", name, "link", "add", ...words]).status === 0;
  const found = ip("eth0", "type", "veth", "peer", "name", "eth1") && ip("link", "eth0", "name", "eth0.2", "type", "vlan", "id", "2");
  spawnSync("ip", ["netns", "delete", name]);
  return found;
}
