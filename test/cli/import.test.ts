// weir import as an operator runs it: what is printed where, and with which exit status.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseConfig } from "#model/config.js";

// Compiled, this file is dist/out/test/cli/import.test.js.
const command = fileURLToPath(new URL("../../../../bin/weir", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "weir-import-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function weir(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(command, ["import", ...args], { encoding: "utf8", cwd: folder, input });
  return { status, stdout, stderr };
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const SERVER = "    real_server 10.0.0.2 80 {\n        TCP_CHECK {\n        }\n    }\n}\n";

test("keepalived.conf, with what it includes and for the machine that is told", () => {
  mkdirSync(join(folder, "more/inner"), { recursive: true });
  file("more/one.conf", `include inner/*.conf\nvirtual_server 10.0.1.1 80 {\n    protocol TCP\n${SERVER}`);
  file("more/two.conf", `virtual_server 10.0.2.1 80 {\n    protocol TCP\n${SERVER}`);
  file("more/inner/three.conf", `virtual_server 10.0.3.1 80 {\n    protocol TCP\n    quorum_up \${_PWD}/up\n${SERVER}`);
  file("more/four.txt", "what is this\n");
  file("keepalived.conf", `vrrp_instance VI_1 {\n}\ninclude {more/o*.conf,more/[st]wo.conf}\n@left virtual_server 10.0.0.1 80 {\n@^left virtual_server 10.0.0.2 80 {\n    protocol TCP\n${SERVER}`);
  const { status, stdout, stderr } = weir(["keepalived", "keepalived.conf", "--config-id", "left"]);
  assert.deepEqual([status, stderr], [0, "keepalived.conf:1: vrrp_instance VI_1: left to keepalived; weir does no VRRP, so run keepalived with this block for the VIPs\n"]);
  const { services } = parseConfig(stdout, { file: "weir.yaml", environment: {} });
  assert.deepEqual(services.map(({ id }) => id.kind === "address" && id.address), ["10.0.3.1", "10.0.1.1", "10.0.2.1", "10.0.0.1"]);
  assert.deepEqual(services[0]!.health.quorum.notify.up?.words, [join(realpathSync(folder), "more/inner/up")]);
  assert.match(stdout, /^# From keepalived\.conf\.\n\n# Not carried over.*\n#   keepalived\.conf:1: vrrp_instance VI_1/);
});

test("mistakes are all that is said of a file that has some, included files by their names", () => {
  mkdirSync(join(folder, "bad"), { recursive: true });
  file("bad/one.conf", "virtual_servr 10.0.0.1 80 {\n}\n");
  file("bad.conf", "include bad/one.conf\nglobal_defs {\n    lvs_timeouts tcp many\n}\nvrrp_instance VI_1 {\n}\n");
  const { status, stdout, stderr } = weir(["keepalived", "bad.conf"]);
  assert.deepEqual([status, stdout], [2, ""]);
  assert.equal(stderr, [
    "Cannot use bad.conf: 2 mistakes",
    "bad.conf:3:5: lvs_timeouts: \"many\" is not a number of seconds from 1 to 31536000",
    "bad/one.conf:1:1: \"virtual_servr\" is no directive of keepalived.conf; did you mean \"virtual_server\"?",
    "",
  ].join("\n"));
});

test("ldirectord.cf", () => {
  file("ldirectord.cf", "autoreload=yes\nvirtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\tchecktype=connect\n");
  const { status, stdout, stderr } = weir(["ldirectord", "ldirectord.cf"]);
  assert.deepEqual([status, stderr], [0, "ldirectord.cf:1: autoreload=yes: left out; weir reads its file again on SIGHUP\n"]);
  assert.equal(parseConfig(stdout, { file: "weir.yaml" }).services[0]!.destinations[0]!.health.checks[0]!.type, "tcp");
});

test("ipvsadm's rules, from stdin, in their order", () => {
  const rules = [
    "-A -t 10.0.0.9:80 -s sh -b sh-port -p 300 -M 255.255.255.0", "-a -t 10.0.0.9:80 -r 10.0.0.2:8080 -m -w 3 -x 10 -y 5",
    "-a -t 10.0.0.9:80 -r 10.0.0.3:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum", "", "ipvsadm -A -f 3 -6 -s rr -b flag-3 -o", "-a -f 3 -6 -r [fd00::1]:80 -g",
    "-A -t 10.0.0.1:80 -s lc", "-A -t 10.0.0.2:80", "-D -t 10.0.0.2:80", "-a -f 3 -6 -r [fd00::2]:80 -g", "-e -f 3 -6 -r [fd00::2]:80 -g -w 0", "-d -f 3 -6 -r [fd00::1]:80", "--set 100 0 30", "-L -n",
  ];
  const { status, stdout, stderr } = weir(["ipvsadm", "-"], rules.join("\n"));
  assert.equal(status, 0, stderr);
  assert.equal(stderr, [
    "-:6: -r [fd00::1]:80: its port is left out: a service by mark has every port, and DR and TUN change none",
    "-:10: -r [fd00::2]:80: its port is left out: a service by mark has every port, and DR and TUN change none",
    "-:11: -r [fd00::2]:80: its port is left out: a service by mark has every port, and DR and TUN change none",
    "-:14: -L -n: left out; it makes no service, no server and no sync daemon", "",
  ].join("\n"));
  const { services, timeouts } = parseConfig(stdout, { file: "weir.yaml" });
  assert.deepEqual(timeouts, { tcp: 100, tcpFin: 0, udp: 30 });
  const none = { tunnelType: "ipip", tunnelPort: 0, tunnelChecksum: "none", upperThreshold: 0, lowerThreshold: 0 };
  assert.deepEqual(services.map(({ health: _health, destinations, ...service }) => ({ ...service, destinations: destinations.map(({ health: _checks, ...destination }) => destination) })), [
    {
      id: { kind: "address", protocol: "tcp", address: "10.0.0.9", port: 80 }, scheduler: "sh", schedulerFlags: 2, persistentSeconds: 300, netmask: "255.255.255.0", persistenceEngine: "", onePacket: false,
      destinations: [
        { address: "10.0.0.2", port: 8080, forward: "masq", weight: 3, ...none, upperThreshold: 10, lowerThreshold: 5 },
        { address: "10.0.0.3", port: 80, forward: "tunnel", weight: 1, ...none, tunnelType: "gue", tunnelPort: 6080, tunnelChecksum: "checksum" },
      ],
    },
    {
      id: { kind: "fwmark", fwmark: 3, family: 6 }, scheduler: "rr", schedulerFlags: 4, persistentSeconds: 0, netmask: "128", persistenceEngine: "", onePacket: true,
      destinations: [{ address: "fd00::2", port: 0, forward: "route", weight: 0, ...none }],
    },
    { id: { kind: "address", protocol: "tcp", address: "10.0.0.1", port: 80 }, scheduler: "lc", schedulerFlags: 0, persistentSeconds: 0, netmask: "255.255.255.255", persistenceEngine: "", onePacket: false, destinations: [] },
  ]);
});

test("ipvsadm's sync daemons, those that are not stopped again, as they were asked for", () => {
  const { status, stdout, stderr } = weir(["ipvsadm", "-"], [
    "--start-daemon master --mcast-interface eth1 --syncid 7 --mcast-group ff02::81 --mcast-ttl 3", "--start-daemon backup --mcast-interface eth1 --sync-maxlen 1000", "--stop-daemon backup",
    "--start-daemon backup --mcast-interface eth2 --mcast-port 8900",
  ].join("\n"));
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual(parseConfig(stdout, { file: "weir.yaml" }).syncDaemons, [
    { role: "master", interface: "eth1", syncId: 7, group: "ff02::81", ttl: 3 }, { role: "backup", interface: "eth2", syncId: 0, port: 8900 },
  ]);
  assert.match(weir(["ipvsadm", "-"], "--start-daemon master").stderr, /-:1:1: .*--start-daemon master/);
});

test("what ipvsadm refuses is refused with its line", () => {
  const { status, stdout, stderr } = weir(["ipvsadm", "-"], "-A -t 10.0.0.1:80 -s qq\n-a -t 10.0.0.9:80 -r 10.0.0.2\n -A -t 10.0.0.1:0\n-Q\n-A -f 1\n-a -f 1 -r 10.0.0.2 -x 70000\n");
  assert.deepEqual([status, stdout], [2, ""]);
  assert.equal(stderr, [
    "Cannot use -: 5 mistakes",
    "-:1:1: Scheduler or persistence engine not found: -A -t 10.0.0.1:80 -s qq",
    "-:2:1: Service not defined: -a -t 10.0.0.9:80 -r 10.0.0.2",
    "-:3:2: Zero port specified for non-persistent service: -A -t 10.0.0.1:0",
    "-:4:1: Try `ipvsadm -h' or 'ipvsadm --help' for more information.: -Q",
    "-:6:1: A threshold is at most 65535 in weir.yaml: -a -f 1 -r 10.0.0.2 -x 70000",
    "",
  ].join("\n"));
});

test("a wrong command line, or no file, ends with status 2", () => {
  assert.match(weir(["haproxy", "x"]).stderr, /Allowed choices are ipvsadm, keepalived, ldirectord/);
  const { status, stderr } = weir(["keepalived", "missing.conf"]);
  assert.deepEqual([status, stderr.startsWith("weir: Cannot read missing.conf: ENOENT")], [2, true]);
});
