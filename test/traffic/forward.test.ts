// Everyday traffic through the director by each method, as hosts send it: super-packets and partial checksums where the
// devices offer them, an MTU of 1500 on every wire.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dissect } from "#lab/dissect.js";
import { METHODS } from "#lab/plan.js";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";

const MEGABYTE = 1_000_000;
/** Without NAT a server is asked at the service's own port. */
const MAPPED_PORT = { nat: 8080, dr: 80, tun: 80 } as const;

for (const method of METHODS) {
  describe(method, needs, () => {
    let bed: Bed;
    before(async () => {
      bed = await Bed.open(method);
      await bed.serve({ http: [...new Set([80, 81, MAPPED_PORT[method]])], udp: [53] });
      if (method === "tun") await bed.decapsulate();
      const { topology } = bed;
      await bed.up({ services: [
        service(topology, { port: 80, serverPort: MAPPED_PORT[method] }), service(topology, { port: 81 }), service(topology, { protocol: "udp", port: 53 }),
      ] });
    });
    after(() => bed?.close());

    for (const port of [80, 81]) {
      test(`a megabyte goes up to port ${port} and comes down intact, to and from every real server`, async () => {
        const { client, topology: { vip: address } } = bed;
        const up = [];
        const down = [];
        for (let i = 0; i < 3; i++) {
          up.push(await client.post({ address, port, bytes: MEGABYTE }));
          down.push(await client.download({ address, port, bytes: MEGABYTE }));
        }
        assert.deepEqual(up.map(({ bytes, intact }) => [bytes, intact]), Array(3).fill([MEGABYTE, true]));
        assert.deepEqual(down.map(({ bytes, intact }) => [bytes, intact]), Array(3).fill([MEGABYTE, true]));
        assert.deepEqual(new Set([...up, ...down].map(({ server }) => server)), new Set(["r1", "r2", "r3"]));
      });
    }

    test("the server sees the client's own address and port", async () => {
      const { client, topology: { vip, addresses } } = bed;
      const reply = await client.get({ address: vip, port: 80, localPort: 40080 });
      const number = Number(reply.server.slice(1));
      assert.equal(reply.seenClient, `${addresses.client}:40080`);
      assert.equal(reply.seenAddress, method === "nat" ? `${addresses.servers[number - 1]}:8080` : `${vip}:80`);
    });

    test("UDP is echoed from the VIP, one server for one client's port", async () => {
      const { client, topology: { vip: address } } = bed;
      const one = await client.udpEcho({ address, port: 53, text: "one", count: 3 });
      const other = await client.udpEcho({ address, port: 53, text: "other" });
      assert.deepEqual(one.map(({ text, from }) => [text, from]), Array(3).fill(["one", `${address}:53`]));
      assert.equal(new Set(one.map(({ server }) => server)).size, 1);
      assert.equal(other.length, 1);
      assert.notEqual(other[0]?.server, one[0]?.server);
    });

    test("ping to the VIP is answered by the director itself", async () => {
      const { client, topology } = bed;
      const tap = await topology.tap();
      const { answered, ttl } = await client.ping({ address: topology.vip });
      const { frames } = await tap.stop();
      assert.deepEqual([answered, ttl], [true, 63]);
      const hosts = frames.filter(({ bytes }) => dissect(bytes).ip?.icmp !== undefined).map(({ host }) => host);
      assert.deepEqual(new Set(hosts), new Set(["client", "router", "director"]));
    });

    test("ping from the client to a real server is routed as ever", async () => {
      const { client, topology: { addresses } } = bed;
      for (const address of addresses.servers) {
        const { answered, ttl } = await client.ping({ address });
        assert.deepEqual([answered, ttl], [true, method === "dr" ? 63 : 62], address);
      }
    });
  });
}
