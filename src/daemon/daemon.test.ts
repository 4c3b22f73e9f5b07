import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { DirectorRecord } from "#control/apply.js";
import { chooseHook } from "#control/hook.js";
import { MemoryPlane } from "#control/memory-plane.js";
import { memoryRecord } from "#control/record.js";
import { MemoryHost } from "#control/settings/memory-host.js";
import { ConfigError } from "#model/config/error.js";
import { parseConfig } from "#model/config.js";
import { MemoryDirector } from "#model/memory-director.js";
import type { DirectorEvent } from "#model/events.js";
import { Daemon } from "./daemon.js";
import { DaemonError } from "./errors.js";

const folder = mkdtempSync(join(tmpdir(), "weir-daemon-"));
process.env["WEIR_STATE"] = folder;
after(() => rmSync(folder, { recursive: true }));

/** A daemon with a director in memory, its file as text, and what it logged. */
class World {
  readonly director = new MemoryDirector();
  readonly log: string[] = [];
  readonly prepared: string[] = [];

  constructor(public text: string) {}

  start(beside?: Parameters<typeof Daemon.start>[1]): Promise<Daemon> {
    return Daemon.start({
      read: async () => parseConfig(this.text, { file: "weir.yaml" }),
      selectInterfaces: () => [],
      open: () => ({
        parts: { director: this.director, dataPlane: new MemoryPlane([], chooseHook), host: new MemoryHost([]), record: memoryRecord<DirectorRecord>(undefined) },
        isNew: true,
        prepare: (services) => { this.prepared.push(services.flatMap(({ destinations }) => destinations.map(({ address }) => address)).join(" ")); return Promise.resolve(); },
      }),
      log: (level, line) => void this.log.push(`${level}: ${line}`),
    }, beside);
  }

  get servers(): readonly string[] {
    return this.director.services().flatMap(({ destinations }) => destinations.map(({ port, weight }) => `${port} ${weight}`));
  }
}

const services = (port: number, settings = ""): string =>
  `services: [{ protocol: tcp, address: "10.0.0.100:80", method: nat, ${settings} destinations: [{ address: "127.0.0.1:${port}" }], checks: [{ type: tcp, every: 0.1, retries: 0 }] }]`;

async function listen(port = 0): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !condition(); i++) await delay(10);
  assert.ok(condition());
}

test("it makes the director what its file says, follows the servers' health, and tells of it", async () => {
  const server = await listen();
  const { port } = server.address() as AddressInfo;
  const world = new World(services(port, 'sorryServer: { address: "127.0.0.9:81" },'));
  const daemon = await world.start();
  const events: DirectorEvent[] = [];
  daemon.hub.subscribe(({ event }) => void events.push(event));
  assert.deepEqual([world.servers, world.prepared], [[`${port} 1`], ["127.0.0.1 127.0.0.9"]]);
  server.close();
  await until(() => world.servers.join() === "81 1");
  await until(() => events.length === 3);
  assert.deepEqual(events.map(({ kind }) => kind), ["server", "quorum", "configuration"]);
  assert.ok(world.log.includes(`warning: server 127.0.0.1:${port} of tcp 10.0.0.100:80 is down: cannot connect to 127.0.0.1:${port}: connection refused`));
  assert.deepEqual(daemon.health.servers().map(({ state }) => state), ["down"]);
  await daemon.stop();
  assert.deepEqual(world.servers, ["81 1"], "when it ends, what forwards stays");
});

test("a file that was changed is taken as a whole or not at all", async () => {
  const server = await listen();
  const { port } = server.address() as AddressInfo;
  const world = new World(services(port));
  const daemon = await world.start();
  world.text = "services: [{ protocol: tpc }]";
  await daemon.reload();
  assert.ok(world.log.some((line) => line.startsWith("error: ") && line.includes("did you mean")));
  assert.equal(world.log.at(-1), "error: the file was not taken; all stays as it was");
  world.text = services(port).replace("type: tcp,", "type: script, command: /bin/true, user: nobody-at-all,");
  await daemon.reload();
  assert.match(world.log.at(-2)!, /^error: Cannot watch the servers: the script check of 127\.0\.0\.1:\d+ in tcp 10\.0\.0\.100:80 cannot work: .*/);
  world.text = services(port, "weight: 7,");
  await daemon.reload();
  assert.deepEqual(world.servers, [`${port} 7`]);
  await daemon.reload();
  assert.equal(world.log.at(-1), "information: the file was read again; nothing to change");
  await daemon.stop();
  server.close();
});

test("plan says what apply does then, by the servers' health; and both, who is watched otherwise", async () => {
  const server = await listen();
  const { port } = server.address() as AddressInfo;
  const world = new World(services(port));
  const daemon = await world.start();
  server.close();
  await until(() => world.servers.length === 0);
  const both = async (text: string): Promise<readonly string[]> => {
    const configuration = parseConfig(text, { file: "weir.yaml" });
    const { changes } = await daemon.plan(configuration);
    const lines: string[] = [];
    await daemon.exclusively(() => daemon.apply(configuration, (line) => void lines.push(line)));
    assert.deepEqual(changes, lines);
    return lines;
  };
  assert.deepEqual(await both(services(port)), [], "the server that is down is not added");
  assert.deepEqual(await both(services(port).replace("every: 0.1", "every: 0.2")), ["service tcp 10.0.0.100:80: watched otherwise, by other settings"]);
  assert.deepEqual(await both(services(port, "quorum: { weight: 2 },").replace("every: 0.1", "every: 0.2")), ["service tcp 10.0.0.100:80: watched otherwise, by other settings"]);
  assert.deepEqual(await both(services(port, "quorum: { weight: 2 },").replace(/, checks: .*\}\] \}\]/, " }]")), [
    "  destination 127.0.0.1:PORT of tcp 10.0.0.100:80: added, method nat, weight 1".replace("PORT", String(port)), "service tcp 10.0.0.100:80: watched otherwise, 1 check → no checks",
  ]);
  await assert.rejects(() => daemon.plan(parseConfig(services(port).replace("type: tcp,", "type: script, command: /bin/true, user: nobody-at-all,"), { file: "weir.yaml" })), DaemonError);
  await daemon.stop();
});

test("it is taken down with its director: nobody is checked any more", async () => {
  let connections = 0;
  const server = await listen();
  server.on("connection", () => connections++);
  const world = new World(services((server.address() as AddressInfo).port));
  const daemon = await world.start();
  await until(() => connections > 1);
  await daemon.exclusively(() => daemon.takeDown(() => undefined));
  const before = connections;
  await delay(300);
  assert.ok(connections - before <= 1, "but one that was under way");
  await daemon.stop();
  server.close();
});

test("what runs beside it begins with the director as it was, and keeps it from starting when it cannot", async () => {
  const world = new World(services(80));
  await assert.rejects(() => world.start(async () => { throw new Error("the port is taken"); }), /the port is taken/);
  assert.deepEqual([world.director.services(), world.log, world.prepared], [[], [], []]);
  const seen: unknown[] = [];
  const daemon = await world.start(async (starting, configuration) => {
    seen.push(world.director.services().length, configuration.services.length, (await starting.plan(configuration)).changes.length);
  });
  assert.deepEqual([seen, world.servers], [[0, 1, 2], ["80 1"]]);
  await daemon.stop();
});

test("what cannot work keeps it from starting", async () => {
  await assert.rejects(() => new World("services: 5").start(), ConfigError);
  const world = new World(services(80).replace("type: tcp,", "type: script, command: /bin/true, user: nobody-at-all,"));
  await assert.rejects(() => world.start(), (error) => error instanceof DaemonError && error.code === "CHECK");
  assert.deepEqual(world.director.services(), []);
  const text = services(80).replace("type: tcp,", "type: script, command: /bin/true,").replace(/^/, "scriptUser: nobody-at-all\n").replace("checks:", "notifyDown: {command: /bin/true, user: 'nobody:nogroup-at-all'}, checks:");
  await assert.rejects(() => new World(text).start(), (error: Error) => {
    const why = process.getuid?.() === 0 ? ['there is no user "nobody-at-all"', 'there is no group "nogroup-at-all"'] : Array(2).fill("to run it as another user is for root");
    return error.message === `Cannot watch the servers:\nthe script check of 127.0.0.1:80 in tcp 10.0.0.100:80 cannot work: ${why[0]}\nnotifyDown of 127.0.0.1:80 in tcp 10.0.0.100:80 cannot work: ${why[1]}`;
  });
});
