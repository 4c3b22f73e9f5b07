// How evenly the connection table fills: clients' addresses and ports come in sequences, and a weak hash would crowd them
// into some buckets. Connections are entered by real packets, on the machine; the kernel runs the same instructions.
//
// A hash that spreads like chance puts Poisson-many connections into a bucket: of four on average (a table half full) some
// 0.87 % find no room in their bucket of eight, of two on average 0.014 %. The limits below are what 4,000 such tables,
// filled by chance itself, stayed under.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Rows } from "#control/rows.js";
import { settings } from "#dataplane/maps.js";
import { configure, destination, service } from "./case.js";
import type { End } from "./frame.js";
import { frame, udp } from "./frame.js";
import { machineWorld } from "./machine-world.js";
import { VIP, at, client, eth0, r1 } from "./network.js";
import { displacements } from "./observe.js";
import type { World } from "./world.js";
import { PLAIN_PROGRAMS } from "./world.js";

const CONNECTIONS = 8192;
const SEEDS = [1n, 0x9d5cf11a2b3d4e5fn, 0xffff_ffff_ffff_ffffn];

/** The i-th client's end. */
const SEQUENCES: { readonly [description: string]: (i: number) => End } = {
  "one client's ports, one after the other": (i) => at(client, 1024 + i),
  "one port of addresses, one after the other": (i) => at(`10.3.${i >> 8}.${i & 0xff}`, 40000),
  "sixteen addresses with every second port of each": (i) => at(`10.3.0.${i & 15}`, 32768 + 2 * (i >> 4)),
  "addresses of many networks that end alike": (i) => at(`${11 + (i & 63)}.${i >> 6}.0.1`, 50000),
  "addresses and ports that grow together": (i) => at(`10.3.${i >> 8}.${i & 0xff}`, 1024 + i),
};

const LOADS = [
  { name: "a quarter full", share: 1 / 4, displacedMax: 0.0025, farthestMax: 2 },
  { name: "half full", share: 1 / 2, displacedMax: 0.018, farthestMax: 6 },
];

const world = machineWorld(CONNECTIONS, PLAIN_PROGRAMS);

for (const [sequence, end] of Object.entries(SEQUENCES)) {
  test(`few connections stand beyond their own bucket when the table fills with ${sequence}`, async (t) => {
    for (const seed of SEEDS) {
      const filled = prepare(await world, seed);
      let count = 0;
      for (const { name, share, displacedMax, farthestMax } of LOADS) {
        while (count < CONNECTIONS * share) enter(filled, end(count++));
        const found = displacements(filled);
        const displaced = found.filter((displacement) => displacement > 0).length / found.length;
        const farthest = Math.max(...found);
        t.diagnostic(`seed ${seed.toString(16)}, ${name}: ${(100 * displaced).toFixed(2)} % displaced, by ${farthest} at most`);
        assert.equal(found.length, count, "every connection found its place");
        assert.ok(displaced <= displacedMax, `${100 * displaced} % are displaced; chance would displace ${100 * displacedMax} % at most`);
        assert.ok(farthest <= farthestMax, `one stands ${farthest} buckets beyond its own`);
      }
    }
  });
}

function prepare(world: World, seed: bigint): World {
  world.reset();
  configure(world.director, [service("udp", 80, [destination(r1, 80, "route")])]);
  new Rows(world.store, settings).write(0, { hashSeed: seed });
  return world;
}

function enter(world: World, from: End): void {
  world.run("xdp", frame({ from: client.mac!, to: eth0.mac }, udp(from, at(VIP, 80))), eth0);
}
