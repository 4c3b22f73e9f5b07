// Destinations that were removed and come back: for how long they are remembered with what they counted. Times and numbers are those of the
// user-space machine; lifecycle.ts has removed destinations that connections refer to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeOfThisMachine } from "#control/kernel-store.js";
import { MachineStore } from "#control/machine-store.js";
import { Machine } from "#ebpf/machine.js";
import { configure, destination, service, serviceId } from "./case.js";
import { frame, udp } from "./frame.js";
import { machineWorld } from "./machine-world.js";
import type { Host } from "./network.js";
import { VIP, at, client, eth0, eth1, r1, r2, r3 } from "./network.js";
import type { World } from "./world.js";
import { PLAIN_PROGRAMS, meet, newDirector } from "./world.js";

const ID = serviceId("udp", 53);
const SERVICE = service("udp", 53, [], { onePacket: true });
const REMEMBERED_MILLISECONDS = 120_000;

const worldOfOnePacket = async (): Promise<World> => {
  const world = await machineWorld(64, PLAIN_PROGRAMS);
  configure(world.director, [SERVICE]);
  add(world, r1);
  meet(world, "tc", frame({ from: client.mac!, to: eth0.mac }, udp(at(client, 20000), at(VIP, 53))), eth0);
  assert.deepEqual(counted(world), { service: 1n, destinations: [1n] });
  return world;
};

const add = ({ director }: Pick<World, "director">, host: Host): void => director.addDestination(ID, destination(host, 53, "route"));
const remove = ({ director }: Pick<World, "director">, host: Host): void => director.deleteDestination(ID, { address: host.address, port: 53 });

function counted({ director }: World) {
  const [only] = director.services();
  return { service: only!.counters.connections, destinations: only!.destinations.map(({ counters }) => counters.connections) };
}

test("a removed destination that comes back within two minutes goes on counting, though no connection of it stands", async () => {
  const world = await worldOfOnePacket();
  remove(world, r1);
  await world.wait(REMEMBERED_MILLISECONDS - 1000);
  add(world, r1);
  assert.deepEqual(counted(world), { service: 1n, destinations: [1n] });
  remove(world, r1);
  await world.wait(REMEMBERED_MILLISECONDS + 1000);
  add(world, r1);
  assert.deepEqual(counted(world), { service: 1n, destinations: [0n] });
});

test("what a removed destination's connections are answered goes on to the client, and is not counted with it when it comes back", async () => {
  const world = await machineWorld(64, PLAIN_PROGRAMS);
  const own = destination(r1, 53, "masq");
  configure(world.director, [service("udp", 53, [own])]);
  const outcomes = [
    meet(world, "tc", frame({ from: client.mac!, to: eth0.mac }, udp(at(client, 20000), at(VIP, 53))), eth0),
    ...[0, 1, 2].map((i) => {
      if (i === 1) remove(world, r1);
      return meet(world, "tc", frame({ from: r1.mac!, to: eth1.mac }, udp(at(r1, 53), at(client, 20000))), eth1);
    }),
  ];
  assert.deepEqual(outcomes.map(({ outcome }) => outcome), ["sent", "sent", "sent", "sent"]);
  world.director.addDestination(ID, own);
  const [only] = world.director.services();
  const { packetsIn, packetsOut, bytesOut } = only!.destinations[0]!.counters;
  assert.deepEqual([packetsIn, packetsOut, bytesOut], [1n, 1n, 28n]);
  assert.equal(only!.counters.packetsOut, 1n);
});

test("a destination of a service that was removed with it begins to count anew", async () => {
  const world = await worldOfOnePacket();
  world.director.deleteService(ID);
  configure(world.director, [SERVICE]);
  add(world, r1);
  assert.deepEqual(counted(world), { service: 0n, destinations: [0n] });
});

test("what is only remembered makes room: first for others beside it, then in its own place", () => {
  const director = newDirector(new MachineStore(new Machine(), { ...shapeOfThisMachine({}), destinations: 2 }, () => 1_000_000_000_000n));
  configure(director, [SERVICE]);
  add({ director }, r1);
  remove({ director }, r1);
  add({ director }, r2);
  remove({ director }, r2);
  add({ director }, r3);
  assert.deepEqual(director.services()[0]!.destinations.map(({ address }) => address), [r3.address]);
  add({ director }, r1);
  assert.throws(() => add({ director }, r2), { code: "NO_MEMORY" });
});
