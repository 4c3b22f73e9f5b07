// The daemon, weir up: it takes servers out that fail their checks and in again, reads its file anew, answers at its API, and forwarding does
// not depend on it.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Worker } from "#lab/remote.js";
import { startWorker } from "#lab/remote.js";
import { Bed, PROJECT, needs, succeeded } from "./bed.js";

const SERVER_PORT = 8080;
/** Checks come every 0.2 s; the rest is for a busy machine. */
const CHANGE_MILLISECONDS_MAX = 60_000;

describe("the daemon", needs, () => {
  let bed: Bed;
  let daemon: ChildProcess;
  let log = "";
  const revived: Worker[] = [];
  before(async () => {
    bed = await Bed.open("nat");
    await bed.serve({ http: [SERVER_PORT] });
    mkdirSync(bed.state, { recursive: true });
    write({});
    start();
  });
  after(async () => {
    if (daemon?.exitCode === null && daemon.signalCode === null) daemon.kill("SIGKILL");
    await Promise.all(revived.map((worker) => worker.end()));
    await bed?.close();
  });

  const file = (): string => join(bed.state, "weir.yaml");

  /** Three servers: the last stands in when the first two are gone. */
  function write(changes: object, text?: string): void {
    const { vip, addresses: { servers: [r1, r2, r3] } } = bed.topology;
    const configuration = {
      services: [{
        protocol: "tcp", address: `${vip}:80`, scheduler: "rr", method: "nat",
        checks: [{ type: "http", path: "/", every: 0.2, retries: 0, timeout: 2 }],
        sorryServer: { address: `${r3}:${SERVER_PORT}` },
        destinations: [r1, r2].map((address) => ({ address: `${address}:${SERVER_PORT}` })),
        ...changes,
      }],
    };
    writeFileSync(file(), text ?? JSON.stringify(configuration));
  }

  function start(): void {
    daemon = spawn("ip", ["netns", "exec", bed.topology.namespaces.director, process.execPath, `${PROJECT}bin/weir`, "up", file()], {
      env: { ...process.env, WEIR_STATE: bed.state }, stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [daemon.stdout!, daemon.stderr!]) stream.setEncoding("utf8").on("data", (part: string) => { log += part; });
  }

  async function said(text: RegExp): Promise<void> {
    const deadline = performance.now() + CHANGE_MILLISECONDS_MAX;
    while (!text.test(log) && performance.now() < deadline && daemon.exitCode === null) await delay(50);
    assert.match(log, text);
  }

  /** "r1 1" is r1 with a weight of 1. */
  async function become(wanted: readonly string[]): Promise<void> {
    const deadline = performance.now() + CHANGE_MILLISECONDS_MAX;
    let found: readonly string[];
    do {
      found = [...(await bed.tell("-S -n")).matchAll(/^-a -t \S+ -r 10\.0\.0\.1(\d):8080 -m -w (\d+)$/gm)].map(([, number, weight]) => `r${number} ${weight}`).sort();
      if (String(found) === String(wanted)) return;
      await delay(100);
    } while (performance.now() < deadline);
    assert.deepEqual(found, wanted, log);
  }

  const answering = async (): Promise<readonly string[]> =>
    Object.keys(await bed.client.distribution({ address: bed.topology.vip, port: 80, count: 8 })).sort();

  async function ask(path: string): Promise<string> {
    const { director } = bed.topology.namespaces;
    const script = `import http from "node:http"; const [, socketPath, path] = process.argv; http.get({ socketPath, path }, (response) => response.pipe(process.stdout));`;
    const [, socketPath = ""] = /the API listens at unix:(\S+)/.exec(log) ?? [];
    return succeeded(await bed.topology.run(director, [process.execPath, "--input-type=module", "-e", script, socketPath, path]));
  }

  async function revive(number: number): Promise<void> {
    const worker = await startWorker(bed.topology.namespaces.servers[number - 1]!);
    revived.push(worker);
    await worker.serveHttp({ name: `r${number}`, port: SERVER_PORT });
  }

  test("makes the director what its file says, and serves the API", async () => {
    await said(/; watching$/m);
    await become(["r1 1", "r2 1"]);
    assert.deepEqual(await answering(), ["r1", "r2"]);
    const health = JSON.parse(await ask("/v1/health")) as object;
    assert.match(JSON.stringify(health), /"healthy":true/);
  });

  test("takes a killed server out, and says why", async () => {
    await bed.servers[0]!.end();
    await said(/^server 10\.0\.0\.11:8080 of tcp \S+:80 is down: .*connection refused/m);
    await become(["r2 1"]);
    assert.deepEqual(await answering(), ["r2"]);
    assert.match(await ask("/v1/health"), /connection refused/);
  });

  test("a file with a mistake changes nothing, and the mistake is named", async () => {
    write({}, "services: [{adress: 10.0.0.1}]");
    daemon.kill("SIGHUP");
    await said(/services\[0\]\.adress: is not a key here; did you mean "address"\?/);
    await said(/not used; all goes on as before/);
    await become(["r2 1"]);
  });

  test("another file is read anew, and what is known of the servers stays known", async () => {
    write({ scheduler: "wrr" });
    daemon.kill("SIGHUP");
    await said(/; read again$/m);
    await become(["r2 1"]);
    assert.match(await bed.tell("-S -n"), /^-A -t \S+:80 -s wrr$/m);
  });

  test("the sorry server stands in when the last one is killed, and forwarding goes on when the daemon is", async () => {
    await bed.servers[1]!.end();
    await said(/lost its quorum/);
    await become(["r3 1"]);
    daemon.kill("SIGKILL");
    await once(daemon, "close");
    assert.deepEqual(await answering(), ["r3"]);
  });

  test("started again, it takes a server in that came back meanwhile", async () => {
    await revive(2);
    log = "";
    start();
    await said(/; watching$/m);
    await become(["r2 1"]);
    assert.deepEqual(await answering(), ["r2"]);
    await revive(1);
    await become(["r1 1", "r2 1"]);
  });

  test("stopped, it leaves all as it is", async () => {
    daemon.kill("SIGTERM");
    const [status] = await once(daemon, "close") as [number];
    assert.equal(status, 0, log);
    assert.deepEqual(await answering(), ["r1", "r2"]);
  });
});
