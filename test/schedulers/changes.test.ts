// What becomes of a scheduler's state when the administrator changes the service.

import assert from "node:assert/strict";
import { test } from "node:test";
import { HASH_FALLBACK, MEMBERS_DEFAULT, SLOTS_MAX } from "#dataplane/maps.js";
import { MH_SLOTS } from "#dataplane/schedulers/mh.js";
import { DirectorError } from "#model/director.js";
import { configure, destination, service, serviceId } from "../packets/case.js";
import { EXECUTORS } from "../packets/executors.js";
import { VIP, at, client, r1, r2, r3 } from "../packets/network.js";
import { openAndClose } from "./replay.js";
import { PLAIN_PROGRAMS } from "../packets/world.js";

const ID = serviceId("tcp", 80);
const machine = EXECUTORS[0]!;

async function begin(scheduler: string, weights: readonly [number, number, number]) {
  const world = await machine.world(64, PLAIN_PROGRAMS);
  const members = [r1, r2, r3].map((host, i) => destination(host, 80, "masq", { weight: weights[i]! }));
  const described = service("tcp", 80, members, { scheduler });
  configure(world.director, [described]);
  let port = 1000;
  const connect = (count: number) => Array.from({ length: count }, () => openAndClose(world, "tc", at(client, port++), at(VIP, 80))).join(" ");
  const edit = (changes: Partial<typeof described.service>) => world.director.editService({ ...described.service, ...changes });
  return { world, connect, edit };
}

test("editing a service without another scheduler leaves its scheduler where it stands", async () => {
  for (const [scheduler, first, then] of [["rr", "r3 r2", "r1 r3 r2"], ["wrr", "r3 r2 r1 r3", "r3 r2 r3"]] as const) {
    const { connect, edit } = await begin(scheduler, [1, 2, 3]);
    assert.equal(connect(first.split(" ").length), first);
    edit({});
    assert.equal(connect(3), then, scheduler);
  }
});

test("another scheduler begins with the members as they are", async () => {
  const { connect, edit } = await begin("rr", [1, 2, 3]);
  assert.equal(connect(2), "r3 r2");
  edit({ scheduler: "wrr" });
  // ip_vs_wrr.c, ip_vs_wrr_init_svc(): at the largest weight. Members added one by one begin at the first one's.
  assert.equal(connect(6), "r3 r3 r2 r3 r2 r1");
  edit({ scheduler: "rr" });
  assert.equal(connect(3), "r3 r2 r1");
  edit({ scheduler: "fo" });
  assert.equal(connect(2), "r3 r3");
});

test("a service that takes to hashing has slots at once, and its flags may be changed", async () => {
  for (const scheduler of ["sh", "mh"]) {
    const { world, connect, edit } = await begin("rr", [1, 1, 1]);
    edit({ scheduler });
    const chosen = connect(1);
    const server = [r1, r2, r3].find(({ name }) => name === chosen)!;
    world.director.editDestination(ID, destination(server, 80, "masq", { weight: 0 }));
    if (scheduler === "mh") assert.equal(connect(1), "(refused)", "mh keeps the slots of a server that is set to weight 0");
    edit({ scheduler, schedulerFlags: HASH_FALLBACK });
    assert.notEqual(connect(1), "(refused)", scheduler);
    assert.notEqual(connect(1), chosen, scheduler);
    for (const host of [r1, r2, r3]) world.director.editDestination(ID, destination(host, 80, "masq", { weight: 0 }));
    assert.equal(connect(1), "(refused)", `${scheduler}: nobody takes any`);
  }
});

test("by mh a server that was added with weight 0 has no slots until it has a weight", async () => {
  const { world, connect } = await begin("mh", [0, 0, 0]);
  assert.equal(connect(1), "(refused)");
  world.director.editDestination(ID, destination(r2, 80, "masq", { weight: 5 }));
  assert.equal(connect(2), "r2 r2");
});

test("lists and slots that were given up are used again", async () => {
  const { world, connect } = await begin("mh", [1, 1, 1]);
  const changes = Math.ceil((2 * SLOTS_MAX) / MH_SLOTS);
  for (let i = 0; i < changes; i++) world.director.editDestination(ID, destination(r1, 80, "masq", { weight: (i % 2) + 1 }));
  assert.ok(changes * 3 < MEMBERS_DEFAULT);
  assert.notEqual(connect(1), "(refused)");
});

test("services by mh beyond the room for their slots are refused, and those there are stay as they are", async () => {
  const { world, connect } = await begin("mh", [1, 1, 1]);
  const chosen = connect(1);
  const room = Math.floor(SLOTS_MAX / MH_SLOTS);
  const addOne = (port: number) => configure(world.director, [service("tcp", port, [destination(r1, 80, "masq")], { scheduler: "mh" })]);
  assert.throws(() => {
    for (let i = 0; i <= room; i++) addOne(1000 + i);
  }, (error) => error instanceof DirectorError && error.code === "NO_MEMORY");
  assert.equal(connect(1), chosen);
});
