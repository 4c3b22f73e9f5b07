// The way to a real server changes under a connection: the next packets take the new way, within a second, and nobody
// tells weir. Each kind of change meets a connection that is asked again and again.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { dissect } from "#lab/dissect.js";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";
import { packetsAt } from "./wires.js";

const FOLLOWED_MILLISECONDS = 1000;

for (const mode of ["tc", "xdp"] as const) {
  describe(`dr at ${mode}`, needs, () => {
    let bed: Bed;
    before(async () => {
      bed = await Bed.open("dr", { offloads: "off" });
      await bed.serve({ http: [80] });
      await bed.up({ mode, services: [service(bed.topology, { servers: [1] })] });
      await bed.topology.warm();
    });
    after(() => bed?.close());

    test("a real server's new MAC address is used as soon as the kernel knows it", async () => {
      const [server = ""] = bed.topology.namespaces.servers;
      await followed(bed, async () => {
        await bed.ip("link set eth0 address 02:00:00:00:02:99", server);
        await bed.ip("neigh replace 203.0.113.11 lladdr 02:00:00:00:02:99 dev eth0 nud reachable");
      });
      const tap = await bed.topology.tap();
      await bed.client.get({ address: bed.topology.vip, port: 80 });
      const { frames } = await tap.stop();
      const sent = frames.filter(({ host, direction, bytes }) => host === "director" && direction === "out" && dissect(bytes).ip?.tcp !== undefined);
      assert.deepEqual(new Set(sent.map(({ bytes }) => dissect(bytes).destination)), new Set(["02:00:00:00:02:99"]));
    });

    test("a new MAC address that nobody announces is found out", async () => {
      const [server = ""] = bed.topology.namespaces.servers;
      // Linux Documentation/networking/ip-sysctl.rst and arp(7): by default the kernel doubts for five seconds and asks for three more.
      for (const [name, value] of [["delay_first_probe_time", 1], ["ucast_solicit", 1], ["retrans_time_ms", 100]]) {
        await bed.set(`net/ipv4/neigh/eth0/${name}=${value}`);
      }
      const session = await bed.client.openSession({ address: bed.topology.vip, port: 80, timeoutMilliseconds: 15_000 });
      await bed.client.sessionGet(session);
      await bed.ip("link set eth0 address 02:00:00:00:02:98", server);
      await bed.ip("neigh replace 203.0.113.11 lladdr 02:00:00:00:02:99 dev eth0 nud stale");
      assert.equal((await bed.client.sessionGet(session)).server, "r1");
      assert.match(await bed.ip("neigh show 203.0.113.11"), /lladdr 02:00:00:00:02:98/);
      await bed.client.close(session);
      await bed.ip("link set eth0 address 02:00:00:00:02:99", server);
      await bed.ip("neigh replace 203.0.113.11 lladdr 02:00:00:00:02:99 dev eth0 nud reachable");
    });

    for (const change of ["nud stale", "nud failed", "removed"]) {
      test(`a neighbour entry that is ${change} is asked for again, and no packet is lost`, async () => {
        const tap = await bed.topology.tap();
        await followed(bed, async () => {
          if (change === "removed") await bed.ip("neigh del 203.0.113.11 dev eth0");
          else await bed.ip(`neigh replace 203.0.113.11 lladdr 02:00:00:00:02:99 dev eth0 ${change}`);
        });
        const sequences = packetsAt((await tap.stop()).frames, "client", "out").filter(({ tcp }) => (tcp?.payload.length ?? 0) > 0).map(({ tcp }) => tcp?.sequence);
        assert.equal(sequences.length, new Set(sequences).size, "nothing was sent twice");
      });
    }
  });
}

describe("tun", needs, () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.open("tun");
    await bed.serve({ http: [80] });
    await bed.decapsulate();
    await bed.up({ services: [service(bed.topology, { servers: [1] })] });
    await bed.topology.warm();
  });
  after(() => bed?.close());

  test("another route to the real server is taken, with the director's address on that way as the tunnel's source", async () => {
    // By the front router instead of the remote one, from an address that the director just got.
    await bed.ip("addr add 203.0.113.7/24 dev eth0");
    await followed(bed, () => bed.ip("route replace 10.0.0.0/16 via 203.0.113.1 src 203.0.113.7").then(() => undefined));
    const tap = await bed.topology.tap();
    await bed.client.get({ address: bed.topology.vip, port: 80 });
    const { frames } = await tap.stop();
    const outer = frames.filter(({ host, direction, bytes }) => host === "director" && direction === "out" && dissect(bytes).ip?.inner !== undefined).map(({ bytes }) => dissect(bytes));
    assert.ok(outer.length > 0);
    assert.deepEqual(new Set(outer.map(({ destination }) => destination)), new Set(["02:00:00:00:02:01"]));
    assert.deepEqual(new Set(outer.map(({ ip }) => ip?.source)), new Set(["203.0.113.7"]));
  });
});

/** A connection is asked, something changes, and after the time that weir may take it is asked again. */
async function followed({ client, topology }: Bed, change: () => Promise<void>): Promise<void> {
  const session = await client.openSession({ address: topology.vip, port: 80, timeoutMilliseconds: 3000 });
  await client.sessionGet(session);
  await change();
  const since = performance.now();
  await client.sessionGet(session);
  assert.ok(performance.now() - since < FOLLOWED_MILLISECONDS * 2, "asked at once, the answer may wait for one retransmission");
  await delay(FOLLOWED_MILLISECONDS - (performance.now() - since));
  const asked = performance.now();
  await client.sessionGet(session);
  assert.ok(performance.now() - asked < FOLLOWED_MILLISECONDS / 2);
  await client.close(session);
}
