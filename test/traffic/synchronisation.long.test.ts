// Two directors of one VIP, each told of the other's connections: a TCP connection by DR and a client of a persistent service go on through the second
// when the first is gone.
//
//   client ── bridge ─┬─ first    weir, master
//                     ├─ second   weir, backup
//                     └─ server   answers the client directly

import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestNamespace } from "../packets/test-namespace.js";
import { addNamespace } from "../packets/test-namespace.js";
import { PROJECT, needs } from "./bed.js";

const VIP = "10.77.9.9";
const [FIRST, SECOND, SERVER, CLIENT] = ["10.77.0.1", "10.77.0.2", "10.77.0.10", "10.77.0.254"];
const PORT = 7000;

describe("two directors", needs, () => {
  let [client, first, second, server]: readonly TestNamespace[] = [];
  const children: ChildProcessWithoutNullStreams[] = [];

  const run = (namespace: TestNamespace, command: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync("ip", ["netns", "exec", namespace.name, ...command], { encoding: "utf8", env: { ...process.env, WEIR_STATE: namespace.stateRoot } });
    return { status, text: stdout + stderr };
  };
  const succeed = (namespace: TestNamespace, ...command: readonly string[]): string => {
    const { status, text } = run(namespace, command);
    assert.equal(status, 0, `${command.join(" ")}: ${text}`);
    return text;
  };
  const ip = (namespace: TestNamespace, command: string) => succeed(namespace, "ip", ...command.split(" "));
  const ipvsadm = (namespace: TestNamespace, command: string) => run(namespace, ["node", `${PROJECT}bin/ipvsadm`, ...command.split(" ")]);
  const weir = (namespace: TestNamespace, command: string) => succeed(namespace, "node", `${PROJECT}bin/weir`, ...command.split(" "));
  const tell = (namespace: TestNamespace, command: string) => succeed(namespace, "node", `${PROJECT}bin/ipvsadm`, ...command.split(" "));

  function start(namespace: TestNamespace, script: string): ChildProcessWithoutNullStreams {
    const child = spawn("ip", ["netns", "exec", namespace.name, process.execPath, "--input-type=module", "-e", script]);
    children.push(child);
    return child;
  }

  /** The connection of `second` with the client's port, once it is told. */
  async function awaitTold(pattern: RegExp): Promise<void> {
    for (let i = 0; i < 50; i++) {
      if (pattern.test(weir(second!, "proc ip_vs_conn_sync"))) return;
      await sleep(100);
    }
    assert.fail(`${pattern} was not told: ${weir(second!, "proc ip_vs_conn_sync")}`);
  }

  before(async () => {
    [client, first, second, server] = [addNamespace(), addNamespace(), addNamespace(), addNamespace()];
    ip(client!, "link set lo up");
    ip(client!, "link add br0 type bridge mcast_snooping 0");
    for (const [namespace, address, name] of [[first, FIRST, "to-first"], [second, SECOND, "to-second"], [server, SERVER, "to-server"]] as const) {
      ip(client!, `link add ${name} type veth peer name eth0 netns ${namespace!.name}`);
      ip(client!, `link set ${name} master br0 up`);
      for (const command of ["link set lo up", "link set eth0 up", `addr add ${address}/24 dev eth0`]) ip(namespace!, command);
    }
    ip(client!, "link set br0 up");
    ip(client!, `addr add ${CLIENT}/24 dev br0`);
    ip(client!, `route add ${VIP} via ${FIRST}`);
    for (const name of ["all", "eth0"]) {
      succeed(server!, "sh", "-c", `echo 1 >/proc/sys/net/ipv4/conf/${name}/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/${name}/arp_announce`);
    }
    ip(server!, `addr add ${VIP}/32 dev lo`);
    const serving = start(server!, `import net from "node:net"; net.createServer((s) => s.pipe(s)).listen(${PORT}, "${VIP}", () => console.log("ready"));`);
    await once(serving.stdout, "data");
    for (const namespace of [first!, second!]) {
      tell(namespace, `-A -t ${VIP}:${PORT} -s rr -p 100`);
      tell(namespace, `-a -t ${VIP}:${PORT} -r ${SERVER} -g`);
    }
  });

  after(() => {
    for (const child of children) child.kill();
    for (const namespace of [first, second]) if (namespace !== undefined) run(namespace, ["node", `${PROJECT}bin/weir`, "down"]);
    for (const namespace of [client, first, second, server]) namespace?.remove();
  });

  test("daemons start, are listed, and are refused as IPVS refuses them", () => {
    tell(first!, "--start-daemon master --mcast-interface eth0 --syncid 7");
    tell(second!, "--start-daemon backup --mcast-interface eth0 --syncid 7");
    assert.deepEqual(ipvsadm(first!, "--start-daemon master --mcast-interface eth0"), { status: 255, text: "Daemon has already run\n" });
    assert.deepEqual(ipvsadm(first!, "--start-daemon backup --mcast-interface nope"), { status: 255, text: "No such device\n" });
    assert.deepEqual(ipvsadm(first!, "--stop-daemon backup"), { status: 255, text: "No daemon is running\n" });
    assert.deepEqual(ipvsadm(first!, "-L --daemon"), { status: 0, text: "master sync daemon (mcast=eth0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n" });
    assert.deepEqual(ipvsadm(second!, "-L --daemon"), { status: 0, text: "backup sync daemon (mcast=eth0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n" });
  });

  test("a TCP connection goes on through the second director when the first is gone, and its template is there too", async () => {
    const talking = start(client!, `import net from "node:net"; import readline from "node:readline";
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
    weir(first!, "down");
    ip(client!, `route replace ${VIP} via ${SECOND}`);
    for (const text of ["four", "five"]) assert.equal(await say(text), text);
    talking.stdin.end();
    talking.kill();
    assert.match(tell(second!, `-Ln --stats`), /10\.77\.0\.10:7000 +\d+ +[1-9]/, "by the second director");
  });

  test("a daemon whose process was killed is not listed, and another may be started", async () => {
    const pid = Number(/process (\d+)/.exec(weir(second!, "status"))?.[1]);
    assert.ok(pid > 0);
    process.kill(pid, "SIGKILL");
    for (let i = 0; i < 50 && /process \d+ takes/.test(weir(second!, "status")); i++) await sleep(50);
    assert.equal(tell(second!, "-L --daemon"), "");
    assert.match(weir(second!, "status"), new RegExp(`backup: NOT RUNNING, process ${pid} has ended`));
    tell(second!, "--start-daemon backup --mcast-interface eth0 --mcast-group ff02::81");
    assert.match(tell(second!, "-L --daemon"), /^backup .*maxlen=1452, group=ff02::81/);
    tell(second!, "--stop-daemon backup");
    assert.equal(tell(second!, "-L --daemon"), "");
  });
});
