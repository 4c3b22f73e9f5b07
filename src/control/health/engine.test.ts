import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfiguredService } from "#model/config.js";
import { diffServices } from "#model/diff.js";
import { MemoryDirector } from "#model/memory-director.js";
import { TCP, check, destination, service, sorryServer } from "./_configured.js";
import { carryOut } from "./carry-out.js";
import { firstCheckSeconds } from "./check-state.js";
import type { Clock } from "./clock.js";
import { HealthEngine } from "./engine.js";
import { describeEvent } from "./events.js";
import type { Verdict } from "./verdict.js";
import { healthy, unhealthy } from "./verdict.js";

const [A, B, SORRY] = ["192.168.1.11", "192.168.1.12", "192.168.1.99"] as const;
const { id } = service([]);

/** Time goes when it is told to. */
class TestClock implements Clock {
  #seconds = 0;
  #waiting: { readonly at: number; readonly use: () => void }[] = [];

  now(): Date {
    return new Date(this.#seconds * 1000);
  }

  after(seconds: number, use: () => void): () => void {
    const entry = { at: this.#seconds + seconds, use };
    this.#waiting.push(entry);
    return () => { this.#waiting = this.#waiting.filter((other) => other !== entry); };
  }

  /** One timer after another, and after each whatever waits for nothing but its turn. */
  async pass(seconds: number): Promise<void> {
    const end = this.#seconds + seconds;
    for (;;) {
      const next = this.#waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#seconds = next.at;
      next.use();
      await settled();
    }
    this.#seconds = end;
  }

  get waiting(): number {
    return this.#waiting.length;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An engine on a director in memory; servers answer as `answers` says, silence is no answer. */
class World {
  readonly clock = new TestClock();
  readonly director = new MemoryDirector();
  readonly answers = new Map<string, Verdict | "silence">();
  readonly log: string[] = [];
  readonly asked: string[] = [];
  broken: Error | undefined;
  #isFirst = true;
  readonly engine = new HealthEngine({
    clock: this.clock, random: () => 0.5, atOnceMax: { checks: 4, programs: 1 },
    probe: (_check, { address }, signal) => {
      this.asked.push(`${this.clock.now().getTime() / 1000} ${address.slice(-2)}`);
      const answer = this.answers.get(address) ?? healthy("connected");
      if (answer !== "silence") return Promise.resolve(answer);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(unhealthy(String(signal.reason)))));
    },
    exclusively: (use) => (this.broken === undefined ? Promise.resolve().then(use) : Promise.reject(this.broken)),
    carryOut: (changes) => carryOut(this.director, changes),
    emit: (event) => void this.log.push(...describeEvent(event)),
    notify: (command) => void this.log.push(`run ${command.words.join(" ")}`),
  });

  async configure(...services: readonly ConfiguredService[]): Promise<void> {
    const standing = this.#isFirst ? this.director.services() : [];
    this.#isFirst = false;
    await this.engine.configure(services, standing, (wanted) => {
      this.director.apply(diffServices(this.director.services(), wanted));
      return Promise.resolve();
    });
  }

  /** "11:1 12:1". */
  get pool(): string {
    const destinations = this.director.services()[0]?.destinations ?? [];
    return destinations.map(({ address, weight }) => `${address.slice(-2)}:${weight}`).sort().join(" ");
  }
}

test("servers are asked in time: after a warm-up, then from answer to answer, and sooner after a forgiven failure", async () => {
  const world = new World();
  const slow = check({ type: "tcp" }, { every: 10, warmup: 4, retries: 1, retryDelay: 3 });
  await world.configure(service([destination(A, 1, { checks: [slow] }), destination(B, 1, { checks: [TCP] })]));
  await world.clock.pass(1);
  world.answers.set(A, unhealthy("refused"));
  await world.clock.pass(29);
  assert.deepEqual(world.asked.filter((line) => line.endsWith("11")), ["2 11", "5 11", "15 11", "25 11"]);
  assert.deepEqual(world.asked.filter((line) => line.endsWith("12")), ["0 12", "10 12", "20 12", "30 12"]);
});

test("a server that does not answer in time goes out, and comes back when it does", async () => {
  const world = new World();
  await world.configure(service([destination(A, 3), destination(B)], { sorryServer: sorryServer(SORRY) }));
  assert.equal(world.pool, "11:3 12:1");
  world.answers.set(A, "silence");
  await world.clock.pass(4.9);
  assert.equal(world.pool, "11:3 12:1");
  await world.clock.pass(0.1);
  assert.equal(world.pool, "12:1");
  world.answers.set(B, unhealthy("refused"));
  await world.clock.pass(9.9);
  assert.equal(world.pool, "99:1");
  world.answers.clear();
  await world.clock.pass(10);
  assert.equal(world.pool, "11:3 12:1");
  assert.deepEqual(world.log, [
    "service tcp 10.0.0.100:80 has its quorum: 4 of 1; its sorry server 192.168.1.99:80 goes",
    "server 192.168.1.11:80 of tcp 10.0.0.100:80 is down: no answer within 5 s",
    "destination 192.168.1.11:80 of tcp 10.0.0.100:80: removed",
    "server 192.168.1.12:80 of tcp 10.0.0.100:80 is down: refused",
    "service tcp 10.0.0.100:80 has lost its quorum: 0 of 1; its sorry server 192.168.1.99:80 stands in",
    "destination 192.168.1.99:80 of tcp 10.0.0.100:80: added, method nat, weight 1",
    "destination 192.168.1.12:80 of tcp 10.0.0.100:80: removed",
    "server 192.168.1.11:80 of tcp 10.0.0.100:80 is up: connected",
    "service tcp 10.0.0.100:80 has its quorum: 3 of 1; its sorry server 192.168.1.99:80 goes",
    "destination 192.168.1.11:80 of tcp 10.0.0.100:80: added, method nat, weight 3",
    "destination 192.168.1.99:80 of tcp 10.0.0.100:80: removed",
    "server 192.168.1.12:80 of tcp 10.0.0.100:80 is up: connected",
    "destination 192.168.1.12:80 of tcp 10.0.0.100:80: added, method nat, weight 1",
  ]);
});

test("so many checks are under way at once as there are turns; a check's time begins with its turn", async () => {
  const world = new World();
  const addresses = [11, 12, 13, 14, 15, 16].map((last) => `192.168.1.${last}`);
  for (const address of addresses) world.answers.set(address, "silence");
  const programs = [1, 2].map((number) => check({ type: "script", command: [`/bin/${number}`], setsWeight: false, user: undefined }, { timeout: 4 }));
  await world.configure(service([...addresses.map((address) => destination(address)), destination("192.168.1.21", 1, { checks: programs })]));
  world.answers.set("192.168.1.21", "silence");
  await world.clock.pass(0);
  assert.deepEqual(world.asked, ["0 11", "0 12", "0 13", "0 14", "0 21"], "four, and one program");
  await world.clock.pass(5);
  assert.deepEqual(world.asked.slice(5), ["4 21", "5 15", "5 16"]);
  await world.clock.pass(5);
  assert.equal(world.log.filter((line) => / is down: no answer within 5 s$/.test(line)).length, 6);
  assert.equal(world.pool, "", "nobody is out before he was asked");
});

test("checks that are late for want of turns are told once", async () => {
  const world = new World();
  const addresses = Array.from({ length: 17 }, (_, i) => `192.168.1.${10 + i}`);
  for (const address of addresses) world.answers.set(address, "silence");
  await world.configure(service(addresses.map((address) => destination(address))));
  await world.clock.pass(30);
  const late = world.log.filter((line) => line.includes("wait for their turn"));
  assert.deepEqual(late, ["ask the servers as often as the file says: not done: 4 checks are under way at once, and 8 wait for their turn, the last for 15 s; a longer every or a shorter timeout would do"]);
});

test("a check that waits for its turn when it is no longer wanted has none", async () => {
  const world = new World();
  const addresses = [11, 12, 13, 14, 15].map((last) => `192.168.1.${last}`);
  for (const address of addresses) world.answers.set(address, "silence");
  await world.configure(service(addresses.map((address) => destination(address))));
  await world.clock.pass(1);
  await world.configure(service(addresses.slice(0, 4).map((address) => destination(address))));
  await world.clock.pass(9);
  assert.ok(!world.asked.some((line) => line.endsWith("15")), world.asked.join());
  await world.engine.stop();
  assert.equal(world.clock.waiting, 0);
});

test("many checks that begin together are spread, over their time at most", async () => {
  const world = new World();
  const servers = (count: number) => Array.from({ length: count }, (_, i) => destination(`10.1.${i >> 8}.${i & 255}`));
  await world.configure(service(servers(100)));
  await world.clock.pass(0);
  assert.equal(world.asked.length, 100);
  for (const [count, seconds] of [[101, 0.0505], [4000, 2], [30_000, 5]] as const) assert.equal(firstCheckSeconds(TCP, count, () => 0.5), seconds, `${count}`);
  assert.equal(firstCheckSeconds(check({ type: "tcp" }, { warmup: 8 }), 4000, () => 0.5), 4, "no sooner than its warm-up asks for");
});

test("a check for which this machine lacked something says nothing of the server, and is told once", async () => {
  const world = new World();
  await world.configure(service([destination(A), destination(B)]));
  for (const address of [A, B]) world.answers.set(address, { ...unhealthy("cannot connect: no file descriptor left"), isUnknown: true });
  await world.clock.pass(3);
  assert.equal(world.pool, "11:1 12:1");
  assert.deepEqual(world.asked.filter((line) => line.endsWith("11")), ["0 11", "1 11", "2 11", "3 11"]);
  assert.deepEqual(world.log.filter((line) => line.includes("descriptor")), ["ask the servers: not done: cannot connect: no file descriptor left; what is known of them stays, and they are asked again"]);
  world.answers.set(A, unhealthy("refused"));
  await world.clock.pass(1);
  assert.equal(world.pool, "12:1");
});

test("what an operator changes stays until the server's health is another", async () => {
  const world = new World();
  await world.configure(service([destination(A), destination(B)]));
  world.director.editDestination(id, { ...destination(A), weight: 0 });
  await world.clock.pass(30);
  world.answers.set(B, unhealthy("refused"));
  await world.clock.pass(10);
  assert.equal(world.pool, "11:0", "the weight that was set is not fought over");
  world.answers.set(A, unhealthy("refused"));
  await world.clock.pass(10);
  world.answers.clear();
  await world.clock.pass(10);
  assert.equal(world.pool, "11:1 12:1", "who comes back comes with the weight of its configuration");
});

test("what an operator has done already, or taken away, is no trouble", async () => {
  const world = new World();
  await world.configure(service([destination(A), destination(B, 1, { onFailure: "quiesce" })]));
  world.director.deleteDestination(id, destination(A));
  world.director.deleteDestination(id, destination(B));
  world.answers.set(A, unhealthy("refused")).set(B, unhealthy("refused"));
  await world.clock.pass(10);
  assert.equal(world.pool, "");
  assert.ok(world.log.some((line) => /^destination 192\.168\.1\.12:80 .*: weight 1 → 0: not done: .*it is not there|not there|no such/.test(line)), world.log.join("\n"));
  world.director.addDestination(id, { ...destination(A), weight: 9 });
  world.answers.clear();
  await world.clock.pass(10);
  assert.equal(world.pool, "11:1");
  world.director.deleteService(id);
  world.answers.set(A, unhealthy("refused"));
  await world.clock.pass(10);
  assert.match(world.log.at(-1)!, /^destination 192\.168\.1\.11:80 of tcp 10\.0\.0\.100:80: removed: not done: /);
});

test("a change that cannot be made is tried again, and told once", async () => {
  const world = new World();
  await world.configure(service([destination(A), destination(B)]));
  world.broken = new Error("another process has held the lock");
  world.answers.set(A, unhealthy("refused"));
  await world.clock.pass(3);
  assert.equal(world.pool, "11:1 12:1");
  assert.equal(world.log.filter((line) => line.includes("has held the lock")).length, 1);
  world.broken = undefined;
  await world.clock.pass(1);
  assert.equal(world.pool, "12:1");
});

test("another configuration leaves checks under way as they are, ends others and begins new ones", async () => {
  const world = new World();
  await world.configure(service([destination(A), destination(B)]));
  world.answers.set(A, unhealthy("refused"));
  await world.clock.pass(4);
  await world.configure(service([destination(A, 5), destination("192.168.1.13")]));
  assert.equal(world.pool, "13:1");
  await world.clock.pass(6);
  assert.deepEqual(world.asked, ["0 11", "0 12", "4 13", "10 11"]);
  world.answers.clear();
  await world.clock.pass(10);
  assert.equal(world.pool, "11:5 13:1");
});

test("a configuration that cannot be made changes nothing; verdicts that come meanwhile count afterwards", async () => {
  const world = new World();
  await world.configure(service([destination(A), destination(B)]));
  let fail: (error: Error) => void = () => undefined;
  const attempt = world.engine.configure([], [], () => new Promise((_, reject) => { fail = reject; }));
  await settled();
  world.answers.set(A, unhealthy("refused"));
  await world.clock.pass(1);
  assert.equal(world.pool, "11:1 12:1");
  fail(new Error("no memory"));
  await assert.rejects(attempt, /no memory/);
  await settled();
  assert.equal(world.pool, "12:1");
  assert.deepEqual(world.engine.view.servers().map(({ state }) => state), ["down", "up"]);
});

test("a probe that does not end when its time is over is not waited for", async () => {
  const clock = new TestClock();
  const log: string[] = [];
  const engine = new HealthEngine({
    clock, random: () => 0, atOnceMax: { checks: 4, programs: 1 }, probe: () => new Promise(() => undefined), exclusively: (use) => Promise.resolve().then(use), carryOut: () => ({ done: [], failed: [] }),
    emit: (event) => void log.push(...describeEvent(event)), notify: () => undefined,
  });
  await engine.configure([service([destination(A)])], [], () => Promise.resolve());
  await clock.pass(6);
  assert.ok(log.includes("server 192.168.1.11:80 of tcp 10.0.0.100:80 is down: no answer within 5 s"), log.join("\n"));
});

test("when it is stopped it asks nobody and changes nothing", async () => {
  const world = new World();
  await world.configure(service([destination(A), destination(B)]));
  world.answers.set(A, "silence");
  await world.clock.pass(1);
  await world.engine.stop();
  const asked = world.asked.length;
  await world.clock.pass(60);
  assert.deepEqual([world.asked.length, world.pool, world.clock.waiting], [asked, "11:1 12:1", 0]);
});
