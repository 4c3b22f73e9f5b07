// The usual recipe of LVS for several ports as one service: a rule of netfilter's in PREROUTING marks their packets, and a service is by that mark.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { dissect } from "#lab/dissect.js";
import { whyNoTool } from "#lab/requirements.js";
import { Bed, needs, succeeded } from "./bed.js";
import { SERVERS, VIP as VIP6, addIpv6 } from "./ipv6-network.js";

const PORTS = [80, 443] as const;
const MARK = 7;
const skip = needs.skip ?? whyNoTool("nft");

for (const method of ["nat", "dr"] as const) {
  describe(`netfilter's marks by ${method}`, skip === undefined ? {} : { skip }, () => {
    let bed: Bed;
    before(async () => {
      bed = await Bed.open(method);
      await bed.serve({ http: PORTS });
      await bed.set("net/ipv4/ip_forward=1");
      await mark(bed, `ip daddr ${bed.topology.vip}`);
      await bed.tell(`-A -f ${MARK} -s rr -p 60`);
      for (const server of bed.topology.addresses.servers) await bed.tell(`-a -f ${MARK} -r ${server} ${method === "nat" ? "-m" : "-g"}`);
    });
    after(() => bed?.close());

    test("a client's connections to all ports go to one server, and the kernel routes the first packet of each back", async () => {
      const { client, topology: { vip: address } } = bed;
      const servers = [];
      for (const port of [...PORTS, ...PORTS]) servers.push((await client.get({ address, port })).server);
      assert.deepEqual(new Set(servers).size, 1, servers.join(" "));
      assert.match(await bed.tell("-Ln"), /^FWM {2}7 rr persistent 60$/m);
      assert.match(await bed.tell("-Lcn"), /^IP .* ASSURED .*:0 +0\.0\.0\.7:0/m);
    });

    test("the first packet is no hop older than the others", async () => {
      const { client, topology } = bed;
      const servers = await Promise.all(topology.namespaces.servers.map(topology.worker));
      const captures = await Promise.all(servers.map((server) => server.capture()));
      await client.get({ address: topology.vip, port: 80 });
      const frames = (await Promise.all(captures.map((capture) => capture.stop()))).flatMap((captured) => captured.frames);
      const lives = frames.filter(({ direction }) => direction === "in").map(({ bytes }) => dissect(bytes).ip).filter((ip) => ip?.tcp !== undefined).map((ip) => ip!.ttl);
      assert.ok(lives.length >= 4);
      assert.deepEqual(new Set(lives), new Set([62]));
    });

    test("marked packets that weir does not take go where they would go without", async () => {
      const { client, topology } = bed;
      succeeded(await topology.run(topology.namespaces.client, ["ping", "-c", "1", "-W", "2", topology.vip]));
      await bed.tell("--set 1 1 1");
      const session = await client.openSession({ address: topology.vip, port: 80 });
      await client.sessionGet(session);
      await sleep(2500);
      await assert.rejects(client.sessionGet(session), /was lost/, "its connection is no more, and the director's stack says so");
      await bed.tell("--set 900 120 300");
    });

    test("weir status tells of the way, and of what stands in it", async () => {
      assert.match(succeeded(await bed.weir(["status"])), /Packets that netfilter gives mark 7 come back by weir-marks$/m);
      await bed.set("net/ipv4/ip_forward=0");
      assert.match(succeeded(await bed.weir(["status"])), /come back by weir-marks: NOT YET, net\.ipv4\.ip_forward is 0.*sysctl -w net\.ipv4\.ip_forward=1$/m);
      await bed.set("net/ipv4/ip_forward=1");
    });

    test("without servers the service refuses connections", async () => {
      for (const server of bed.topology.addresses.servers) await bed.tell(`-d -f ${MARK} -r ${server}`);
      await assert.rejects(bed.client.get({ address: bed.topology.vip, port: 443 }), /ECONNREFUSED/);
    });

    test("with the service the devices and rules go", async () => {
      await bed.tell("-A -f 8 -s rr");
      assert.match(await bed.ip("rule"), /^99:.*fwmark 0x7 ipproto tcp lookup 7377[^]*^99:.*fwmark 0x8 ipproto sctp lookup 7377 *\n100:.*lookup local/m);
      await bed.tell(`-D -f ${MARK}`);
      assert.doesNotMatch(await bed.ip("rule"), /fwmark 0x7/);
      await bed.tell("-D -f 8");
      assert.doesNotMatch(await bed.ip("rule"), /fwmark|weir|100:/);
      assert.match(await bed.ip("rule"), /^0:.*lookup local/m);
      assert.doesNotMatch(await bed.ip("-br link"), /weir/);
    });
  });
}

test("netfilter's marks of IPv6, from a file, until weir down", skip === undefined ? {} : { skip }, async () => {
  const bed = await Bed.open("nat");
  try {
    await addIpv6(bed, "nat");
    await Promise.all(bed.servers.map((server, i) => server.serveHttp({ name: `r${i + 1}`, port: 80, address: `${SERVERS.nat}${i + 1}` })));
    await mark(bed, `ip6 daddr ${VIP6}`);
    await bed.up({ services: [{ fwmark: MARK, family: 6, scheduler: "rr", method: "nat", destinations: [1, 2, 3].map((n) => ({ address: `${SERVERS.nat}${n}` })) }] });
    const servers = [];
    for (let i = 0; i < 3; i++) servers.push((await bed.client.get({ address: VIP6, port: 80 })).server);
    assert.deepEqual(servers.sort(), ["r1", "r2", "r3"]);
    assert.match(await bed.ip("-6 rule"), /^99:.*fwmark 0x7/m);
    succeeded(await bed.weir(["down"]));
    assert.doesNotMatch(await bed.ip("-6 rule"), /fwmark|weir|100:/);
  } finally {
    await bed.close();
  }
});

async function mark({ topology }: Bed, match: string): Promise<void> {
  const rules = [
    "table inet marks {", "  chain prerouting {", "    type filter hook prerouting priority mangle;", `    ${match} tcp dport { ${PORTS.join(", ")} } meta mark set ${MARK};`,
    `    ${match} meta l4proto { icmp, ipv6-icmp } meta mark set ${MARK};`, "  }", "}", "",
  ];
  succeeded(await topology.run(topology.namespaces.director, ["nft", "-f", "-"], { input: rules.join("\n") }));
}
