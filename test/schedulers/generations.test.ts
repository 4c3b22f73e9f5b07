// A change of many services is seen by packets at one moment, all of it: up to the store that publishes it they go by the
// old configuration, and from it on by the new one. On both executors, with packets right before and right after that store.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operation, Service } from "#model/director.js";
import { destination, service, serviceId } from "../packets/case.js";
import { EXECUTORS } from "../packets/executors.js";
import { VIP, at, client, r1, r2, r3 } from "../packets/network.js";
import { HOOKS, PLAIN_PROGRAMS } from "../packets/world.js";
import { sendDatagram } from "./replay.js";

const PORTS = [53, 80, 81, 82, 83, 84];
const udp = (port: number, changes: Partial<Service> = {}): Service => service("udp", port, [], changes).service;
const on = (port: number) => serviceId("udp", port);
const to = (host: typeof r1, weight = 1) => destination(host, 80, "masq", { weight });

const FIRST: readonly Operation[] = [
  { kind: "addService", service: udp(80) }, { kind: "addDestination", service: on(80), destination: to(r1) },
  { kind: "addService", service: udp(81, { scheduler: "wrr" }) }, { kind: "addDestination", service: on(81), destination: to(r1) }, { kind: "addDestination", service: on(81), destination: to(r2, 0) },
  { kind: "addService", service: udp(82) }, { kind: "addDestination", service: on(82), destination: to(r1) },
  { kind: "addService", service: udp(83, { scheduler: "sh" }) }, { kind: "addDestination", service: on(83), destination: to(r1) },
  { kind: "addService", service: udp(84) }, { kind: "addDestination", service: on(84), destination: to(r3) },
];
/** One goes, one comes, one has other servers, one other weights, one another scheduler and another server; one stays. */
const SECOND: readonly Operation[] = [
  { kind: "addService", service: udp(53) }, { kind: "addDestination", service: on(53), destination: to(r3) },
  { kind: "addDestination", service: on(80), destination: to(r2) }, { kind: "deleteDestination", service: on(80), destination: to(r1) },
  { kind: "editDestination", service: on(81), destination: to(r2, 1) }, { kind: "editDestination", service: on(81), destination: to(r1, 0) },
  { kind: "editService", service: udp(83, { scheduler: "rr" }) }, { kind: "addDestination", service: on(83), destination: to(r2) },
  { kind: "deleteDestination", service: on(83), destination: to(r1) },
  { kind: "deleteService", service: { id: on(82) } },
];
const OLD = "(refused) r1 r1 r1 r1 r3".split(" ");
const NEW = "r3 r2 r2 (refused) r2 r3".split(" ");

for (const executor of EXECUTORS) {
  for (const hook of HOOKS) {
    test(`packets see a change at the one store that publishes it (${executor.name}, ${hook})`, { skip: executor.lacks }, async (t) => {
      const world = await executor.world(256, PLAIN_PROGRAMS);
      let port = 1000;
      // "(refused)" of a port without a service: the packet is the stack's.
      const look = () => PORTS.map((service) => sendDatagram(world, hook, at(client, port++), at(VIP, service)));
      const store = Atomics.store.bind(Atomics);
      const seen: string[][] = [];
      t.mock.method(Atomics, "store", (words: Uint32Array, index: number, value: number) => {
        seen.push(look());
        store(words, index, value);
        seen.push(look());
        return value;
      });
      world.director.apply(FIRST);
      assert.deepEqual(seen.splice(0), [PORTS.map(() => "(refused)"), OLD]);
      world.director.apply(SECOND);
      assert.deepEqual(seen, [OLD, NEW]);
      assert.deepEqual(look(), NEW);
    });
  }
}

test("what a command that was killed had prepared counts for nobody, and is gone with the next change", async () => {
  const world = await EXECUTORS[0]!.world(256, PLAIN_PROGRAMS);
  let port = 1000;
  const look = () => PORTS.map((service) => sendDatagram(world, "tc", at(client, port++), at(VIP, service)));
  world.director.apply(FIRST);
  const { store } = Atomics;
  const killed = new Error("killed");
  Atomics.store = () => { throw killed; };
  try {
    assert.throws(() => world.director.apply(SECOND.filter(({ kind }) => kind === "addService" || kind === "deleteService" || kind === "addDestination")), killed);
  } finally {
    Atomics.store = store;
  }
  assert.deepEqual(look(), OLD);
  const services = () => world.director.services().map(({ id }) => id);
  assert.deepEqual(services(), [80, 81, 82, 83, 84].map(on));
  world.director.reclaim();
  world.director.editService(udp(80));
  assert.deepEqual(look(), OLD);
  assert.deepEqual(services(), [80, 81, 82, 83, 84].map(on));
});
