// Path MTU discovery through the director: a wire on the way carries less than both ends' wires, the router before it
// says so in an ICMP error, and the error finds the sender. Without that a transfer stands still for ever.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { METHODS } from "#lab/plan.js";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";

const MEGABYTE = 1_000_000;
const NARROW = 1280;

for (const method of METHODS) {
  describe(`${method}, with a narrow wire between router and client`, needs, () => {
    let bed: Bed;
    before(async () => {
      bed = await openBed(method);
      await bed.ip(`link set eth0 mtu ${NARROW}`, bed.topology.namespaces.router);
    });
    after(() => bed?.close());

    test("a megabyte comes down from every real server, each of which learns what fits", async () => {
      const { client, topology: { vip: address, addresses, namespaces } } = bed;
      for (let i = 0; i < 3; i++) {
        const { bytes, intact } = await client.download({ address, port: 80, bytes: MEGABYTE });
        assert.deepEqual([bytes, intact], [MEGABYTE, true]);
      }
      for (const server of namespaces.servers) assert.match(await bed.ip(`route get ${addresses.client}`, server), new RegExp(`mtu ${NARROW}\\b`));
    });
  });
}

describe("tun, with a narrow wire between a router and the real servers", needs, () => {
  let bed: Bed;
  before(async () => {
    bed = await openBed("tun");
    for (const port of ["eth1", "eth2", "eth3"]) await bed.ip(`link set ${port} mtu ${NARROW}`, bed.topology.namespaces.gateway);
  });
  after(() => bed?.close());

  test("a megabyte goes up to every real server, and the client learns what fits in the tunnel", async () => {
    const { client, topology: { vip: address, namespaces } } = bed;
    for (let i = 0; i < 3; i++) {
      const { bytes, intact } = await client.post({ address, port: 80, bytes: MEGABYTE });
      assert.deepEqual([bytes, intact], [MEGABYTE, true]);
    }
    assert.match(await bed.ip(`route get ${address}`, namespaces.client), new RegExp(`mtu ${NARROW - 20}\\b`));
  });
});

async function openBed(method: (typeof METHODS)[number]): Promise<Bed> {
  const bed = await Bed.open(method);
  await bed.serve({ http: [80] });
  if (method === "tun") await bed.decapsulate();
  await bed.up({ services: [service(bed.topology)] });
  return bed;
}
