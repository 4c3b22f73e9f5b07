// Processes on the director as clients of its own services whose VIPs are none of its addresses, by each method: their packets are met as they leave (dataplane/out.ts).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dissect } from "#lab/dissect.js";
import type { Worker } from "#lab/remote.js";
import { Bed, needs } from "./bed.js";
import { SERVERS, VIP as VIP6, addIpv6 } from "./ipv6-network.js";

const MEGABYTE = 1_000_000;
const FORWARD = { nat: "-m", dr: "-g", tun: "-i" } as const;

for (const method of ["nat", "dr", "tun"] as const) {
  describe(`a client on the director itself, by ${method}, of VIPs that are none of its addresses`, needs, () => {
    const port = method === "nat" ? 8080 : 80;
    let bed: Bed;
    let director: Worker;
    let vips: readonly string[];
    const atEgress = async (): Promise<boolean> => /requests to VIPs that are not its addresses, are met as they leave by eth0/.test((await bed.weir(["status"])).stdout);
    const endpoint = (address: string, ofPort: number): string => `${address.includes(":") ? `[${address}]` : address}:${ofPort}`;
    const serversOf = (vip: string): readonly string[] =>
      vip !== VIP6 ? bed.topology.addresses.servers : bed.servers.map((_, i) => `${SERVERS[method === "nat" ? "nat" : "dr"]}${i + 1}`);

    before(async () => {
      bed = await Bed.open(method);
      const { topology } = bed;
      // As many distributions have it; the loopback is to take answers from the VIP all the same.
      await bed.set("net/ipv4/conf/all/rp_filter=1");
      if (method === "tun") await bed.decapsulate();
      else await addIpv6(bed, method);
      vips = method === "tun" ? [topology.vip] : [topology.vip, VIP6];
      // It is routed to the director, which is no host of that address.
      for (const [vip, router, hop] of [[`${topology.vip}/32`, topology.addresses.router, topology.addresses.director], [`${VIP6}/128`, "2001:db8:2::1", "2001:db8:2::2"]] as const) {
        if (vip.includes(":") && method === "tun") continue;
        await bed.ip(`address del ${vip} dev eth0`);
        await bed.ip(`route add ${vip} via ${router}`);
        await bed.ip(`route add ${vip} via ${hop}`, topology.namespaces.router);
      }
      director = await topology.worker(topology.namespaces.director);
      await Promise.all(bed.servers.flatMap((server, i) => vips.flatMap((vip) => {
        const options = { name: `r${i + 1}`, port, address: method === "nat" ? serversOf(vip)[i]! : vip };
        return [server.serveHttp(options), server.serveUdpEcho(options)];
      })));
      for (const vip of vips) {
        for (const protocol of ["-t", "-u"]) {
          await bed.tell(`-A ${protocol} ${endpoint(vip, 80)} -s rr`);
          for (const server of serversOf(vip)) await bed.tell(`-a ${protocol} ${endpoint(vip, 80)} -r ${endpoint(server, port)} ${FORWARD[method]}`);
        }
      }
    });
    after(() => bed?.close());

    test("reaches every server in turn, with a megabyte each way", async () => {
      assert.equal(await atEgress(), true);
      for (const address of vips) {
        const seen = [];
        for (let i = 0; i < 3; i++) seen.push(await director.post({ address, port: 80, bytes: MEGABYTE }), await director.download({ address, port: 80, bytes: MEGABYTE }));
        assert.deepEqual(seen.map(({ bytes, intact }) => [bytes, intact]), Array(6).fill([MEGABYTE, true]), address);
        assert.deepEqual(new Set(seen.map(({ server }) => server)), new Set(["r1", "r2", "r3"]), address);
      }
    });

    test("asks by datagrams, in fragments too, and is counted", async () => {
      for (const address of vips) {
        for (const text of ["datagram", "many bytes ".repeat(400)]) assert.equal((await director.udpEcho({ address, port: 80, text }))[0]?.text, text, `${address} ${text.length}`);
        const [, connections, packets] = new RegExp(`^UDP +${endpoint(address, 80).replace(/[.[\]]/g, "\\$&")} +(\\d+) +(\\d+) `, "m").exec(await bed.tell("-Ln --stats --exact")) ?? [];
        assert.deepEqual([Number(connections), Number(packets)], [2, 2], address);
      }
    });

    test("hears that a service has no server, and what is for no service leaves as ever", async () => {
      for (const address of vips) {
        await bed.tell(`-A -t ${endpoint(address, 81)}`);
        await assert.rejects(director.get({ address, port: 81 }), /ECONNREFUSED/, address);
        await bed.tell(`-D -t ${endpoint(address, 81)}`);
      }
      const tap = await bed.topology.tap();
      await bed.topology.run(bed.topology.namespaces.director, ["node", "-e", `require("node:dgram").createSocket("udp4").send("any", 82, "${bed.topology.vip}", () => process.exit())`]);
      const { frames } = await tap.stop();
      assert.ok(frames.some(({ host, direction, bytes }) => host === "director" && direction === "out" && dissect(bytes).ip?.udp?.destinationPort === 82));
    });

    test("other clients are served as ever, and what was done for it goes with the last such service", async () => {
      assert.equal((await bed.client.get({ address: bed.topology.vip, port: 80 })).status, 200);
      for (const vip of vips) await bed.tell(`-D -u ${endpoint(vip, 80)}`);
      assert.equal(await atEgress(), true);
      for (const vip of vips) await bed.ip(`address add ${vip}/${vip === VIP6 ? "128 dev eth0 nodad" : "32 dev eth0"}`);
      await bed.tell(`-d -t ${endpoint(bed.topology.vip, 80)} -r ${endpoint(serversOf(bed.topology.vip)[0]!, port)}`);
      assert.equal(await atEgress(), false);
      if (method === "nat") assert.equal((await director.get({ address: bed.topology.vip, port: 80 })).status, 200);
      await bed.weir(["down"]);
      assert.equal((await bed.topology.run(bed.topology.namespaces.director, ["cat", "/proc/sys/net/ipv4/conf/lo/rp_filter"])).stdout.trim(), "0");
    });
  });
}
