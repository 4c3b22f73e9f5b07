// Processes on the director as clients of its own services, by NAT: LVS takes their packets at LOCAL_OUT. Of VIPs that are none of its addresses: own-client-elsewhere.long.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Bed, needs } from "./bed.js";
import { SERVERS, VIP as VIP6, addIpv6 } from "./ipv6-network.js";

const MEGABYTE = 1_000_000;

describe("a client on the director itself", needs, () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.open("nat");
    const { topology: { vip, addresses } } = bed;
    await addIpv6(bed, "nat");
    await bed.serve({ http: [8080], udp: [53] });
    await Promise.all(bed.servers.map((server, i) => server.serveHttp({ name: `r${i + 1}`, port: 8081, address: `${SERVERS.nat}${i + 1}` })));
    await bed.tell(`-A -t ${vip}:80 -s rr`);
    await bed.tell(`-A -u ${vip}:53 -s rr`);
    await bed.tell(`-A -t [${VIP6}]:80 -s rr`);
    for (const [i, server] of addresses.servers.entries()) {
      await bed.tell(`-a -t ${vip}:80 -r ${server}:8080 -m`);
      await bed.tell(`-a -u ${vip}:53 -r ${server}:53 -m`);
      await bed.tell(`-a -t [${VIP6}]:80 -r [${SERVERS.nat}${i + 1}]:8081 -m`);
    }
  });
  after(() => bed?.close());

  test("reaches every server in turn, with a megabyte each way, by IPv4 and IPv6", async () => {
    const { topology } = bed;
    const director = await topology.worker(topology.namespaces.director);
    for (const address of [topology.vip, VIP6]) {
      const seen = [];
      for (let i = 0; i < 3; i++) seen.push(await director.post({ address, port: 80, bytes: MEGABYTE }), await director.download({ address, port: 80, bytes: MEGABYTE }));
      assert.deepEqual(seen.map(({ bytes, intact }) => [bytes, intact]), Array(6).fill([MEGABYTE, true]));
      assert.deepEqual(new Set(seen.map(({ server }) => server)), new Set(["r1", "r2", "r3"]));
    }
    assert.equal((await director.udpEcho({ address: topology.vip, port: 53, text: "datagram" }))[0]?.text, "datagram");
  });

  test("its connections are listed and counted, and others' go on as ever", async () => {
    const { client, topology: { vip } } = bed;
    const escaped = vip.replaceAll(".", "\\.");
    assert.match(await bed.tell("-Lcn"), new RegExp(`^TCP .* ${escaped}:\\d+ +${escaped}:80 +\\S+:8080$`, "m"));
    assert.match(await bed.tell("-Ln --stats --exact"), new RegExp(`^UDP +${escaped}:53 +1 +1 +1 `, "m"));
    assert.equal((await client.get({ address: vip, port: 80 })).status, 200);
  });

  test("what is for no service stays on the loopback", async () => {
    const { topology } = bed;
    const director = await topology.worker(topology.namespaces.director);
    await director.serveHttp({ name: "director", address: topology.vip, port: 8088 });
    assert.equal((await director.get({ address: topology.vip, port: 8088 })).server, "director");
    await assert.rejects(director.get({ address: topology.vip, port: 8089 }), /ECONNREFUSED/);
  });

  test("weir down leaves the loopback as it was", async () => {
    await bed.tell("-C");
    assert.equal((await bed.weir(["down"])).status, 0);
    const { stdout } = await bed.topology.run(bed.topology.namespaces.director, ["cat", "/proc/sys/net/ipv4/conf/lo/accept_local"]);
    assert.equal(stdout.trim(), "0");
  });
});
