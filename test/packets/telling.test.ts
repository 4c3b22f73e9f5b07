// What the master daemon tells of connections, and when: dataplane/ makes them by packets, and the daemon's look finds what has changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOTS_PER_BUCKET } from "#dataplane/maps.js";
import { Backup } from "#control/synchronisation/backup.js";
import { Master, threadOf } from "#control/synchronisation/master.js";
import { SyncMessageWriter } from "#control/synchronisation/message.js";
import { fromAddress, fromBe16 } from "#control/encode.js";
import type { ProgramName } from "#control/programs.js";
import type { ServiceDescription } from "./case.js";
import { configure, destination, service } from "./case.js";
import { EXECUTORS } from "./executors.js";
import { ACK, FIN, RST, SYN, frame, tcp, udp } from "./frame.js";
import { VIP, at, client, eth0, r1 } from "./network.js";
import type { World } from "./world.js";
import { PLAIN_PROGRAMS, meet } from "./world.js";

const PROGRAMS: readonly ProgramName[] = [...PLAIN_PROGRAMS, "weir_sync"];
const LINK = { from: client.mac!, to: eth0.mac };
const [EXECUTOR] = EXECUTORS;
const WEB = service("tcp", 80, [destination(r1, 8080, "masq")]);
/** Longer than a tick of the data plane's clock. */
const A_WHILE = 200;

async function newWorld(...services: readonly ServiceDescription[]): Promise<{ readonly world: World; readonly told: () => readonly string[] }> {
  const world = await EXECUTOR!.world(64, PROGRAMS);
  configure(world.director, services);
  const master = new Master(world.store);
  return { world, told: () => look(world, master).map(({ client: from, clientPort, state, timeoutSeconds, serverPort }) => `${fromAddress(from, 4)}:${fromBe16(clientPort)} ${state} ${timeoutSeconds} s ${fromBe16(serverPort)}`).sort() };
}

test("connections are shared out among the ports of sync_ports, though a bucket has its first slot alone", () => {
  const places = Array.from({ length: 64 }, (_, bucket) => bucket * SLOTS_PER_BUCKET);
  for (const ports of [1, 2, 4, 64]) {
    const counts = new Map(places.map((place) => [threadOf(place, ports), places.filter((other) => threadOf(other, ports) === threadOf(place, ports)).length]));
    assert.deepEqual([counts.size, new Set(counts.values())], [ports, new Set([64 / ports])], `${ports} ports`);
  }
});

function look(world: World, master: Master) {
  const found: Parameters<Parameters<Master["look"]>[1]>[0][] = [];
  master.look(world.director.sysctls(), (connection) => void found.push(connection));
  return found;
}

function send(world: World, flags: number, port = 20000): void {
  meet(world, "tc", frame(LINK, tcp(at(client, port), at(VIP, 80), { flags })), eth0);
}

test("TCP is told of at its third packet, and in each state in which it ends", async () => {
  const { world, told } = await newWorld(WEB);
  send(world, SYN);
  assert.deepEqual(told(), []);
  send(world, ACK);
  assert.deepEqual(told(), [], "two packets");
  send(world, ACK);
  assert.deepEqual(told(), ["10.0.0.2:20000 1 900 s 8080"]);
  assert.deepEqual(told(), []);
  await world.wait(A_WHILE);
  send(world, ACK);
  assert.deepEqual([told(), told()], [[], []], "it is known");
  send(world, FIN | ACK);
  assert.deepEqual([told(), told()], [["10.0.0.2:20000 7 60 s 8080"], []]);
  send(world, RST);
  assert.deepEqual([told(), told()], [["10.0.0.2:20000 6 10 s 8080"], []]);
});

test("a packet in the tick of a look, which moves no time any more, is seen by the next look", async () => {
  const { world, told } = await newWorld(WEB);
  for (const flags of [SYN, ACK, ACK]) send(world, flags);
  assert.equal(told().length, 1);
  send(world, ACK, 20001);
  for (const flags of [SYN, ACK]) send(world, flags, 20002);
  assert.deepEqual(told(), []);
  send(world, ACK, 20002);
  assert.deepEqual(told(), ["10.0.0.2:20002 1 900 s 8080"]);
});

test("a connection that goes on is told of again when half of its timeout has passed, or as sync_refresh_period says", async () => {
  const { world, told } = await newWorld(WEB);
  for (const flags of [SYN, ACK, ACK]) send(world, flags);
  assert.equal(told().length, 1);
  await world.wait(440_000);
  send(world, ACK);
  assert.deepEqual(told(), []);
  await world.wait(20_000);
  send(world, ACK);
  assert.deepEqual([told().length, told().length], [1, 0]);
  world.director.setSysctls({ sync_refresh_period: 10 });
  await world.wait(8_000);
  send(world, ACK);
  assert.deepEqual(told(), []);
  await world.wait(3_000);
  send(world, ACK);
  assert.deepEqual([told().length, told().length], [1, 0]);
  world.director.setSysctls({ sync_retries: 1 });
  await world.wait(2_000);
  send(world, ACK);
  assert.deepEqual([told().length, told().length], [1, 0], "an eighth of the period later, once");
});

test("with neither period a connection is told of once, and what it ends in", async () => {
  const { world, told } = await newWorld(WEB);
  world.director.setSysctls({ sync_threshold: [1, 0] });
  for (const flags of [SYN, ACK]) send(world, flags);
  assert.equal(told().length, 1);
  await world.wait(800_000);
  send(world, ACK);
  assert.deepEqual(told(), []);
  send(world, RST);
  assert.deepEqual(told(), ["10.0.0.2:20000 6 10 s 8080"]);
});

test("a template is told of with each new connection, and again while connections stand; sync_persist_mode leaves those out", async () => {
  const { world, told } = await newWorld(service("udp", 53, [destination(r1, 53, "route")], { persistentSeconds: 100 }));
  const ask = (port: number) => meet(world, "tc", frame(LINK, udp(at(client, port), at(VIP, 53))), eth0);
  world.director.setSysctls({ sync_persist_mode: 1 });
  for (let i = 0; i < 3; i++) ask(20000);
  assert.deepEqual([told(), told()], [["10.0.0.2:0 0 100 s 53"], []]);
  await world.wait(A_WHILE);
  ask(20001);
  assert.deepEqual([told(), told()], [["10.0.0.2:0 0 100 s 53"], []]);
  await world.wait(51_000);
  assert.deepEqual([told(), told()], [["10.0.0.2:0 0 100 s 53"], []]);
  world.director.setSysctls({ sync_persist_mode: 0 });
  await world.wait(A_WHILE);
  for (let i = 0; i < 3; i++) ask(20001);
  assert.deepEqual(told(), ["10.0.0.2:20001 0 300 s 53"]);
});

/** What a director says of a connection of its own that is established; then one that is told it, with the same configuration. */
async function newTold(): Promise<{ readonly world: World; readonly told: () => readonly string[]; readonly hear: () => void }> {
  const first = await EXECUTOR!.world(64, PROGRAMS);
  configure(first.director, [WEB]);
  for (const flags of [SYN, ACK, ACK]) send(first, flags);
  const writer = new SyncMessageWriter(1, 0, 1472);
  for (const connection of look(first, new Master(first.store))) writer.add(connection);
  const message = writer.finish()!;
  const { world, told } = await newWorld(WEB);
  const backup = new Backup(world.store, 0, () => void world.run("sync", new Uint8Array(64), eth0));
  return { world, told, hear: () => backup.take(message) };
}

test("what another director told is not told back, but what becomes of it here is", async () => {
  const { world, told, hear } = await newTold();
  hear();
  assert.equal([...world.director.connections()].length, 1);
  assert.deepEqual([told(), told()], [[], []]);
  await world.wait(A_WHILE);
  send(world, FIN | ACK);
  assert.deepEqual(told(), ["10.0.0.2:20000 7 60 s 8080"]);
});

test("what another director tells again is not told back either, until packets come here for half of its timeout", async () => {
  const { world, told, hear } = await newTold();
  for (let time = 0; time < 5; time++) {
    hear();
    assert.deepEqual([told(), told()], [[], []], `told ${time + 1} times`);
    await world.wait(460_000);
  }
  hear();
  hear();
  assert.deepEqual([told(), told()], [[], []], "twice between two looks");
  await world.wait(440_000);
  send(world, ACK);
  assert.deepEqual([told(), told()], [[], []]);
  await world.wait(20_000);
  send(world, ACK);
  assert.deepEqual([told(), told()], [["10.0.0.2:20000 1 900 s 8080"], []]);
});

test("what another director told is not repeated here for sync_retries", async () => {
  const { world, told, hear } = await newTold();
  world.director.setSysctls({ sync_refresh_period: 10, sync_retries: 3 });
  hear();
  assert.deepEqual(told(), []);
  await world.wait(2_000);
  send(world, ACK);
  assert.deepEqual([told(), told()], [[], []]);
});

test("what this director told first, and another took over, is not told back as long as it goes on there", async () => {
  const { world, told, hear } = await newTold();
  for (const flags of [SYN, ACK, ACK]) send(world, flags);
  assert.equal(told().length, 1);
  for (let time = 0; time < 3; time++) {
    await world.wait(460_000);
    hear();
    assert.deepEqual([told(), told()], [[], []]);
  }
});
