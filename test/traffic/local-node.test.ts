// The director serves its VIP itself, beside a real server.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Bed, needs } from "./bed.js";

describe("the director as a real server", needs, () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.open("dr");
    const { topology } = bed;
    await bed.serve({ http: [80] });
    await (await topology.worker(topology.namespaces.director)).serveHttp({ name: "director", address: topology.vip, port: 80 });
    await bed.tell(`-A -t ${topology.vip}:80 -s rr`);
    await bed.tell(`-a -t ${topology.vip}:80 -r ${topology.addresses.servers[0]} -g`);
    await bed.tell(`-a -t ${topology.vip}:80 -r ${topology.addresses.director} -m`);
  });
  after(() => bed?.close());

  test("takes its turn, and is shown with the method that it was given", async () => {
    const { client, topology: { vip: address, addresses } } = bed;
    const servers = [];
    for (let i = 0; i < 4; i++) servers.push((await client.get({ address, port: 80 })).server);
    assert.deepEqual([...servers].sort(), ["director", "director", "r1", "r1"]);
    const escaped = addresses.director.replaceAll(".", "\\.");
    assert.match(await bed.tell("-Ln"), new RegExp(`-> ${escaped}:80 +Masq +1 `));
  });
});
