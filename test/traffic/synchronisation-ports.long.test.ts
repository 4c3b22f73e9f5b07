// The sync daemons' sockets between two network namespaces, by an IPv6 group and several ports (sync_ports): what is sent by each port comes.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestNamespace } from "../packets/test-namespace.js";
import { addNamespace } from "../packets/test-namespace.js";
import { PROJECT, needs } from "./bed.js";

const PORTS = 4;
const POLL_MILLISECONDS = 50;
const ADDRESS_MILLISECONDS_MAX = 10_000;
const SOCKETS = `const { openReceiver, openSender } = await import("${PROJECT}dist/control/synchronisation/sockets.js");
  const place = { interface: "eth0", group: "ff02::81", port: 8848, ttl: 1, ports: ${PORTS} };`;

describe("messages by an IPv6 group", needs, () => {
  let [master, backup]: readonly TestNamespace[] = [];
  const inside = ({ name }: TestNamespace, ...command: readonly string[]) => ["netns", "exec", name, ...command];
  const ip = (...words: readonly string[]) => assert.equal(spawnSync("ip", words).status, 0, words.join(" "));

  before(async () => {
    [master, backup] = [addNamespace(), addNamespace()];
    ip("link", "add", "eth0", "netns", master!.name, "type", "veth", "peer", "name", "eth0", "netns", backup!.name);
    for (const namespace of [master!, backup!]) {
      ip(...inside(namespace, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad"));
      ip("-n", namespace.name, "link", "set", "eth0", "up");
    }
    // The kernel gives these addresses when it has seen that the link is up; before, nothing leaves.
    const hasAddress = ({ name }: TestNamespace) => spawnSync("ip", ["-n", name, "-6", "address", "show", "dev", "eth0", "scope", "link"], { encoding: "utf8" }).stdout.includes("fe80:");
    for (let waited = 0; ![master!, backup!].every(hasAddress); waited += POLL_MILLISECONDS) {
      assert.ok(waited < ADDRESS_MILLISECONDS_MAX, "a link-local address");
      await sleep(POLL_MILLISECONDS);
    }
  });

  after(() => {
    for (const namespace of [master, backup]) namespace?.remove();
  });

  test("come by each of the ports", async () => {
    const receiver = spawn("ip", inside(backup!, process.execPath, "--input-type=module", "-e", `${SOCKETS}
      const found = new Set();
      await openReceiver(place, 0, (message) => {
        found.add(message[0]);
        if (found.size < ${PORTS}) return;
        console.log([...found].sort().join(" "));
        process.exit(0);
      });
      console.log("ready");
      setTimeout(() => process.exit(1), 30000);`));
    let said = "";
    receiver.stdout.on("data", (bytes: Buffer) => { said += bytes.toString(); });
    const ended = once(receiver, "exit");
    await once(receiver.stdout, "data");
    ip(...inside(master!, process.execPath, "--input-type=module", "-e", `${SOCKETS}
      const sender = await openSender(place, { sync_sock_size: 0 });
      for (let thread = 0; thread < ${PORTS}; thread++) sender.send(new Uint8Array([thread]), thread, ${PORTS});
      setTimeout(() => process.exit(0), 1000);`));
    await ended;
    assert.equal(said, "ready\n0 1 2 3\n");
  });
});
