// The laboratory itself, before any director stands in it: are the networks the textbook's?

import assert from "node:assert/strict";
import { test } from "node:test";
import { dissect } from "#lab/dissect.js";
import { namespaceNames } from "#lab/namespaces.js";
import { METHODS, VIP } from "#lab/plan.js";
import { whyNoLaboratory } from "#lab/requirements.js";
import { withTopology, type Topology } from "#lab/topology.js";

const lacking = whyNoLaboratory();
const options = lacking === undefined ? {} : { skip: lacking };

/** Routers between the client and each: TTL 64 in the answer minus their number. */
const DISTANCES = { nat: { router: 64, director: 63, server: 62 }, dr: { router: 64, director: 63, server: 63 }, tun: { router: 64, director: 63, server: 62 } } as const;

for (const method of METHODS) {
  test(`${method}: the client reaches router, director and servers, each at its distance`, options, async () => {
    await withTopology(method, async ({ namespaces, addresses, vip, worker }) => {
      const client = await worker(namespaces.client);
      const ttl = async (address: string): Promise<number> => (await client.ping({ address })).ttl;
      assert.equal(await ttl(addresses.router), DISTANCES[method].router);
      assert.equal(await ttl(addresses.director), DISTANCES[method].director);
      assert.equal(await ttl(vip), DISTANCES[method].director, "the director holds the VIP");
      for (const server of addresses.servers) assert.equal(await ttl(server), DISTANCES[method].server, server);
    });
  });

  test(`${method}: the servers' gateway is the ${method === "nat" ? "director" : method === "dr" ? "router" : "router behind which they stand"}`, options, async () => {
    const gateways = { nat: ["10.0.0.1", "10.0.0.1", "10.0.0.1"], dr: ["203.0.113.1", "203.0.113.1", "203.0.113.1"], tun: ["10.0.1.1", "10.0.2.1", "10.0.3.1"] };
    await withTopology(method, async (topology) => {
      assert.deepEqual(await Promise.all(topology.namespaces.servers.map((server) => gatewayOf(topology, server))), gateways[method]);
      assert.equal(topology.addresses.dip, method === "nat" ? "10.0.0.1" : topology.addresses.director);
    });
  });
}

for (const method of ["dr", "tun"] as const) {
  test(`${method}: the servers hold the VIP, and only without arp_ignore would they answer ARP for it`, options, async () => {
    await withTopology(method, async ({ namespaces, run, worker }) => {
      await run(namespaces.director, ["ip", "addr", "del", `${VIP}/32`, "dev", "eth0"]);
      const gateway = await worker(namespaces.gateway);
      for (const [i, server] of namespaces.servers.entries()) {
        const device = method === "dr" ? "eth1" : `eth${i + 1}`;
        await run(namespaces.gateway, ["ip", "route", "replace", `${VIP}/32`, "dev", device]);
        assert.match((await run(server, ["ip", "-4", "addr", "show", "dev", "lo"])).stdout, new RegExp(`inet ${VIP}/32 `));
        assert.equal((await gateway.ping({ address: VIP, timeoutMilliseconds: 300 })).answered, false, server);
      }
      const [server = ""] = namespaces.servers;
      await run(namespaces.gateway, ["ip", "route", "replace", `${VIP}/32`, "dev", "eth1"]);
      await run(server, ["sh", "-c", "echo 0 > /proc/sys/net/ipv4/conf/all/arp_ignore"]);
      await run(namespaces.gateway, ["ip", "neigh", "flush", "all"]);
      assert.equal((await gateway.ping({ address: VIP })).answered, true);
    });
  });

  test(`${method}: a server that answers from the VIP asks for its gateway with its own address`, options, async () => {
    await withTopology(method, async ({ namespaces, addresses, worker }) => {
      const server = await worker(namespaces.servers[0] ?? "");
      const capture = await server.capture({ interface: "eth0" });
      await server.get({ address: addresses.client, port: 80, localAddress: VIP, timeoutMilliseconds: 200 }).catch(() => "refused, as nobody listens there");
      const requests = (await capture.stop()).frames.flatMap(({ bytes, direction }) => (direction === "out" ? dissect(bytes).arp ?? [] : []));
      assert.deepEqual(requests.map(({ senderAddress }) => senderAddress), [addresses.servers[0]]);
    });
  });
}

test("hideVip and showVip leave the VIP to weir", options, async () => {
  await withTopology("dr", async ({ namespaces, run }) => {
    for (const namespace of [namespaces.director, ...namespaces.servers]) {
      assert.doesNotMatch((await run(namespace, ["ip", "addr"])).stdout, new RegExp(VIP));
      assert.equal((await run(namespace, ["cat", "/proc/sys/net/ipv4/conf/all/arp_ignore"])).stdout, "0\n");
    }
  }, { hideVip: false, showVip: false });
});

test("two laboratories of one process do not meet, and both are gone afterwards", options, async () => {
  const made = await withTopology("nat", (one) => withTopology("nat", async (other) => {
    const names = [one, other].flatMap(({ namespaces }) => [namespaces.client, namespaces.director, namespaces.switch, ...namespaces.servers]);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(names.filter((name) => !namespaceNames().includes(name)), []);
    return names;
  }));
  assert.deepEqual(made.filter((name) => namespaceNames().includes(name)), []);
});

async function gatewayOf({ run }: Topology, namespace: string): Promise<string | undefined> {
  return /^default via (\S+)/m.exec((await run(namespace, ["ip", "route"])).stdout)?.[1];
}
