// The command weir as an operator starts it: its messages, its exit status, what it does to a network namespace.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { PROC_FILES } from "#cli/proc/files.js";
import { whyNoBpf } from "#lab/requirements.js";

// Compiled, this file is dist/out/test/cli/weir.test.js.
const command = fileURLToPath(new URL("../../../../bin/weir", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "weir-cli-"));
const namespace = `weir-cli-${process.pid}`;
const state = `/run/weir-cli-${process.pid}`;

after(() => {
  spawnSync("ip", ["netns", "delete", namespace]);
  for (const mount of [join(state, "bpf"), join(state, "realserver/bpf")]) spawnSync("umount", [mount]);
  for (const path of [folder, state]) rmSync(path, { recursive: true, force: true });
});

interface Outcome { readonly status: number | null; readonly stdout: string; readonly stderr: string }

function run(program: string, args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", cwd: folder, env: { ...process.env, WEIR_STATE: state } });
  return { status, stdout, stderr };
}
const weir = (...args: string[]): Outcome => run(command, args);
const inside = (...args: string[]): Outcome => run("ip", ["netns", "exec", namespace, ...args]);
const weirInside = (...args: string[]): Outcome => inside(process.execPath, command, ...args);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test("it starts from any folder through a symbolic link", () => {
  symlinkSync(command, join(folder, "weir"));
  const { status, stdout } = run(join(folder, "weir"), ["--version"]);
  assert.equal(status, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test("where it has not been built it says what to do", () => {
  mkdirSync(join(folder, "unbuilt/bin"), { recursive: true });
  writeFileSync(join(folder, "unbuilt/package.json"), `{ "type": "module" }`);
  copyFileSync(command, join(folder, "unbuilt/bin/weir"));
  const { status, stderr } = run(process.execPath, [join(folder, "unbuilt/bin/weir"), "status"]);
  assert.equal(status, 1);
  assert.match(stderr, /not been built yet; run "npm run build" in .*unbuilt/);
});

test("a wrong command line ends with status 2 and a hint", () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["aply"], /unknown command 'aply'\n\(Did you mean apply\?\)/],
    [["apply"], /missing required argument 'file'/],
    [["sysctl", "drop_entri=1"], /There is no sysctl "drop_entri"; did you mean "drop_entry"\?/],
    [["sysctl", "net.ipv4.vs.drop_entry=4"], /Cannot set the sysctl drop_entry: "4" is not a whole number from 0 to 3/],
    [["sysctl", "conntrack=1"], /"1" is not 0: packets are forwarded before netfilter/],
    [["proc", "ip_vs_con"], new RegExp(`'ip_vs_con' is invalid for argument 'name'. Allowed choices are ${Object.keys(PROC_FILES).join(", ")}\\.`)],
    [["apply", "missing.yaml"], /Cannot read the configuration missing.yaml/],
    [["realserver", "up", "--method", "masq", "--vip", "10.0.0.100"], /Allowed choices are nat, dr, tun/],
    [["realserver", "up", "--method", "dr", "--vip", "10.0.0"], /"10.0.0" is not an address/],
    [["realserver", "up", "--method", "dr", "--vip", "10.0.0.100", "--gateway", "10.0.0.1"], /--gateway is for --method nat/],
  ];
  for (const [args, message] of wrong) {
    const { status, stderr } = weir(...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n    at /);
  }
});

test("a wrong configuration ends with status 2 and every mistake at its place", () => {
  const path = file("wrong.yaml", "services:\n  - protocol: tpc\n    address: 10.0.0.100\n    port: 80\n    destinations: [{ address: 10.0.0.300, method: dr }]\n");
  const { status, stdout, stderr } = weir("apply", path);
  assert.equal(status, 2);
  assert.equal(stdout, "");
  assert.equal(stderr, [
    `Cannot use ${path}: 2 mistakes`,
    `${path}:2:15: services[0].protocol: "tpc" is not known; did you mean "tcp"?`,
    `${path}:5:31: services[0].destinations[0].address: "10.0.0.300" is not an address; give one such as 192.168.1.11, with the port as port`,
    "",
  ].join("\n"));
});

test("apply --check says that a file is right and changes nothing", () => {
  const path = file("right.yaml", "services:\n  - { protocol: tcp, address: 10.0.0.100, port: 80, scheduler: rr, method: dr, destinations: [{ address: 10.0.0.11 }] }\n");
  const { status, stdout } = weir("apply", "--check", path);
  assert.deepEqual([status, stdout], [0, `${path}: 1 service, 1 destination; no mistakes\n`]);
});

const namespaces = run("ip", ["netns", "add", namespace]);
const needsNamespace = { skip: namespaces.status === 0 ? false : `network namespaces cannot be made here: ${namespaces.stderr}` };
const needsBpf = { skip: needsNamespace.skip === false ? whyNoBpf() ?? false : needsNamespace.skip };

test("a real server for DR is prepared, shown and taken back", needsNamespace, () => {
  for (const line of ["link set lo up", "link add eth0 type veth peer name peer", "address add 10.0.0.11/24 dev eth0", "link set eth0 up", "link set peer up"]) {
    assert.equal(run("ip", ["-n", namespace, ...line.split(" ")]).status, 0, line);
  }
  const machine = () => [inside("ip", "-o", "address", "show", "dev", "lo").stdout, inside("sh", "-c", "grep . /proc/sys/net/ipv4/conf/*/arp_*").stdout];
  const before = machine();

  const up = weirInside("realserver", "up", "--method", "dr", "--vip", "10.0.0.100");
  assert.equal(up.status, 0, up.stderr);
  assert.match(up.stdout, /sysctl net\.ipv4\.conf\.all\.arp_ignore: set to 1\n/);
  assert.match(up.stdout, /address 10\.0\.0\.100\/32: put on lo as lo:weir\n/);
  assert.match(machine()[0]!, /10\.0\.0\.100\/32 scope global lo:weir/);

  const again = weirInside("realserver", "up", "--method", "dr", "--vip", "10.0.0.100");
  assert.equal(again.stdout, "nothing to change; real server for 10.0.0.100 by dr\n");
  assert.match(weirInside("realserver", "status").stdout, /real server for 10\.0\.0\.100 by dr\n  sysctl/);

  assert.equal(weirInside("realserver", "down").status, 0);
  assert.deepEqual(machine(), before);
});

test("a plan that cannot work is refused with status 1 and changes nothing", needsNamespace, () => {
  const { status, stderr, stdout } = weirInside("realserver", "up", "--method", "nat", "--vip", "10.0.0.100");
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /there is no default route; name the director's address with --gateway/);
});

test("a director is brought up, changed by the smallest difference, shown and taken down", needsBpf, () => {
  const text = "interfaces: [eth0]\nservices:\n  - protocol: tcp\n    address: 10.0.0.100\n    port: 80\n    interface: eth0\n    scheduler: wrr\n"
    + "    method: nat\n    destinations: [{ address: 10.1.0.1 }, { address: 10.1.0.2, weight: 2 }]\n";
  const path = file("director.yaml", text);
  const plan = weirInside("plan", path);
  assert.equal(plan.status, 0, plan.stderr);
  assert.equal(weirInside("status").stdout, "there is no director here; start one with weir apply FILE\n");
  const up = weirInside("apply", path);
  assert.equal(up.status, 0, up.stderr);
  assert.deepEqual(plan.stdout.split("\n").slice(0, -2), up.stdout.split("\n").slice(0, -2));
  assert.match(up.stdout, /^service tcp 10\.0\.0\.100:80: added, scheduler wrr$/m);
  assert.match(up.stdout, /^interface eth0: attached at tc/m);
  assert.match(up.stdout, /^address 10\.0\.0\.100\/32: put on eth0$/m);

  assert.equal(weirInside("apply", path).stdout, `${path}: 1 service, 2 destinations; nothing to change\n`);
  writeFileSync(path, text.replace("weight: 2", "weight: 5"));
  assert.match(weirInside("plan", path).stdout, /^  destination 10\.1\.0\.2:80 of tcp 10\.0\.0\.100:80: weight 2 → 5\n.*; 1 to change, nothing was\n$/);
  assert.match(weirInside("apply", path).stdout, /^  destination 10\.1\.0\.2:80 of tcp 10\.0\.0\.100:80: weight 2 → 5\n[^\n]*\n$/);
  assert.match(weirInside("status").stdout, /^Health: no daemon runs, so nobody checks the servers \(weir up FILE\)\n\nInterface/);
  assert.match(weirInside("status").stdout, /^  10\.1\.0\.2:80 +nat +5 +0 +0/m);

  writeFileSync(path, text.replace("interfaces: [eth0]", "interfaces: [eth1]"));
  assert.match(weirInside("apply", path).stderr, /:1:14: interfaces\[0\]: there is no interface "eth1" here; did you mean "eth0"\?/);

  assert.match(weirInside("down").stdout, /^address 10\.0\.0\.100\/32: taken off eth0$/m);
  assert.doesNotMatch(inside("ip", "-o", "address", "show", "dev", "eth0").stdout, /10\.0\.0\.100/);
});

test("sysctls are set all or none, by command and by file, for as long as the director stands", needsBpf, () => {
  const shown = () => weirInside("sysctl", "net.ipv4.vs.drop_entry", "sync_threshold").stdout;
  assert.equal(shown(), "net.ipv4.vs.drop_entry = 0\nnet.ipv4.vs.sync_threshold = 3\t50\n");
  const set = weirInside("sysctl", "drop_entry=1", "net.ipv4.vs.sync_threshold=5 60", "ignore_tunneled=1", "am_droprate");
  assert.deepEqual([set.status, set.stdout], [0, "net.ipv4.vs.drop_entry = 1\nnet.ipv4.vs.sync_threshold = 5\t60\nnet.ipv4.vs.ignore_tunneled = 1\nnet.ipv4.vs.am_droprate = 10\n"]);
  assert.equal(set.stderr, "weir: ignore_tunneled is kept, but nothing goes by it: they never are\n");

  const wrong = weirInside("sysctl", "drop_entry=3", "sync_threshold=7", "secure_tpc=1");
  assert.deepEqual([wrong.status, wrong.stdout], [2, ""]);
  assert.equal(wrong.stderr.split("\n").length, 3, "a line for each mistake");
  assert.equal(shown(), "net.ipv4.vs.drop_entry = 1\nnet.ipv4.vs.sync_threshold = 5\t60\n");

  const path = file("sysctl.yaml", "interfaces: [eth0]\nservices: []\nsysctl: { drop_entry: 1, drop_packet: 3, sync_threshold: 9 90, ignore_tunneled: 2 }\n");
  const up = weirInside("apply", path);
  assert.equal(up.status, 0, up.stderr);
  assert.match(up.stdout, /^sysctl net\.ipv4\.vs\.sync_threshold = 9\t90$/m);
  assert.match(up.stdout, /^sysctl net\.ipv4\.vs\.ignore_tunneled = 2 \(nothing goes by it: /m);
  assert.equal(weirInside("sysctl").stdout.split("\n").length, 30);
  assert.equal(weirInside("apply", path).stdout, `${path}: 0 services, 0 destinations; nothing to change\n`);
  assert.equal(weirInside("down").status, 0);
  assert.equal(shown(), "net.ipv4.vs.drop_entry = 0\nnet.ipv4.vs.sync_threshold = 3\t50\n");
});

test("without a director proc prints what the kernel does where nothing is configured", needsNamespace, () => {
  const { status, stdout } = weirInside("proc", "ip_vs");
  assert.equal(status, 0);
  assert.equal(stdout.split("\n").length, 4, "the headings alone");
});

test("without a director status and down say so", needsNamespace, () => {
  assert.deepEqual(["status", "down"].map((name) => weirInside(name).stdout), [
    "there is no director here; start one with weir apply FILE\n", "there is no director here; nothing to take back\n",
  ]);
});
