// What cannot work ends in one clear message that names the place, and changes nothing.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { CommandResult } from "#lab/command.js";
import { Bed, needs, succeeded, type CommandSettings } from "./bed.js";
import { fillCache, refusedByVerifier } from "./other-programs.js";
import { service } from "./services.js";

describe("refused, with nothing changed", needs, () => {
  let bed: Bed;
  let standing: object;
  let untouched: readonly string[];
  before(async () => {
    bed = await Bed.open("nat");
    standing = { interfaces: ["eth0", "eth1"], services: [service(bed.topology, { serverPort: 8080 })] };
    await bed.serve({ http: [8080] });
    await bed.up(standing);
    untouched = await everything();
  });
  after(() => bed?.close());

  test("a configuration full of mistakes: each at its line and column, status 2", async () => {
    const text = [
      "interfaces: [eth0, eth7]", "services:", "  - protocol: tpc", "    address: 203.0.113.100", "    port: 80000", "    sheduler: rr",
      "    destinations:", "      - { address: 10.0.0.300, method: nat }", "      - { address: 10.0.0.11, method: dr, port: 81 }", "",
    ].join("\n");
    const outcome = await unchanged(() => bed.weir(["apply", "-"], { input: text }));
    assert.deepEqual([outcome.status, outcome.stdout], [2, ""]);
    const places = outcome.stderr.split("\n").slice(1, -1).map((line) => /^-:(\d+):(\d+): \S+: .+$/.exec(line)?.[1]);
    assert.match(outcome.stderr, /^Cannot use -: \d mistakes\n-:1:20: interfaces\[1\]: there is no interface "eth7" here/);
    for (const line of ["1", "3", "5", "6", "8"]) assert.ok(places.includes(line), `line ${line} in ${outcome.stderr}`);
    assert.ok(!places.includes(undefined), outcome.stderr);
  });

  test("a file that is not there: its name, status 2", async () => {
    const { status, stderr } = await unchanged(() => bed.weir(["apply", "/nonexistent/weir.yaml"]));
    assert.deepEqual([status, stderr.trim().split("\n").length], [2, 1]);
    assert.match(stderr, /^weir: Cannot read the configuration \/nonexistent\/weir\.yaml: /);
  });

  test("a user without privileges: what is needed, for each command", async () => {
    const up = await unchanged(() => unprivileged(["weir", "apply", "-"], { input: JSON.stringify(standing) }));
    assertOneMessage(up, 1, /permission|root/);
    for (const args of [["weir", "status"], ["weir", "down"]]) assertOneMessage(await unchanged(() => unprivileged(args)), 1, /permission|root/);
    const list = await unchanged(() => unprivileged(["ipvsadm", "-Ln"]));
    assert.equal(list.status, 2);
    assert.match(list.stderr, /^Can't initialize ipvs: Permission denied \(you must be root\)\n/);
  });

  test("a program that the verifier refuses: its words, status 1; the old one goes on", async () => {
    await fillCache(`${bed.state}/refused`, (program, name) => (name === "weir_tc" ? refusedByVerifier(program) : program));
    const input = JSON.stringify({ interfaces: ["eth0", "eth1"], services: [service(bed.topology, { serverPort: 8080 }), service(bed.topology, { port: 81 })] });
    const outcome = await unchanged(() => bed.weir(["apply", "-"], { input, environment: { WEIR_CACHE: `${bed.state}/refused` } }));
    assert.equal(outcome.status, 1);
    assert.match(outcome.stderr, /weir_tc.*R0 !read_ok/s);
    assert.doesNotMatch(outcome.stderr, /\n    at /);
    assert.equal((await bed.client.get({ address: bed.topology.vip, port: 80 })).status, 200);
  });

  test("an interface that takes no program: which, and why; the others are left as they were", async () => {
    const input = JSON.stringify({ ...standing, interfaces: ["eth0", "eth1", { name: "lo", mode: "xdp" }] });
    assertOneMessage(await unchanged(() => bed.weir(["apply", "-"], { input })), 1, /XDP program .*"lo"/);
  });

  test("maps of another version: which, and what to do; weir down is the way out", async () => {
    await bed.script("other-state", "different");
    const before = await bed.script("attachments");
    for (const args of [["apply", "-"], ["status"]]) assertOneMessage(await bed.weir(args, { input: JSON.stringify(standing) }), 1, /"settings".*weir down/);
    const list = await bed.ipvsadm(["-Ln"]);
    assert.notEqual(list.status, 0);
    assert.match(list.stderr, /"settings"/);
    assert.equal(await bed.script("attachments"), before);
    succeeded(await bed.weir(["down"]));
    await bed.up(standing);
    assert.equal((await bed.client.get({ address: bed.topology.vip, port: 80 })).status, 200);
  });

  async function unchanged(command: () => Promise<CommandResult>): Promise<CommandResult> {
    const outcome = await command();
    assert.deepEqual(await everything(), untouched);
    return outcome;
  }

  async function everything(): Promise<readonly string[]> {
    return [await bed.tell("-S -n"), await bed.script("attachments"), await bed.ip("addr")];
  }

  function unprivileged([program = "", ...args]: readonly string[], settings: CommandSettings = {}): Promise<CommandResult> {
    return bed.node([fileURLToPath(new URL("./unprivileged.js", import.meta.url)), program, ...args], settings);
  }
});

function assertOneMessage({ status, stdout, stderr }: CommandResult, expected: number, message: RegExp): void {
  assert.deepEqual([status, stdout], [expected, ""], stderr);
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  assert.match(stderr, message);
}
