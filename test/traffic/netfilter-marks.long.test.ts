// The usual recipe of LVS for several ports as one service: a rule of netfilter's in PREROUTING marks their packets, and a service is by that mark.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { dissect } from "#lab/dissect.js";
import { whyNoTool } from "#lab/requirements.js";
import { Bed, needs, succeeded } from "./bed.js";
import { SERVERS, VIP as VIP6, addIpv6 } from "./ipv6-network.js";
import { packetsAt } from "./wires.js";

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

    // What follows has nothing to do with the method.
    if (method !== "nat") return;

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

    test("weir status tells of an interface that does not forward, though others do", async () => {
      await bed.set("net/ipv4/conf/eth0/forwarding=0");
      await assert.rejects(bed.client.get({ address: bed.topology.vip, port: 80, timeoutMilliseconds: 500 }));
      assert.match(await status(bed), /NOT YET, net\.ipv4\.conf\.eth0\.forwarding is 0.*sysctl -w net\.ipv4\.conf\.eth0\.forwarding=1$/m);
      await bed.set("net/ipv4/conf/eth0/forwarding=1");
    });

    test("where sources are checked strictly, what weir does not take is still answered", async () => {
      const { client, topology } = bed;
      await bed.tell("--set 1 1 1");
      const session = await client.openSession({ address: topology.vip, port: 80 });
      await client.sessionGet(session);
      // Before its end comes to the director, as to one that does not know it.
      await bed.set("net/ipv4/conf/all/rp_filter=1");
      await sleep(2500);
      await assert.rejects(client.sessionGet(session), /was lost/);
      await bed.set("net/ipv4/conf/all/rp_filter=0");
      await bed.tell("--set 900 120 300");
    });

    test("where rules of weir's are gone, nothing goes round, weir status says so, and weir apply brings them again", async () => {
      const { client, topology } = bed;
      await bed.tell("--set 1 1 1");
      const session = await client.openSession({ address: topology.vip, port: 80 });
      await client.sessionGet(session);
      for (const name of ["weir-marks", "weir-back"]) await bed.ip(`rule delete iif ${name}`);
      await sleep(2500);
      await assert.rejects(client.sessionGet(session));
      const [, times] = /^cameAgain +(\d+)$/m.exec(await status(bed)) ?? [];
      // The client sends such a segment again a few times.
      assert.ok(Number(times) >= 1 && Number(times) <= 20, times);
      assert.match(await status(bed), /NOT YET, the rules of routing \(ip -4 rule\) are not as weir made them/);
      const destinations = topology.addresses.servers.map((address) => ({ address }));
      await bed.up({ timeouts: { tcp: 900, tcpFin: 120, udp: 300 }, services: [{ fwmark: MARK, scheduler: "rr", method, persistent: 60, destinations }] });
      assert.match(await status(bed), /come back by weir-marks$/m);
      assert.equal((await client.get({ address: topology.vip, port: 80 })).status, 200);
    });

    test("without servers the service refuses connections, from the VIP, as old as the director's own, and where sources are checked strictly", async () => {
      const { client, topology: { vip: address } } = bed;
      for (const server of bed.topology.addresses.servers) await bed.tell(`-d -f ${MARK} -r ${server}`);
      for (const strictness of [0, 1]) {
        await bed.set(`net/ipv4/conf/all/rp_filter=${strictness}`);
        const tap = await bed.topology.tap();
        await assert.rejects(client.get({ address, port: 443 }), /ECONNREFUSED/);
        const errors = packetsAt((await tap.stop()).frames, "director", "out").filter(({ icmp }) => icmp?.type === 3);
        assert.deepEqual(errors.map(({ source, icmp, ttl }) => [source, icmp?.code, ttl]), [[address, 3, 64]], `rp_filter=${strictness}`);
      }
      await bed.set("net/ipv4/conf/all/rp_filter=0");
    });

    test("a real server that is the director itself is served through its whole connection", async () => {
      const { client, topology } = bed;
      await (await topology.worker(topology.namespaces.director)).serveHttp({ name: "director", address: topology.addresses.director, port: 80 });
      await bed.tell(`-a -f ${MARK} -r ${topology.addresses.director} -m`);
      const { server, intact } = await client.post({ address: topology.vip, port: 80, bytes: 1_000_000 });
      assert.deepEqual([server, intact], ["director", true]);
    });

    test("with the service the devices and rules go", async () => {
      await bed.tell("-A -f 8 -s rr");
      assert.match(await bed.ip("rule"), /^99:.*fwmark 0x7 ipproto tcp lookup 7377[^]*^99:.*fwmark 0x8 ipproto sctp lookup 7377 *\n100:.*lookup local/m);
      await bed.tell(`-D -f ${MARK}`);
      assert.doesNotMatch(await bed.ip("rule"), /fwmark 0x7/);
      await bed.tell("-D -f 8");
      assert.doesNotMatch(await bed.ip("rule"), /fwmark|weir|100:/);
      // As the kernel made it: systemd-networkd removes rules that are not the kernel's.
      assert.match(await bed.ip("-d rule"), /^0:.*lookup local proto kernel/m);
      assert.doesNotMatch(await bed.ip("-br link"), /weir/);
    });

    test("where another device has the name, the service is refused with what would help, and the device stays", async () => {
      await bed.ip("link add weir-marks type bridge");
      const { status: code, stderr } = await bed.ipvsadm(["-A", "-f", "8", "-s", "rr"]);
      assert.equal(code, 255);
      assert.match(stderr, /Cannot make the device "weir-marks".*there is another one of that name; rename that one/);
      assert.doesNotMatch(await bed.tell("-Ln"), /FWM/);
      await bed.ip("link delete weir-marks");
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

const status = async (bed: Bed): Promise<string> => succeeded(await bed.weir(["status"]));

async function mark({ topology }: Bed, match: string): Promise<void> {
  const rules = [
    "table inet marks {", "  chain prerouting {", "    type filter hook prerouting priority mangle;", `    ${match} tcp dport { ${PORTS.join(", ")} } meta mark set ${MARK};`,
    `    ${match} meta l4proto { icmp, ipv6-icmp } meta mark set ${MARK};`, "  }", "}", "",
  ];
  succeeded(await topology.run(topology.namespaces.director, ["nft", "-f", "-"], { input: rules.join("\n") }));
}
