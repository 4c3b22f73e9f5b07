// What lblc and lblcr remember of an address, and for how long. On the machine, where a day passes when a test says so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LOCALITIES_MAX, LOCALITY_SERVERS_MAX, Locality, LocalityKey, localities } from "#dataplane/maps.js";
import { toAddress } from "#control/encode.js";
import { decode, encode } from "#layout/codec.js";
import type { Destination } from "#model/director.js";
import { configure, destination, service, serviceId } from "../packets/case.js";
import { EXECUTORS } from "../packets/executors.js";
import { SYN, frame, tcp } from "../packets/frame.js";
import { VIP, at, client, eth0, r1, r2 } from "../packets/network.js";
import type { World } from "../packets/world.js";
import { PLAIN_PROGRAMS, meet } from "../packets/world.js";
import { open } from "./replay.js";

const HOUR = 60 * 60 * 1000;
const ID = serviceId("tcp", 80);
const machine = EXECUTORS[0]!;

/** A world of one service, and a function that opens one more connection to it. */
async function begin(scheduler: string, members: readonly Destination[]) {
  const world = await machine.world(64, PLAIN_PROGRAMS);
  configure(world.director, [service("tcp", 80, members, { scheduler })]);
  let port = 1000;
  return { world, connect: () => open(world, "tc", at(client, port++), at(VIP, 80)) };
}

const member = (host: { readonly address: string }, weight: number): Destination => destination({ ...r1, ...host }, 80, "masq", { weight });

/** The servers of the VIP, the newest last, as their addresses. */
function serversOf({ store, director }: World): readonly string[] {
  const value = store.hash(localities).lookup(encode(LocalityKey, { serviceSlot: 0, address: toAddress(VIP) }))!;
  const { servers, serversCount } = decode(Locality, value);
  const order = director.services()[0]!.destinations.map((one) => one.address).reverse();
  return Array.from(servers).slice(0, serversCount).map((index) => order[index]!);
}

test("lblc keeps an address with its server while that is not crowded, and forgets it a day after its last use", async () => {
  const { world, connect } = await begin("lblc", [member(r1, 10), member(r2, 10)]);
  assert.deepEqual([connect(), connect(), connect()], ["r2", "r2", "r2"]);
  await world.wait(23 * HOUR);
  assert.equal(connect(), "r2");
  await world.wait(23 * HOUR);
  assert.equal(connect(), "r2", "a day counts from the last use");
  await world.wait(25 * HOUR);
  assert.equal(connect(), "r1", "as wlc would choose");
});

test("lblc gives an address to another server when its own is crowded and some other is idle", async () => {
  const { connect } = await begin("lblc", [member(r1, 4), member(r2, 2)]);
  // r2 gets what makes it crowded: at three, more than its weight, r1 has less than half of its own.
  assert.deepEqual([connect(), connect(), connect()], ["r2", "r2", "r2"]);
  assert.deepEqual([connect(), connect()], ["r1", "r1"]);
});

test("lblc chooses anew when its server has weight 0 or is gone", async () => {
  const { world, connect } = await begin("lblc", [member(r1, 10), member(r2, 10)]);
  assert.equal(connect(), "r2");
  world.director.editDestination(ID, member(r2, 0));
  assert.equal(connect(), "r1");
  world.director.editDestination(ID, member(r2, 10));
  assert.equal(connect(), "r1");
  world.director.deleteDestination(ID, { address: r1.address, port: 80 });
  assert.equal(connect(), "r2");
});

test("lblcr adds a server to an address when those that it has are crowded, and after a day without change the most loaded leaves", async () => {
  const { world, connect } = await begin("lblcr", [member(r1, 2), member(r2, 2)]);
  assert.deepEqual([connect(), connect(), connect(), connect()], ["r2", "r2", "r2", "r1"]);
  assert.deepEqual(serversOf(world), [r2.address, r1.address]);
  await world.wait(13 * HOUR);
  assert.equal(connect(), "r1", "the less loaded of both");
  assert.deepEqual(serversOf(world), [r2.address, r1.address]);
  await world.wait(13 * HOUR);
  assert.equal(connect(), "r1");
  assert.deepEqual(serversOf(world), [r1.address]);
});

test("an address has at most sixteen servers by lblcr: one more takes the place of the oldest", async () => {
  const servers = Array.from({ length: LOCALITY_SERVERS_MAX + 1 }, (_, i) => `10.1.0.${100 + i}`);
  const { world } = await begin("lblcr", servers.map((server) => member({ address: server }, 1)));
  // With two connections a server is crowded, while any has none.
  for (let i = 0; i < servers.length * 2; i++) meet(world, "tc", frame({ from: client.mac!, to: eth0.mac }, tcp(at(client, 1000 + i), at(VIP, 80), { flags: SYN })), eth0);
  assert.deepEqual(serversOf(world), [...servers].reverse().slice(1));
});

test("a service that takes to lblc knows nothing of what another of its slot remembered", async () => {
  const { world, connect } = await begin("lblc", [member(r1, 10), member(r2, 10)]);
  assert.equal(connect(), "r2");
  world.director.deleteService(ID);
  configure(world.director, [service("tcp", 80, [member(r2, 10), member(r1, 10)], { scheduler: "lblc" })]);
  assert.equal([...world.store.hash(localities).keys()].length, 0);
});

test("when more addresses come than are remembered, the service goes on and the map stays in its limit", async () => {
  const { world, connect } = await begin("lblc", [member(r1, 10), member(r2, 10)]);
  const known = world.store.hash(localities);
  for (let i = 0; i < LOCALITIES_MAX; i++) known.update(encode(LocalityKey, { serviceSlot: 1, address: { high: 0n, low: BigInt(i) } }), encode(Locality));
  assert.equal(connect(), "r2");
  assert.equal([...known.keys()].length, LOCALITIES_MAX);
});
