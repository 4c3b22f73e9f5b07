// Rates by the kernel's timer (dataplane/estimator.ts), as Linux net/netfilter/ipvs/ip_vs_est.c computes them.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rates } from "#model/director.js";
import { configure, destination, service } from "./case.js";
import { EXECUTORS } from "./executors.js";
import { frame, udp } from "./frame.js";
import { VIP, at, client, eth0, r1 } from "./network.js";
import { PLAIN_PROGRAMS, meet } from "./world.js";

const PERIOD_MILLISECONDS = 2000;
const PACKETS = 64;
/** An IP and a UDP header. */
const PACKET_BYTES = 28;
/** A quarter of what two seconds had, a second's worth; then three quarters of that in each quiet period. */
const AFTER = [
  { connections: 8n, packetsIn: 8n, packetsOut: 0n, bytesIn: 224n, bytesOut: 0n },
  { connections: 6n, packetsIn: 6n, packetsOut: 0n, bytesIn: 168n, bytesOut: 0n },
] as const satisfies readonly Rates[];

for (const executor of EXECUTORS) {
  test(`rates follow what was counted, every two seconds, on ${executor.name}`, { skip: executor.lacks }, async () => {
    const world = await executor.world(1024, PLAIN_PROGRAMS);
    configure(world.director, [service("udp", 80, [destination(r1, 80, "route")])]);
    world.startExpiry();
    for (let port = 0; port < PACKETS; port++) {
      meet(world, "tc", frame({ from: client.mac!, to: eth0.mac }, udp(at(client, 40000 + port), at(VIP, 80))), eth0);
    }
    const sent = { connections: BigInt(PACKETS), packetsIn: BigInt(PACKETS), packetsOut: 0n, bytesIn: BigInt(PACKETS * PACKET_BYTES), bytesOut: 0n };
    assert.deepEqual(world.director.services()[0]!.counters, sent);
    await world.wait(PERIOD_MILLISECONDS + 100);
    const [state] = world.director.services();
    // In the kernel the timer is not ours: a second period may have passed meanwhile.
    const expected = AFTER.find(({ packetsIn }) => packetsIn === state!.rates.packetsIn) ?? AFTER[0];
    assert.deepEqual(state!.rates, expected);
    assert.deepEqual(state!.destinations[0]!.rates, expected);
  });
}
