// weir up watches two real servers, with a third that is sorry, while a client asks at the VIP: servers are killed and come back, and so
// does the daemon.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "#api/client.js";
import type { Worker } from "#lab/remote.js";
import { startWorker } from "#lab/remote.js";
import { Bed, PROJECT, needs, succeeded } from "./bed.js";
import { service } from "./services.js";

const PORT = 8080;
/** A killed server is out after the time from one check to the next: its machine refuses. */
const EVERY_SECONDS = 0.25;
const TIMEOUT_SECONDS = 0.5;
/** What the checks promise, and what a busy machine may take besides. */
const OUT_MILLISECONDS_MAX = (EVERY_SECONDS + TIMEOUT_SECONDS) * 1000 + 1500;
const START_MILLISECONDS_MAX = 30_000;

describe("weir up", needs, () => {
  let bed: Bed;
  let file: string;
  let daemon: { readonly child: ChildProcess; log(): string };
  const revived: Worker[] = [];

  before(async () => {
    bed = await Bed.open("nat");
    await bed.serve({ http: [PORT] });
    file = join(bed.state, "health.yaml");
    mkdirSync(bed.state, { recursive: true });
    writeConfiguration();
    daemon = start();
    await until(() => daemon.log().includes("; watching\n"), START_MILLISECONDS_MAX);
  });
  after(async () => {
    daemon?.child.kill("SIGKILL");
    await Promise.all(revived.map((worker) => worker.end()));
    await bed?.close();
  });

  function writeConfiguration(settings: object = {}, weights: readonly number[] = [1, 1], api?: object): void {
    const { addresses } = bed.topology;
    const one = service(bed.topology, { serverPort: PORT, servers: [1, 2] }) as { destinations: object[] };
    writeFileSync(file, JSON.stringify({ api, services: [{
      ...one, checks: [{ type: "http", path: "/", every: EVERY_SECONDS, timeout: TIMEOUT_SECONDS, retries: 0 }],
      sorryServer: { address: addresses.servers[2], port: PORT },
      destinations: one.destinations.map((destination, i) => ({ ...destination, weight: weights[i] })), ...settings,
    }] }));
  }

  function start(): typeof daemon {
    const child = spawn("ip", ["netns", "exec", bed.topology.namespaces.director, process.execPath, `${PROJECT}bin/weir`, "up", file], {
      env: { ...process.env, WEIR_STATE: bed.state }, stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (part: string) => { text += part; });
    return { child, log: () => text };
  }

  /** "10.0.0.11 1, 10.0.0.12 1": servers with their weights. */
  async function servers(): Promise<string> {
    const rules = (await bed.tell("-S -n")).matchAll(/-r (\S+):8080 -m -w (\d+)$/gm);
    return [...rules].map(([, address, weight]) => `${address} ${weight}`).sort().join(", ");
  }
  const readsBack = async (wanted: string): Promise<boolean> => (await servers()) === wanted;

  async function until(condition: () => boolean | Promise<boolean>, milliseconds: number): Promise<void> {
    const deadline = performance.now() + milliseconds;
    while (!(await condition())) {
      assert.ok(performance.now() < deadline, `not within ${milliseconds} ms; there is ${await servers()}\n${daemon.log()}`);
      await delay(20);
    }
  }

  async function answering(count = 6): Promise<Readonly<Record<string, number>>> {
    return bed.client.distribution({ address: bed.topology.vip, port: 80, count });
  }

  /** Every check has had an answer that it had not when this was called. */
  async function allAreCheckedAgain(): Promise<void> {
    const [, socket] = /the API listens at unix:(\S+)/.exec(daemon.log()) ?? [];
    const client = connect({ socket });
    const answered = async () => (await client.health()).servers.flatMap(({ checks }) => checks.map(({ at }) => at));
    const before = await answered();
    await until(async () => (await answered()).every((at, i) => at !== before[i]), START_MILLISECONDS_MAX);
    await client.close();
  }

  async function revive(number: number): Promise<void> {
    const worker = await startWorker(bed.topology.namespaces.servers[number - 1]!);
    revived.push(worker);
    await worker.serveHttp({ name: `r${number}`, port: PORT });
  }

  test("forwards to the servers that are healthy", async () => {
    assert.equal(await servers(), "10.0.0.11 1, 10.0.0.12 1");
    assert.deepEqual(await answering(), { r1: 3, r2: 3 });
    assert.match(daemon.log(), /^interface \S+: attached at tc/m);
  });

  test("serves the API, which tells what the checks found", async () => {
    const [, socketPath = ""] = /the API listens at unix:(\S+)/.exec(daemon.log()) ?? [];
    const script = `import http from "node:http"; const [, socketPath, path] = process.argv; http.get({ socketPath, path }, (response) => response.pipe(process.stdout));`;
    const told = await bed.node(["--input-type=module", "-e", script, socketPath, "/v1/health"]);
    assert.match(succeeded(told), /GET http:\/\/10\.0\.0\.11:8080\/ answered 200/);
  });

  test("a second one in the same network namespace says who is the first; apply where it cannot be asked is refused", async () => {
    const pid = Number(/process (\d+)/.exec((await bed.weir(["up", file])).stderr)?.[1]);
    assert.ok(existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(file));
    const [, socket = ""] = /the API listens at unix:(\S+)/.exec(daemon.log()) ?? [];
    renameSync(socket, `${socket}.away`);
    assert.match((await bed.weir(["apply", file])).stderr, new RegExp(`beside process ${pid}, weir up`));
    renameSync(`${socket}.away`, socket);
  });

  test("a killed server is out in time, and its clients are served by the other", async () => {
    await bed.servers[0]!.end();
    await until(() => daemon.log().includes("destination 10.0.0.11:8080 of tcp 203.0.113.100:80: removed"), OUT_MILLISECONDS_MAX);
    assert.match(daemon.log(), /^server 10\.0\.0\.11:8080 of tcp 203\.0\.113\.100:80 is down: cannot (?:connect to|GET) .*: (?:connection refused|the server reset the connection)$/m);
    assert.deepEqual(await answering(), { r2: 6 });
    assert.match(succeeded(await bed.weir(["plan", file])), /; nothing to change\n$/, "the file's servers stand as their health has them");
  });

  test("when the last one is killed, the sorry server stands in", async () => {
    await bed.servers[1]!.end();
    await until(() => daemon.log().includes("destination 10.0.0.12:8080 of tcp 203.0.113.100:80: removed"), OUT_MILLISECONDS_MAX);
    assert.deepEqual(await answering(), { r3: 6 });
    assert.match(daemon.log(), /lost its quorum: 0 of 1; its sorry server 10\.0\.0\.13:8080 stands in$/m);
    const { stdout } = await bed.weir(["status"]);
    assert.match(stdout, /^Health: 2 of 2 servers DOWN, 1 of 1 service WITHOUT QUORUM\n\n/);
    assert.match(stdout, /^tcp 203\.0\.113\.100:80 +QUORUM LOST .* 0 of 1 {2}the sorry server 10\.0\.0\.13:8080 stands in$/m);
    assert.match(stdout, /^ {2}10\.0\.0\.11:8080 +DOWN .*\) +out \(file: 1\) {2}http 10\.0\.0\.11:8080: cannot .*: connection refused/m);
  });

  test("a daemon that is killed leaves everything forwarding, and the next one brings nobody back before a check succeeded", async () => {
    daemon.child.kill("SIGKILL");
    await once(daemon.child, "exit");
    const transfer = bed.client.download({ address: bed.topology.vip, port: 80, bytes: 20_000_000 });
    daemon = start();
    await until(() => daemon.log().includes("is down:"), START_MILLISECONDS_MAX);
    assert.equal(await servers(), "10.0.0.13 1");
    assert.doesNotMatch(daemon.log(), /destination .*(?:added|removed)/);
    assert.deepEqual([(await transfer).bytes, (await transfer).intact], [20_000_000, true]);
  });

  test("a server that comes back is taken in, and the sorry server goes", async () => {
    await revive(1);
    await until(() => readsBack("10.0.0.11 1"), OUT_MILLISECONDS_MAX + 1000);
    assert.deepEqual(await answering(), { r1: 6 });
    await revive(2);
    await until(() => readsBack("10.0.0.11 1, 10.0.0.12 1"), OUT_MILLISECONDS_MAX + 1000);
    assert.deepEqual(await answering(), { r1: 3, r2: 3 });
  });

  test("a weight that an operator sets stays; SIGHUP brings the file's, and a file with mistakes changes nothing", async () => {
    await bed.tell("-e -t 203.0.113.100:80 -r 10.0.0.11:8080 -m -w 9");
    for (let times = 0; times < 2; times++) await allAreCheckedAgain();
    assert.equal(await servers(), "10.0.0.11 9, 10.0.0.12 1");
    writeConfiguration({ protocol: "tpc" });
    daemon.child.kill("SIGHUP");
    await until(() => daemon.log().includes("the file was not taken; all stays as it was"), START_MILLISECONDS_MAX);
    assert.match(daemon.log(), /services\[0\]\.protocol: "tpc" is not known; did you mean "tcp"\?/);
    assert.equal(await servers(), "10.0.0.11 9, 10.0.0.12 1");
    writeConfiguration({ scheduler: "wrr" }, [4, 1]);
    daemon.child.kill("SIGHUP");
    await until(() => readsBack("10.0.0.11 4, 10.0.0.12 1"), START_MILLISECONDS_MAX);
    assert.match(await bed.tell("-S -n"), /^-A -t \S+:80 -s wrr$/m);
  });

  test("commands ask it, and who follows its events hears of them, and of ipvsadm's", async () => {
    const [, socket] = /the API listens at unix:(\S+)/.exec(daemon.log()) ?? [];
    const client = connect({ socket });
    const heard: string[] = [];
    const end = new AbortController();
    const listening = (async () => {
      for await (const event of client.events({ signal: end.signal })) if (event.kind === "configuration") heard.push(`${event.by}: ${event.changes.join(", ")}`);
    })();
    const hears = (text: RegExp): Promise<void> => until(() => heard.some((line) => text.test(line)), START_MILLISECONDS_MAX);
    // Until it is listened to, nobody is told.
    for (let value = 1; heard.length === 0; value++) succeeded(await bed.weir(["sysctl", `sloppy_tcp=${value}`]));
    assert.match(heard[0]!, /^api: sysctl net\.ipv4\.vs\.sloppy_tcp = \d$/);

    writeConfiguration({ scheduler: "lc" });
    assert.match(succeeded(await bed.weir(["plan", file])), /: scheduler wrr → lc\n.*to change, nothing was\n$/s);
    assert.match(succeeded(await bed.weir(["apply", file])), /: scheduler wrr → lc\n/);
    await hears(/^api: .*scheduler wrr → lc/m);
    assert.equal((await client.health()).servers.every(({ healthy }) => healthy), true);

    await bed.tell("-E -t 203.0.113.100:80 -s rr");
    await hears(/^other: .*scheduler lc → rr/m);
    writeConfiguration({ scheduler: "wlc" });
    daemon.child.kill("SIGHUP");
    await hears(/^file: .*scheduler rr → wlc/m);
    assert.deepEqual(heard.filter((line) => /wrr → lc|rr → wlc/.test(line)).map((line) => line.split(":")[0]), ["api", "file"], "each once, and by whom");
    end.abort();
    await listening;
    await client.close();
  });

  test("SIGHUP moves the API's socket, and says where it listens; where it cannot, all goes on", async () => {
    const [, socket = ""] = /the API listens at unix:(\S+)/.exec(daemon.log()) ?? [];
    const moved = join(bed.state, "moved.sock");
    writeConfiguration({ scheduler: "wlc" }, [1, 1], { socket: { path: moved } });
    daemon.child.kill("SIGHUP");
    await until(() => daemon.log().includes(`the API listens at unix:${moved}`), START_MILLISECONDS_MAX);
    for (const path of [moved, socket]) {
      const client = connect({ socket: path });
      assert.equal((await client.health()).servers.length, 2, `${path}: its own, or the sign that leads there`);
      await client.close();
    }
    writeConfiguration({ scheduler: "wlc" }, [1, 1], { socket: { path: moved }, tls: { listen: "127.0.0.1:1", certificate: "/nowhere.pem", key: "/nowhere.key", tokens: "/nowhere" } });
    daemon.child.kill("SIGHUP");
    await until(() => daemon.log().includes(`the API goes on at unix:${moved}, as it was`), START_MILLISECONDS_MAX);
    assert.match(daemon.log(), /Cannot serve the API over the network: the certificate \/nowhere\.pem cannot be read: ENOENT/);
  });

  test("SIGTERM ends it, and the kernel goes on", async () => {
    daemon.child.kill("SIGTERM");
    const [status] = await once(daemon.child, "exit") as [number | null];
    assert.equal(status, 0);
    assert.match(daemon.log(), /the daemon ends; the kernel goes on forwarding as it is\n$/);
    assert.equal(await servers(), "10.0.0.11 1, 10.0.0.12 1");
    assert.equal(Object.values(await answering()).reduce((sum, count) => sum + count, 0), 6);
  });

  test("keepalived's file will do: its servers are watched, and what is left to keepalived is said", async () => {
    const { vip, addresses: { servers: [r1, r2] } } = bed.topology;
    const watched = (address: string): string => `  real_server ${address} ${PORT} {\n    TCP_CHECK {\n      connect_timeout 1\n    }\n  }\n`;
    file = join(bed.state, "keepalived.conf");
    writeFileSync(file, `vrrp_instance VI_1 {\n  interface eth0\n}\nvirtual_server ${vip} 80 {\n  protocol TCP\n  lb_algo lc\n  lb_kind NAT\n${watched(r1!)}${watched(r2!)}}\n`);
    daemon = start();
    await until(() => daemon.log().includes("; watching\n"), START_MILLISECONDS_MAX);
    assert.match(daemon.log(), /keepalived\.conf:1: vrrp_instance VI_1: left to keepalived/);
    assert.match(await bed.tell("-S -n"), /^-A -t \S+:80 -s lc$/m);
    daemon.child.kill("SIGTERM");
    await once(daemon.child, "exit");
  });

  test("where the API cannot be served it does not start, and has changed nothing", async () => {
    const before = await bed.tell("-S -n");
    file = join(bed.state, "health.yaml");
    writeConfiguration({ scheduler: "sh" }, [7, 7], { tls: { listen: "127.0.0.1:8443", certificate: "/nowhere.pem", key: "/nowhere.key", tokens: "/nowhere" } });
    const { status, stdout, stderr } = await bed.weir(["up", file]);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /Cannot serve the API over the network: the certificate \/nowhere\.pem cannot be read/);
    assert.equal(await bed.tell("-S -n"), before);
    writeConfiguration();
  });

  test("taken down, there is nothing left for it to keep", async () => {
    daemon = start();
    await until(() => daemon.log().includes("; watching\n"), START_MILLISECONDS_MAX);
    assert.match(succeeded(await bed.weir(["down"])), /the director is gone, with its services and connections, and its daemon ends\n$/);
    const [status] = daemon.child.exitCode === null ? await once(daemon.child, "exit") as [number | null] : [daemon.child.exitCode];
    assert.equal(status, 0, daemon.log());
    assert.equal(await bed.tell("-S -n"), "");
  });
});
