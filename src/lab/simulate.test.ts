// The laboratory without a kernel: every frame on its wires must be right, and the walk the one of the real networks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { frameProblems } from "./verify.js";
import { METHODS, VIP } from "./plan.js";
import { simulateDistribution, simulateWalk, simulatedLaboratory } from "./simulate.js";

const HOPS = {
  nat: ["client → router 64", "router → director 63", "director → r3 62", "r3 → director 64", "director → router 63", "router → client 62"],
  dr: ["client → router 64", "router → director 63", "director → r3 62", "r3 → router 64", "router → client 63"],
  tun: [
    "client → router 64", "router → director 63", "director → remote 62 in 62", "remote → r3 62 in 61",
    "r3 → remote 64", "remote → router 63", "router → client 62",
  ],
} as const;

for (const method of METHODS) {
  test(`${method}: the walk takes the wires of the real network, with its TTLs`, async () => {
    const { server, steps } = await simulateWalk(method);
    assert.equal(server, "r3");
    assert.deepEqual(steps.map(({ from, to, headers }) => `${from} → ${to} ${headers.map(({ ttl }) => ttl).reverse().join(" in ")}`), HOPS[method]);
    const destinations = steps.filter(({ way }) => way === "request").map(({ headers }) => headers.at(-1)?.destination);
    assert.deepEqual(new Set(destinations), new Set(method === "nat" ? [VIP, "10.0.0.13"] : [VIP]));
  });

  test(`${method}: all frames of whole connections have right lengths and checksums`, async () => {
    const { network, client } = await simulatedLaboratory(method);
    for (let port = 50000; port < 50006; port++) network.carry("client", client.connect(port, { address: VIP, port: 80 }));
    assert.equal(client.answered.size, 6);
    assert.ok(network.frames.length > 6 * 40);
    assert.deepEqual(network.frames.flatMap((frame) => frameProblems(frame)), []);
  });

  test(`${method}: sixty connections are shared by weight`, async () => {
    assert.deepEqual(await simulateDistribution(method, 60), { r1: 10, r2: 20, r3: 30 });
  });
}

test("a connection to a port without a service ends in the director's stack: no answer", async () => {
  const { network, client } = await simulatedLaboratory("nat");
  network.carry("client", client.connect(50000, { address: VIP, port: 81 }));
  assert.equal(client.answered.size, 0);
  assert.deepEqual(network.frames.map(({ host, direction }) => `${host} ${direction}`), ["client out", "router in", "router out", "director in"]);
});
