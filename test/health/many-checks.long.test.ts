// Ten thousand servers, each checked by TCP, by a daemon with all that it has: how long it takes to ask them all, what memory and processor
// time that costs, and that nobody is thought dead who lives. All are killed at once then, and some say nothing at all.
// WEIR_CHECKS=100000 asks for as many.

import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "#api/client.js";
import { whyNoLaboratory } from "#lab/requirements.js";
import { addNamespace, type TestNamespace } from "../packets/test-namespace.js";
import { PROJECT } from "../traffic/bed.js";

const lacking = whyNoLaboratory();
const CHECKS = Number(process.env["WEIR_CHECKS"] ?? 10_000);
const SERVERS_OF_A_SERVICE = 100;
const EVERY_SECONDS = 10;
/** A quarter of them, when they are killed, say nothing. */
const TIMEOUT_SECONDS = 1;
const MORTAL = "10.99.0.0/16";
/** What a machine that does other things may take for as many checks as are made every `every` at best. */
const ROUND_SECONDS_MAX = (CHECKS / 10_000) * 60;
const MEMORY_BYTES_MAX = 300e6 + CHECKS * 20e3;

/** Says the count of addresses at which it was connected to, each time that it is asked by a line on stdin. */
const SERVER = `
  const asked = new Set();
  require("node:net").createServer((socket) => { asked.add(socket.localAddress); socket.on("error", () => {}).resume(); }).listen({ host: "0.0.0.0", port: 80, backlog: 65535 }, () => console.log(0));
  process.stdin.on("data", () => console.log(asked.size));`;

describe(`${CHECKS} checks`, lacking === undefined ? {} : { skip: lacking }, () => {
  let namespace: TestNamespace;
  let server: ChildProcess;
  let daemon: ChildProcess;
  let log = "";
  const inside = (...command: readonly string[]): ChildProcess =>
    spawn("ip", ["netns", "exec", namespace.name, ...command], { env: { ...process.env, WEIR_STATE: namespace.stateRoot }, stdio: ["pipe", "pipe", "inherit"] });

  before(async () => {
    namespace = addNamespace();
    mkdirSync(namespace.stateRoot, { recursive: true });
    ip("link set lo up", `route add local ${MORTAL} dev lo`, "link add silent type veth peer name right", "link set silent up", "link set right up", "address add 10.98.0.1/24 dev silent",
      // Somebody is known to be there, and is not.
      "neighbour add 10.98.0.2 lladdr 02:00:00:00:00:99 dev silent");
    server = inside(process.execPath, "-e", SERVER);
    await once(server.stdout!, "data");
  });
  after(async () => {
    for (const child of [daemon, server]) {
      if (child?.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    namespace?.remove();
  });

  function ip(...lines: readonly string[]): void {
    const { status, stderr } = spawnSync("ip", ["-n", namespace.name, "-batch", "-"], { input: lines.join("\n"), encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }

  /** A quarter is of the net that leads nowhere later. */
  const addressOf = (number: number): string => {
    const [net, host] = number % 4 === 0 ? ["10.99", number / 4] : [`127.${1 + (number >> 16)}`, number & 65535];
    return `${net}.${host >> 8}.${host & 255}`;
  };

  function writeConfiguration(): string {
    const services = Array.from({ length: CHECKS / SERVERS_OF_A_SERVICE }, (_, i) => ({
      address: `10.0.${i >> 8}.${i & 255}`, port: 80, destinations: Array.from({ length: SERVERS_OF_A_SERVICE }, (_, j) => ({ address: addressOf(i * SERVERS_OF_A_SERVICE + j) })),
    }));
    const file = join(namespace.stateRoot, "many.json");
    const checks = [{ type: "tcp", every: EVERY_SECONDS, timeout: TIMEOUT_SECONDS, retries: 0 }];
    writeFileSync(file, JSON.stringify({ defaults: { protocol: "tcp", method: "nat", checks }, interfaces: [], services }));
    return file;
  }

  async function until(what: string, condition: () => boolean | Promise<boolean>, seconds = ROUND_SECONDS_MAX): Promise<number> {
    const began = performance.now();
    while (!(await condition())) {
      assert.ok(performance.now() - began < seconds * 1000, `${what}: not within ${seconds} s\n${log.slice(-2000)}`);
      assert.equal(daemon.exitCode, null, log.slice(-2000));
      await delay(100);
    }
    return (performance.now() - began) / 1000;
  }

  async function serversAsked(): Promise<number> {
    const answer = once(server.stdout!, "data") as Promise<[Buffer]>;
    server.stdin!.write("\n");
    return Number(String((await answer)[0]));
  }

  const downs = (): number => log.match(/ is down: /g)?.length ?? 0;
  /** Processor seconds, the most memory so far, and file descriptors that are open now. */
  const cost = () => {
    const fields = readFileSync(`/proc/${daemon.pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
    const [, peak = "0"] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8")) ?? [];
    return { processorSeconds: (Number(fields[11]) + Number(fields[12])) / 100, peakBytes: Number(peak) * 1024, descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length };
  };

  test("are made, all of them, and nobody is thought dead who lives", async (t) => {
    daemon = inside(process.execPath, `${PROJECT}bin/weir`, "up", writeConfiguration());
    daemon.stdout!.setEncoding("utf8").on("data", (part: string) => { log += part; });
    await until("start", () => log.includes("; watching\n"));
    const started = cost();
    let descriptors = 0;
    const seconds = await until("every server asked once", async () => {
      descriptors = Math.max(descriptors, cost().descriptors);
      return (await serversAsked()) === CHECKS;
    });
    assert.equal(downs(), 0, log.slice(-2000));
    const first = cost();
    t.diagnostic(`all asked after ${seconds.toFixed(1)} s; ${((first.processorSeconds - started.processorSeconds) / CHECKS * 1e6).toFixed(0)} µs of the processor for each check; `
      + `memory ${(started.peakBytes / 1e6).toFixed(0)} MB at the start, ${(first.peakBytes / 1e6).toFixed(0)} MB at most; ${descriptors} file descriptors at most`);
    // They are spread from now on: no time at which all come at once.
    const begin = { at: performance.now(), cost: cost() };
    await delay(EVERY_SECONDS * 1000);
    const share = (cost().processorSeconds - begin.cost.processorSeconds) / ((performance.now() - begin.at) / 1000);
    t.diagnostic(`then ${(share * 100).toFixed(0)} % of a processor, at a check every ${EVERY_SECONDS} s`);
    assert.equal(downs(), 0, log.slice(-2000));
    assert.ok(cost().peakBytes < MEMORY_BYTES_MAX, `${cost().peakBytes} bytes`);
  });

  test("fail together, when the servers are killed and a quarter of them says nothing", async (t) => {
    ip(`route delete local ${MORTAL} dev lo`, `route add ${MORTAL} via 10.98.0.2 dev silent`);
    const before = cost();
    server.kill("SIGKILL");
    const seconds = await until("all down", () => downs() === CHECKS);
    const killed = cost();
    t.diagnostic(`all out after ${seconds.toFixed(1)} s, ${((killed.processorSeconds - before.processorSeconds) / CHECKS * 1e6).toFixed(0)} µs of the processor for each; memory ${(killed.peakBytes / 1e6).toFixed(0)} MB at most`);
    const client = connect({ socket: /the API listens at unix:(\S+)/.exec(log)![1]! });
    const { servers } = await client.health();
    await client.close();
    assert.deepEqual([servers.length, servers.filter(({ healthy }) => healthy).length], [CHECKS, 0]);
    assert.ok(killed.peakBytes < MEMORY_BYTES_MAX, `${killed.peakBytes} bytes`);
  });
});
