// Two directors of one VIP, each told of the other's connections: a TCP connection by DR and a client of a persistent service go on through the second
// when the first is gone.
//
//   client ── bridge ─┬─ first    weir, master
//                     ├─ second   weir, backup
//                     └─ server   answers the client directly

import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestNamespace } from "../packets/test-namespace.js";
import { PROJECT, needs } from "./bed.js";
import { FIRST, SECOND, SERVER, TwoDirectors, VIP } from "./two-directors.js";

const PORT = 7000;

describe("two directors", needs, () => {
  let lab: TwoDirectors;
  const children: ChildProcessWithoutNullStreams[] = [];
  const ipvsadm = (namespace: TestNamespace, command: string) => lab.run(namespace, "node", `${PROJECT}bin/ipvsadm`, ...command.split(" "));

  function start(namespace: TestNamespace, script: string): ChildProcessWithoutNullStreams {
    const child = spawn("ip", ["netns", "exec", namespace.name, process.execPath, "--input-type=module", "-e", script]);
    children.push(child);
    return child;
  }

  /** The connection of `second` with the client's port, once it is told. */
  async function awaitTold(pattern: RegExp): Promise<void> {
    for (let i = 0; i < 50; i++) {
      if (pattern.test(lab.weir(lab.second, "proc ip_vs_conn_sync"))) return;
      await sleep(100);
    }
    assert.fail(`${pattern} was not told: ${lab.weir(lab.second, "proc ip_vs_conn_sync")}`);
  }

  before(async () => {
    lab = new TwoDirectors();
    lab.connect();
    lab.routeBy(FIRST);
    for (const name of ["all", "eth0"]) {
      lab.succeed(lab.server, "sh", "-c", `echo 1 >/proc/sys/net/ipv4/conf/${name}/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/${name}/arp_announce`);
    }
    lab.ip(lab.server, `addr add ${VIP}/32 dev lo`);
    const serving = start(lab.server, `import net from "node:net"; net.createServer((s) => s.pipe(s)).listen(${PORT}, "${VIP}", () => console.log("ready"));`);
    await once(serving.stdout, "data");
    for (const namespace of [lab.first, lab.second]) {
      lab.ipvsadm(namespace, `-A -t ${VIP}:${PORT} -s rr -p 100`);
      lab.ipvsadm(namespace, `-a -t ${VIP}:${PORT} -r ${SERVER} -g`);
    }
  });

  after(() => {
    for (const child of children) child.kill();
    lab?.close();
  });

  test("daemons start, are listed, and are refused as IPVS refuses them", () => {
    lab.ipvsadm(lab.first, "--start-daemon master --mcast-interface eth0 --syncid 7");
    lab.ipvsadm(lab.second, "--start-daemon backup --mcast-interface eth0 --syncid 7");
    assert.deepEqual(ipvsadm(lab.first, "--start-daemon master --mcast-interface eth0"), { status: 255, text: "Daemon has already run\n" });
    assert.deepEqual(ipvsadm(lab.first, "--start-daemon backup --mcast-interface nope"), { status: 255, text: "No such device\n" });
    assert.deepEqual(ipvsadm(lab.first, "--stop-daemon backup"), { status: 255, text: "No daemon is running\n" });
    assert.deepEqual(ipvsadm(lab.first, "-L --daemon"), { status: 0, text: "master sync daemon (mcast=eth0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n" });
    assert.deepEqual(ipvsadm(lab.second, "-L --daemon"), { status: 0, text: "backup sync daemon (mcast=eth0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n" });
  });

  test("a TCP connection goes on through the second director when the first is gone, and its template is there too", async () => {
    const talking = start(lab.client, `import net from "node:net"; import readline from "node:readline";
      const socket = net.connect({ host: "${VIP}", port: ${PORT}, localPort: 40000 });
      socket.on("data", (bytes) => console.log(bytes.toString())).on("error", (error) => console.log(error.code));
      readline.createInterface(process.stdin).on("line", (line) => socket.write(line));`);
    const answers = createInterface(talking.stdout)[Symbol.asyncIterator]();
    const say = async (text: string): Promise<string> => {
      talking.stdin.write(`${text}\n`);
      return (await answers.next()).value as string;
    };
    for (const text of ["one", "two", "three"]) assert.equal(await say(text), text);
    await awaitTold(/^TCP 0A4D00FE 9C40 0A4D0909 1B58 0A4D000A 1B58 ESTABLISHED SYNC /m);
    await awaitTold(/^TCP 0A4D00FE 0000 0A4D0909 1B58 0A4D000A 1B58 ASSURED     SYNC /m);
    lab.weir(lab.first, "down");
    lab.routeBy(SECOND);
    for (const text of ["four", "five"]) assert.equal(await say(text), text);
    talking.stdin.end();
    talking.kill();
    assert.match(lab.ipvsadm(lab.second, `-Ln --stats`), /10\.77\.0\.10:7000 +\d+ +[1-9]/, "by the second director");
  });

  test("a daemon whose process was killed is not listed, and another may be started", async () => {
    const pid = Number(/process (\d+)/.exec(lab.weir(lab.second, "status"))?.[1]);
    assert.ok(pid > 0);
    process.kill(pid, "SIGKILL");
    for (let i = 0; i < 50 && /process \d+ takes/.test(lab.weir(lab.second, "status")); i++) await sleep(50);
    assert.equal(lab.ipvsadm(lab.second, "-L --daemon"), "");
    assert.match(lab.weir(lab.second, "status"), new RegExp(`backup: NOT RUNNING, process ${pid} has ended`));
    lab.ipvsadm(lab.second, "--start-daemon backup --mcast-interface eth0 --mcast-group ff02::81");
    assert.match(lab.ipvsadm(lab.second, "-L --daemon"), /^backup .*maxlen=1452, group=ff02::81/);
    lab.ipvsadm(lab.second, "--stop-daemon backup");
    assert.equal(lab.ipvsadm(lab.second, "-L --daemon"), "");
  });
});
