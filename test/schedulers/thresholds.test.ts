// When a destination at its upper threshold is open again. Linux v6.12 net/netfilter/ipvs/ip_vs_conn.c,
// ip_vs_unbind_dest(). On the machine, where minutes pass when a test says so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SCHEDULERS } from "#control/encode.js";
import { configure, destination, service, serviceId } from "../packets/case.js";
import { EXECUTORS } from "../packets/executors.js";
import { VIP, at, client, r1, r2 } from "../packets/network.js";
import { sendDatagram } from "./replay.js";
import { PLAIN_PROGRAMS } from "../packets/world.js";

const MINUTE = 60 * 1000;
const machine = EXECUTORS[0]!;

/** UDP, whose connections last five minutes: a function that begins `count` more. */
async function begin(members: Parameters<typeof service>[2], scheduler = "rr") {
  const world = await machine.world(64, PLAIN_PROGRAMS);
  configure(world.director, [service("udp", 80, members, { scheduler })]);
  world.startExpiry();
  let port = 1000;
  const connect = (count: number) => Array.from({ length: count }, () => sendDatagram(world, "tc", at(client, port++), at(VIP, 80))).join(" ");
  return { world, connect };
}

test("without a lower threshold a destination is open again below three quarters of the upper one", async () => {
  const { world, connect } = await begin([destination(r1, 80, "masq", { upperThreshold: 4 })]);
  assert.equal(connect(1), "r1");
  await world.wait(2 * MINUTE);
  assert.equal(connect(1), "r1");
  await world.wait(2 * MINUTE);
  assert.equal(connect(3), "r1 r1 (refused)");
  await world.wait(1.5 * MINUTE);
  assert.equal(connect(1), "(refused)", "three are left");
  await world.wait(2 * MINUTE);
  assert.equal(connect(3), "r1 r1 (refused)", "two were left");
});

test("with a lower threshold a destination is open again below that", async () => {
  const { world, connect } = await begin([destination(r1, 80, "masq", { upperThreshold: 4, lowerThreshold: 2 })]);
  assert.equal(connect(2), "r1 r1");
  await world.wait(2 * MINUTE);
  assert.equal(connect(1), "r1");
  await world.wait(2 * MINUTE);
  assert.equal(connect(2), "r1 (refused)");
  await world.wait(1.5 * MINUTE);
  assert.equal(connect(1), "(refused)", "two are left");
  await world.wait(2 * MINUTE);
  assert.equal(connect(1), "r1", "one was left");
});

test("a smaller upper threshold leaves a destination overloaded, a larger one and none open it", async () => {
  const { world, connect } = await begin([destination(r1, 80, "masq", { upperThreshold: 2 })]);
  const edit = (upperThreshold: number) => world.director.editDestination(serviceId("udp", 80), destination(r1, 80, "masq", { upperThreshold }));
  assert.equal(connect(3), "r1 r1 (refused)");
  edit(1);
  assert.equal(connect(1), "(refused)");
  edit(3);
  assert.equal(connect(2), "r1 (refused)");
  edit(0);
  assert.equal(connect(3), "r1 r1 r1");
});

for (const scheduler of Object.keys(SCHEDULERS)) {
  test(`${scheduler} passes over destinations that are overloaded or have weight 0`, async () => {
    const { world, connect } = await begin([destination(r1, 80, "masq", { weight: 4, upperThreshold: 2 }), destination(r2, 80, "masq", { weight: 0 })], scheduler);
    const outcome = connect(6).split(" ");
    // lblc alone looks at its own server's weight only, once an address is there.
    const most = scheduler === "lblc" ? 6 : 2;
    assert.ok(outcome.filter((name) => name === "r1").length <= most, outcome.join(" "));
    assert.ok(outcome.every((name) => name !== "r2"), outcome.join(" "));
    assert.equal(world.director.services()[0]!.destinations.find(({ address }) => address === r2.address)!.inactiveConnections, 0);
  });
}
