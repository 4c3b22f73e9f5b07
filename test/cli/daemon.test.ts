// Commands where a daemon runs: they ask it, by its socket, and say what it says. The daemon here is the API on a director in memory; the
// commands run in a network namespace of their own, so that one that did not find it would change nothing of this machine's.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ApiServer } from "#api/listen.js";
import { listen } from "#api/listen.js";
import { DEFAULT_API } from "#model/config/api.js";
import { MemoryApi } from "../api/memory-api.js";

// Compiled, this file is dist/out/test/cli/daemon.test.js.
const command = fileURLToPath(new URL("../../../../bin/weir", import.meta.url));
const state = `/run/weir-daemon-${process.pid}`;
const namespace = `weir-daemon-${process.pid}`;
const needs = whyNoNamespace();

let api: MemoryApi;
let server: ApiServer | undefined;
before(async () => {
  if (needs.skip !== undefined) return;
  mkdirSync(state, { mode: 0o700 });
  const { ino } = statSync(`/run/netns/${namespace}`);
  api = new MemoryApi({ operations: { namespace: `net:[${ino}]` } });
  server = await listen({ ...DEFAULT_API, socket: { ...DEFAULT_API.socket, path: join(state, `api-${ino}.sock`) } }, { operations: api.operations });
});
after(async () => {
  await server?.close();
  spawnSync("umount", ["--quiet", join(state, "bpf")]);
  spawnSync("ip", ["netns", "delete", namespace]);
  rmSync(state, { recursive: true, force: true });
});

function whyNoNamespace(): { readonly skip?: string } {
  const { status, stderr } = spawnSync("ip", ["netns", "add", namespace], { encoding: "utf8" });
  return status === 0 ? {} : { skip: `no network namespace can be made: ${stderr}` };
}

async function weir(...args: readonly string[]): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  const child = spawn("ip", ["netns", "exec", namespace, process.execPath, command, ...args], { env: { ...process.env, WEIR_STATE: state, PORT: "80" }, stdio: ["pipe", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].setEncoding("utf8").on("data", (part: string) => { output[name] += part; });
  child.stdin.on("error", () => {}).end("services: [{ fwmark: 5 }]\n");
  const [status] = await once(child, "close") as [number];
  return { status, ...output };
}

function file(name: string, text: string): string {
  writeFileSync(join(state, name), text);
  return join(state, name);
}

test("plan and apply are the daemon's, of a file with what it includes and the environment in it", needs, async () => {
  file("more.yaml", "services: [{ fwmark: 3 }]\n");
  const path = file("weir.yaml", "include: more.yaml\ninterfaces: []\nservices:\n  - protocol: tcp\n    address: 10.0.0.100\n    port: ${PORT}\n    method: nat\n    destinations: [{ address: 10.1.0.1 }]\n");
  const changes = "service tcp 10.0.0.100:80: added, scheduler wlc\n  destination 10.1.0.1:80 of tcp 10.0.0.100:80: added, method nat, weight 1\nservice fwmark 3: added, scheduler wlc\n";
  assert.deepEqual(await weir("plan", path), { status: 0, stdout: `${changes}${path}: 2 services, 1 destination; 3 to change, nothing was\n`, stderr: "" });
  assert.deepEqual(api.director.services(), []);
  assert.deepEqual(await weir("apply", path), { status: 0, stdout: `${changes}${path}: 2 services, 1 destination\n`, stderr: "" });
  assert.equal(api.director.services().length, 2);
  assert.deepEqual(await weir("apply", path), { status: 0, stdout: `${path}: 2 services, 1 destination; nothing to change\n`, stderr: "" });
  assert.equal((await weir("apply", "-")).stdout.split("\n").at(-2), "-: 1 service, 0 destinations", "stdin is read once");
});

test("what the daemon refuses is said, with its status and every mistake", needs, async () => {
  // A scheduler that this command knows, and that director does not: its own messages come over.
  const refused = await weir("apply", file("unknown.yaml", "services: [{ fwmark: 3, scheduler: twos }]\n"));
  assert.deepEqual([refused.status, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /^weir: Cannot configure fwmark 3: there is no scheduler "twos"; there are rr, /);
  const wrong = await weir("apply", file("wrong.yaml", "services: []\ninterfaces: [lo]\n"));
  assert.deepEqual([wrong.status, wrong.stdout], [2, ""]);
  assert.match(wrong.stderr, /^Cannot use .*wrong\.yaml: 1 mistake\n.*wrong\.yaml:1:\d+: interfaces\[0\]: there is no interface "lo" here/);
});

test("sysctls are the daemon's, and down is", needs, async () => {
  assert.deepEqual(await weir("sysctl", "drop_entry=1", "am_droprate"), { status: 0, stdout: "net.ipv4.vs.drop_entry = 1\nnet.ipv4.vs.am_droprate = 10\n", stderr: "" });
  assert.equal(api.director.sysctls().drop_entry, 1);
  assert.equal((await weir("sysctl", "drop_entry")).stdout, "net.ipv4.vs.drop_entry = 1\n");
  assert.deepEqual(await weir("down"), { status: 0, stdout: "interface eth0: detached from tc\ninterface eth1: detached from tc\nthe director is gone, with its services and connections, and its daemon ends\n", stderr: "" });
});
