// Two directors of one VIP that are master and backup at once, by an IPv6 group and several ports, from weir.yaml: each knows the other's connections,
// tells nothing back of what it was told, and takes nothing of what it told itself.
//
//   client ── bridge ─┬─ first    weir, master and backup; hears the group beside it
//     hears the group ├─ second   weir, master and backup
//                     └─ server   by DR

import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestNamespace } from "../packets/test-namespace.js";
import { needs } from "./bed.js";
import { FIRST, SECOND, SERVER, TwoDirectors, VIP } from "./two-directors.js";

const PORT = 5000;
const PORTS = 4;
const CONNECTIONS = 16;
/** Of the master at its table, and more. */
const A_LOOK_MILLISECONDS = 1000;
const POLL_MILLISECONDS = 100;
const POLLS_MAX = 100;
const FILE = `
sysctl: { sync_ports: ${PORTS} }
sync:
  - { role: master, interface: eth0, syncId: 7, group: "ff02::81" }
  - { role: backup, interface: eth0, syncId: 7, group: "ff02::81" }
services:
  - { protocol: udp, address: ${VIP}, port: ${PORT}, scheduler: rr, method: dr, destinations: [{ address: ${SERVER} }] }
`;

describe("two directors that are both master and backup", needs, () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-both-"));
  const file = join(folder, "weir.yaml");
  let lab: TwoDirectors;
  const hearing: ChildProcessWithoutNullStreams[] = [];
  /** Ports that messages came to, and the addresses that they came from: at the client, and in the namespace of the first. */
  const heard = new Set<string>();
  const heardAtFirst = new Set<string>();

  /** By the client's port: who told it, "LOCAL" or "SYNC". */
  const originsOf = (namespace: TestNamespace): ReadonlyMap<number, string> => new Map([...lab.weir(namespace, "proc ip_vs_conn_sync").matchAll(/^UDP 0A4D00FE (\w{4}) .* (LOCAL|SYNC) /gm)]
    .map(([, port, origin]) => [Number.parseInt(port!, 16), origin!]));

  /** Five packets from each port, to the VIP by that director. */
  function send(by: string, ports: readonly number[]): void {
    lab.routeBy(by);
    lab.succeed(lab.client, process.execPath, "--input-type=module", "-e", `import dgram from "node:dgram";
      for (const port of ${JSON.stringify(ports)}) {
        const socket = dgram.createSocket("udp4");
        await new Promise((resolve) => socket.bind(port, resolve));
        for (let i = 0; i < 5; i++) await new Promise((resolve) => socket.send("x", ${PORT}, "${VIP}", resolve));
        socket.close();
      }`);
  }

  async function awaitTold(namespace: TestNamespace, ports: readonly number[]): Promise<void> {
    let missing = ports;
    for (let i = 0; i < POLLS_MAX && missing.length > 0; i++) {
      if (i > 0) await sleep(POLL_MILLISECONDS);
      const origins = originsOf(namespace);
      missing = ports.filter((port) => origins.get(port) !== "SYNC");
    }
    assert.deepEqual(missing, [], `those that were not told; heard: ${[...heard].join(", ")}`);
  }

  /** What is sent to the group, as one that joined it there is given it. */
  async function hear(namespace: TestNamespace, device: string, all: Set<string>): Promise<void> {
    const child = spawn("ip", ["netns", "exec", namespace.name, process.execPath, "--input-type=module", "-e", `import dgram from "node:dgram";
      for (let port = 8848; port < ${8848 + PORTS}; port++) {
        const socket = dgram.createSocket({ type: "udp6", reuseAddr: true });
        await new Promise((resolve) => socket.bind(port, "::", resolve));
        socket.addMembership("ff02::81", "::%${device}");
        socket.on("message", (message, from) => console.log(port, from.address.replace(/%.*/, "")));
      }
      console.log("ready");`]);
    hearing.push(child);
    await once(child.stdout, "data");
    child.stdout.on("data", (bytes: Buffer) => { for (const line of bytes.toString().trim().split("\n")) all.add(line); });
  }

  const sendersOf = (all: ReadonlySet<string>): readonly string[] => [...new Set([...all].map((line) => line.split(" ")[1]!))].sort();
  const addressOf = (namespace: TestNamespace): string | undefined => /inet6 (fe80:[0-9a-f:]+)/.exec(lab.ip(namespace, "-6 address show dev eth0 scope link"))?.[1];
  const daemonLines = (...roles: readonly string[]): string => roles.map((role) => `${role} sync daemon (mcast=eth0, syncid=7, maxlen=1452, group=ff02::81, port=8848, ttl=1)\n`).join("");

  before(async () => {
    writeFileSync(file, FILE);
    lab = new TwoDirectors();
    lab.connect();
    // The kernel gives these addresses when it has seen that the link is up; before, nothing leaves.
    for (const namespace of [lab.first, lab.second]) for (let i = 0; i < POLLS_MAX && addressOf(namespace) === undefined; i++) await sleep(POLL_MILLISECONDS);
    await hear(lab.client, "br0", heard);
    await hear(lab.first, "eth0", heardAtFirst);
    for (const namespace of [lab.first, lab.second]) lab.weir(namespace, `apply ${file}`);
  });

  after(() => {
    for (const child of hearing) child.kill();
    lab?.close();
    rmSync(folder, { recursive: true });
  });

  test("both roles run, and applying the file again leaves them", () => {
    const processes = [...lab.weir(lab.first, "status").matchAll(/process \d+/g)].map(([text]) => text);
    assert.deepEqual([lab.ipvsadm(lab.first, "-L --daemon"), lab.ipvsadm(lab.second, "-L --daemon"), processes.length], [daemonLines("master", "backup"), daemonLines("master", "backup"), 2]);
    assert.match(lab.weir(lab.first, `plan ${file}`), /nothing to change/);
    assert.match(lab.weir(lab.first, `apply ${file}`), /nothing to change/);
    assert.deepEqual([...lab.weir(lab.first, "status").matchAll(/process \d+/g)].map(([text]) => text), processes);
  });

  test("each is told of what begins at the other, by several ports, and tells nothing back", async () => {
    const [atFirst, atSecond] = [20000, 30000].map((from) => Array.from({ length: CONNECTIONS }, (_, i) => from + i)) as [number[], number[]];
    send(FIRST, atFirst);
    await awaitTold(lab.second, atFirst);
    await sleep(A_LOOK_MILLISECONDS);
    assert.deepEqual(sendersOf(heard), [addressOf(lab.first)], "only the first has told anything");
    assert.equal(new Set([...heard].map((line) => line.split(" ")[0])).size, PORTS, [...heard].join(", "));
    assert.deepEqual([...heardAtFirst], [], "what it says itself does not come back to it");
    send(SECOND, atSecond);
    await awaitTold(lab.first, atSecond);
    await sleep(A_LOOK_MILLISECONDS);
    assert.deepEqual(sendersOf(heardAtFirst), [addressOf(lab.second)]);
    assert.deepEqual(sendersOf(heard), [addressOf(lab.first), addressOf(lab.second)].sort());
    const [byFirst, bySecond] = [originsOf(lab.first), originsOf(lab.second)];
    assert.deepEqual([...atFirst, ...atSecond].filter((port) => byFirst.get(port) !== (atFirst.includes(port) ? "LOCAL" : "SYNC")), []);
    assert.deepEqual([...atFirst, ...atSecond].filter((port) => bySecond.get(port) !== (atSecond.includes(port) ? "LOCAL" : "SYNC")), []);
  });

  test("one role is stopped without the other, which goes on, and started again beside it", async () => {
    for (const role of ["master", "backup"]) {
      const other = role === "master" ? "backup" : "master";
      const pidOfOther = () => new RegExp(`${other}: process (\\d+)`).exec(lab.weir(lab.second, "status"))![1]!;
      const pid = pidOfOther();
      lab.ipvsadm(lab.second, `--stop-daemon ${role}`);
      assert.deepEqual([lab.ipvsadm(lab.second, "-L --daemon"), pidOfOther()], [daemonLines(other), pid]);
      const port = role === "master" ? 21000 : 31000;
      send(role === "master" ? FIRST : SECOND, [port]);
      await awaitTold(role === "master" ? lab.second : lab.first, [port]);
      lab.ipvsadm(lab.second, `--start-daemon ${role} --mcast-interface eth0 --syncid 7 --mcast-group ff02::81`);
      assert.equal(lab.ipvsadm(lab.second, "-L --daemon"), daemonLines("master", "backup"));
    }
  });

  test("a file without sync daemons stops them, and one that is killed is started by the next apply", async () => {
    const pid = Number(/master: process (\d+)/.exec(lab.weir(lab.second, "status"))?.[1]);
    process.kill(pid, "SIGKILL");
    for (let i = 0; i < POLLS_MAX && /master: process/.test(lab.weir(lab.second, "status")); i++) await sleep(POLL_MILLISECONDS);
    assert.match(lab.weir(lab.second, `apply ${file}`), /sync daemon master: started on eth0, sync id 7/);
    writeFileSync(file, FILE.replace(/^sync:\n(?:  .*\n){2}/m, "sync: []\n"));
    assert.match(lab.weir(lab.second, `apply ${file}`), /sync daemon master: stopped\n.*sync daemon backup: stopped/s);
    assert.equal(lab.ipvsadm(lab.second, "-L --daemon"), "");
  });
});
