// Real servers that go, come back or rest while clients are connected, as LVS has it: a removed one's connections fall
// silent and wait for its return, one of weight 0 keeps its own, and a service without any refuses by ICMP.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { METHODS } from "#lab/plan.js";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";

const FLAG = { nat: "-m", dr: "-g", tun: "-i" } as const;

for (const method of METHODS) {
  describe(method, needs, () => {
    let bed: Bed;
    let destination: string;
    before(async () => {
      bed = await Bed.open(method);
      await bed.serve({ http: [80] });
      if (method === "tun") await bed.decapsulate();
      await bed.up({ services: [service(bed.topology, { servers: [1] })] });
      destination = `-t 203.0.113.100:80 -r ${bed.topology.addresses.servers[0]}:80 ${FLAG[method]}`;
    });
    after(() => bed?.close());

    test("a removed server's connections are silent, and go on when it returns", async () => {
      const { client, topology: { vip: address } } = bed;
      // TCP sends again for as long as the answer may take.
      const session = await client.openSession({ address, port: 80, timeoutMilliseconds: 10_000 });
      await client.sessionGet(session);
      await bed.tell(`-d -t 203.0.113.100:80 -r ${bed.topology.addresses.servers[0]}:80`);
      const asked = client.sessionGet(session);
      await assert.rejects(client.get({ address, port: 80 }), /ECONNREFUSED/);
      assert.match(await bed.tell("-Lnc"), /ESTABLISHED 198\.51\.100\.10:\d+ +203\.0\.113\.100:80/);
      await bed.tell(`-a ${destination}`);
      assert.equal((await asked).server, "r1");
      await client.close(session);
    });

    test("weight 0 keeps the connections that there are, and takes no new ones", async () => {
      const { client, topology: { vip: address } } = bed;
      const session = await client.openSession({ address, port: 80 });
      await client.sessionGet(session);
      await bed.tell(`-e ${destination} -w 0`);
      assert.equal((await client.sessionGet(session)).server, "r1");
      await assert.rejects(client.get({ address, port: 80 }), /ECONNREFUSED/);
      await bed.tell(`-e ${destination} -w 1`);
      assert.equal((await client.get({ address, port: 80 })).server, "r1");
      await client.close(session);
    });
  });
}
