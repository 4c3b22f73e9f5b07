// TC by a filter, as on kernels before Linux 6.6: traffic passes, an upgrade replaces the filter's program in its place,
// and weir down takes the filter away.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Bed, needs, succeeded } from "./bed.js";
import { anotherVersion, fillCache } from "./other-programs.js";
import { service } from "./services.js";

describe("tc filter", needs, () => {
  let bed: Bed;
  let configuration: object;
  before(async () => {
    bed = await Bed.open("nat");
    configuration = { services: [service(bed.topology, { serverPort: 8080 })] };
    await bed.serve({ http: [8080] });
    await bed.script("without-tcx");
    await bed.up(configuration);
  });
  after(() => bed?.close());

  test("a megabyte goes up and comes down by a filter, without any link", async () => {
    const target = { address: bed.topology.vip, port: 80, bytes: 1_000_000 };
    assert.equal((await bed.client.post(target)).intact, true);
    assert.equal((await bed.client.download(target)).intact, true);
    assert.equal(await bed.script("attachments"), "{}\n");
    for (const device of ["eth0", "eth1"]) assert.match(await filters(bed, device), /weir_tc/);
  });

  test("an upgrade replaces the program under a connection that goes on", async () => {
    const { client, topology } = bed;
    const session = await client.openSession({ address: topology.vip, port: 80 });
    const { server } = await client.sessionGet(session);
    const before = await filters(bed, "eth0");
    await fillCache(`${bed.state}/other-version`, anotherVersion, { tcx: false });
    succeeded(await bed.weir(["apply", "-"], { input: JSON.stringify(configuration), environment: { WEIR_CACHE: `${bed.state}/other-version` } }));
    const after = await filters(bed, "eth0");
    assert.notEqual(after, before);
    assert.equal(after.match(/direct-action/g)?.length, 1);
    assert.equal((await client.sessionGet(session)).server, server);
    await client.close(session);
  });

  test("the director's own server by NAT has its answers met at the egress, by a filter that goes with it", async () => {
    const { client, topology: { vip, addresses, namespaces, worker } } = bed;
    await (await worker(namespaces.director)).serveHttp({ name: "director", address: addresses.director, port: 8088 });
    assert.equal(await filters(bed, "eth0", "egress"), "");
    await bed.tell(`-A -t ${vip}:88 -s rr`);
    await bed.tell(`-a -t ${vip}:88 -r ${addresses.director}:8088 -m`);
    assert.match(await filters(bed, "eth0", "egress"), /weir_out/);
    assert.equal((await client.get({ address: vip, port: 88 })).server, "director");
    await bed.tell(`-D -t ${vip}:88`);
    assert.equal(await filters(bed, "eth0", "egress"), "");
  });

  test("weir down takes the filters away", async () => {
    succeeded(await bed.weir(["down"]));
    for (const device of ["eth0", "eth1"]) assert.equal(await filters(bed, device), "");
  });
});

async function filters({ topology }: Bed, device: string, direction: "ingress" | "egress" = "ingress"): Promise<string> {
  return succeeded(await topology.run(topology.namespaces.director, ["tc", "filter", "show", "dev", device, direction]));
}
