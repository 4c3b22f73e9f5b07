// Connections that weir forwards have no entries in nf_conntrack: a table of the kernel's that fills up, and is looked into for every packet, before LVS.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { whyNoTool } from "#lab/requirements.js";
import { Bed, needs, succeeded } from "./bed.js";

const PORT = 80;
const REQUESTS = 8;
const skip = needs.skip ?? whyNoTool("nft");
/** Makes the kernel follow the connections of a network namespace. */
const RULES = "add table ip tracking; add chain ip tracking seen { type filter hook prerouting priority filter; }; add rule ip tracking seen ct state new counter";

for (const method of ["nat", "dr"] as const) {
  describe(`where nf_conntrack follows connections, by ${method}`, skip === undefined ? {} : { skip }, () => {
    let bed: Bed;
    const onDirector = async (...words: readonly string[]): Promise<string> => succeeded(await bed.topology.run(bed.topology.namespaces.director, words));
    const tracked = async (): Promise<number> => Number(await onDirector("cat", "/proc/sys/net/netfilter/nf_conntrack_count"));

    before(async () => {
      bed = await Bed.open(method);
      await bed.serve({ http: [PORT] });
      await onDirector("nft", RULES);
      await bed.tell(`-A -t ${bed.topology.vip}:${PORT} -s rr`);
      for (const server of bed.topology.addresses.servers) await bed.tell(`-a -t ${bed.topology.vip}:${PORT} -r ${server} ${method === "nat" ? "-m" : "-g"}`);
    });
    after(() => bed?.close());

    test("a connection to the director itself has an entry there, those to its services have none", async () => {
      const { client, topology } = bed;
      succeeded(await topology.run(topology.namespaces.client, ["ping", "-c", "1", "-W", "2", topology.vip]));
      const before = await tracked();
      assert.ok(before > 0, "the kernel follows what comes to it");
      for (let i = 0; i < REQUESTS; i++) await client.get({ address: topology.vip, port: PORT });
      assert.ok(await tracked() <= before);
      assert.match(await bed.tell("-Lcn"), /TCP/);
    });
  });
}
