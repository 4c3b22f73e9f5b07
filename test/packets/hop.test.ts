// XDP sends by interfaces that take its frames; by others TC does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { HOP_BY_XDP } from "#dataplane/maps.js";
import { configure, destination, service } from "./case.js";
import { EXECUTORS } from "./executors.js";
import { SYN, frame, packetOf, tcp } from "./frame.js";
import { VIP, at, client, eth0, eth1, r1, r2 } from "./network.js";
import { PLAIN_PROGRAMS, describeDevice, meet } from "./world.js";

for (const { name, lacks, world: make } of EXECUTORS) {
  test(`a server behind an interface that takes no frames from XDP gets them from TC, counted once, on ${name}`, { skip: lacks }, async () => {
    const world = await make(64, PLAIN_PROGRAMS);
    configure(world.director, [service("tcp", 80, [destination(r1, 8080, "masq")]), service("tcp", 81, [destination(r2, 8080, "masq")])]);
    const fateOf = (port: number, hopFlags: number) => {
      describeDevice(world.store, eth1, hopFlags);
      return meet(world, "xdp", frame({ from: client.mac!, to: eth0.mac }, tcp(at(client, 40000), at(VIP, port), { flags: SYN })), eth0);
    };
    const fates = [fateOf(80, 0), fateOf(81, HOP_BY_XDP)];
    assert.deepEqual(fates.map(({ outcome, decidedBy }) => [outcome, decidedBy]), [["sent", "tc"], ["sent", "xdp"]]);
    assert.deepEqual(fates.map(({ bytes }) => packetOf(bytes)), [r1, r2].map((server) => tcp(at(client, 40000), at(server, 8080), { flags: SYN, ttl: 63 })));
    assert.deepEqual(world.director.services().map(({ counters }) => counters.connections), [1n, 1n]);
  });
}
