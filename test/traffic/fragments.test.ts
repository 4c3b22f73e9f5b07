// Datagrams larger than the wires carry, by each method: their senders cut them, and the director sends all pieces the
// same way.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dissect } from "#lab/dissect.js";
import { METHODS } from "#lab/plan.js";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";

/** 4,000 bytes of which no two hundred are alike. */
const DATAGRAM = Array.from({ length: 800 }, (_, i) => 1000 + i).join(" ").padEnd(4000, "!");
const COUNT = 6;

for (const method of METHODS) {
  describe(`fragments by ${method}`, needs, () => {
    let bed: Bed;
    before(async () => {
      bed = await Bed.open(method);
      await bed.serve({ udp: [53] });
      if (method === "tun") {
        await bed.decapsulate();
        await leaveRoomForTunnel(bed);
      }
      await bed.up({ services: [service(bed.topology, { protocol: "udp", port: 53 })] });
    });
    after(() => bed?.close());

    test("datagrams in fragments come to one server each, and their answers in fragments to the client", async () => {
      const { client, topology } = bed;
      const { vip: address } = topology;
      const tap = await topology.tap();
      const replies = await client.udpEcho({ address, port: 53, text: DATAGRAM, count: COUNT });
      const { frames } = await tap.stop();
      assert.deepEqual(replies.map(({ text, from }) => [text, from]), Array(COUNT).fill([DATAGRAM, `${address}:53`]));
      assert.equal(new Set(replies.map(({ server }) => server)).size, 1);
      const cameTo = (host: string) => frames.filter(({ host: at, direction, bytes }) => at === host && direction === "in" && (dissect(bytes).ip?.fragmentOffset ?? 0) > 0).length;
      assert.equal(cameTo("client"), COUNT * 2, "of 4,000 bytes, two fragments follow the first");
      assert.equal(cameTo("director"), COUNT * (method === "nat" ? 4 : 2));
    });

    test("they are counted put together", async () => {
      const [, packetsIn, packetsOut, bytesIn, bytesOut] = /UDP +\S+:53 +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)/.exec(await bed.tell("-Ln --stats --exact"))!.slice(1).map(Number);
      const bytes = 20 + 8 + DATAGRAM.length;
      const answerBytes = bytes + "r1 ".length;
      assert.deepEqual([packetsIn, bytesIn], [COUNT, COUNT * bytes]);
      assert.deepEqual([packetsOut, bytesOut], method === "nat" ? [COUNT, COUNT * answerBytes] : [0, 0]);
    });

    test("a datagram in fragments to a port of the VIP without a service is the director's own", async () => {
      const { client, topology } = bed;
      const director = await topology.worker(topology.namespaces.director);
      await director.serveUdpEcho({ name: "director", address: topology.vip, port: 54 });
      const replies = await client.udpEcho({ address: topology.vip, port: 54, text: DATAGRAM });
      assert.deepEqual(replies, [{ server: "director", text: DATAGRAM, from: `${topology.vip}:54` }]);
    });
  });
}

/** The tunnel's packets must fit the wires behind the director: the client's are to be smaller. */
async function leaveRoomForTunnel(bed: Bed): Promise<void> {
  const { client } = bed.topology.namespaces;
  const [route = ""] = (await bed.ip("route show default", client)).trim().split("\n");
  await bed.ip(`route change ${route.trim()} mtu 1400`, client);
}
