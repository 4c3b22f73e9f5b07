// Services by firewall mark as LVS's administrators make them: a rule of nftables in PREROUTING gives the mark, a service takes
// it. The VIP is an address of the director's own or one that is routed to it, and all that weir made for it goes again.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { dissect } from "#lab/dissect.js";
import { Bed, needs, succeeded } from "./bed.js";
import { SERVERS, VIP as VIP6, addIpv6 } from "./ipv6.js";
import { packetsAt } from "./wires.js";

const needsNft = spawnSync("nft", ["--version"]).error === undefined ? needs : { skip: "there is no nft (Debian's package nftables)" };
const MEGABYTE = 1_000_000;
/** What a client sends is one hop older at the director and two on the servers' wire. */
const TTL_AT_SERVER = 62;

describe("netfilter's marks by nat, the VIP the director's own", needsNft, () => {
  let bed: Bed;
  let rulesBefore: string;
  before(async () => {
    bed = await Bed.open("nat");
    await bed.serve({ http: [80, 8443], udp: [5060] });
    rulesBefore = await rulesOf(bed);
    // All that comes to the VIP, the director's own services too.
    await nft(bed, `ip daddr ${bed.topology.vip} meta mark set 7`);
    await bed.tell("-A -f 7 -s rr -p 300");
    for (const address of bed.topology.addresses.servers) await bed.tell(`-a -f 7 -r ${address} -m`);
    await bed.topology.warm();
  });
  after(() => bed?.close());

  test("two ports are one service: a client's connections to both, up and down, are one server's", async () => {
    const { client, topology: { vip: address } } = bed;
    const replies = [await client.get({ address, port: 80 }), await client.get({ address, port: 8443 })];
    const transfers = [await client.post({ address, port: 8443, bytes: MEGABYTE }), await client.download({ address, port: 80, bytes: MEGABYTE })];
    assert.deepEqual(replies.map(({ status }) => status), [200, 200]);
    assert.deepEqual(transfers.map(({ bytes, intact }) => [bytes, intact]), Array(2).fill([MEGABYTE, true]));
    assert.equal(new Set([...replies, ...transfers].map(({ server }) => server)).size, 1);
  });

  test("UDP of the mark goes the same way, to the server of the client's template", async () => {
    const { client, topology: { vip: address } } = bed;
    const { server } = await client.get({ address, port: 80 });
    const [echo] = await client.udpEcho({ address, port: 5060, text: "marked" });
    assert.deepEqual([echo?.text, echo?.from, echo?.server], ["marked", `${address}:5060`, server]);
  });

  test("every packet is a single hop older behind the director, the first one too, whose way is longer", async () => {
    const { client, topology } = bed;
    const tap = await topology.tap();
    await client.get({ address: topology.vip, port: 80 });
    const { frames } = await tap.stop();
    const sent = frames.filter(({ host, interface: name, direction }) => host === "director" && name === "eth1" && direction === "out").flatMap(({ bytes }) => dissect(bytes).ip ?? []);
    const requests = sent.filter(({ tcp }) => tcp !== undefined);
    assert.ok(requests.some(({ tcp }) => tcp?.flags === "S") && requests.length > 3);
    assert.deepEqual(new Set(requests.map(({ ttl }) => ttl)), new Set([TTL_AT_SERVER]));
  });

  test("what weir does not take, the director's own stack answers, where sources are checked strictly too", async () => {
    const { client, topology } = bed;
    for (const strictness of [0, 1]) {
      await bed.set(`net/ipv4/conf/all/rp_filter=${strictness}`);
      const { answered, ttl } = await client.ping({ address: topology.vip });
      assert.deepEqual([answered, ttl], [true, 63], `rp_filter=${strictness}`);
    }
    await bed.set("net/ipv4/conf/all/rp_filter=0");
  });

  test("without a server that takes connections the client is told so, from the VIP", async () => {
    const { client, topology: { vip: address, addresses } } = bed;
    await bed.tell("-A -f 8 -s rr");
    await nft(bed, `ip daddr ${address} tcp dport 82 meta mark set 8`);
    const tap = await bed.topology.tap();
    await assert.rejects(client.get({ address, port: 82 }), /ECONNREFUSED/);
    const errors = packetsAt((await tap.stop()).frames, "director", "out").filter(({ icmp }) => icmp !== undefined);
    assert.deepEqual(errors.map(({ source, destination, icmp, ttl }) => [source, destination, icmp?.type, icmp?.code, ttl]), [[address, addresses.client, 3, 3, 64]]);
    await bed.tell("-D -f 8");
  });

  test("weir status says what comes how, and ip rule that the local table is looked at from the first preference still", async () => {
    assert.match(await status(bed), /^Marks of netfilter's: packets marked 7 come to weir by its device weir-mark$/m);
    assert.doesNotMatch(await status(bed), /not so/);
    const first = (await rulesOf(bed)).split("\n").filter((line) => line.startsWith("0:"));
    assert.deepEqual(first.map((line) => line.replace(/\s+/g, " ").trim()), [
      "0: from all iif weir-mark-in lookup local", "0: from all iif weir-mark-in goto 1", "0: from all fwmark 0x7 lookup 30565", "0: from all lookup local",
    ]);
  });

  test("where another manager removed the rules, nothing goes round, weir status tells, and weir brings them again", async () => {
    const { client, topology } = bed;
    await bed.ip("rule delete pref 0 iif weir-mark-in lookup local");
    await bed.ip("rule delete pref 0 iif weir-mark-in goto 1");
    assert.equal((await client.ping({ address: topology.vip, timeoutMilliseconds: 300 })).answered, false);
    assert.match(await status(bed), /^cameAgain +1$/m);
    assert.match(await status(bed), /not so: the routing rules of IPv4 are not as weir made them/);
    await bed.up({ services: [{ fwmark: 7, scheduler: "rr", method: "nat", persistent: 300, destinations: topology.addresses.servers.map((address) => ({ address })) }] });
    assert.doesNotMatch(await status(bed), /not so/);
    assert.equal((await client.ping({ address: topology.vip })).answered, true);
    assert.equal((await client.get({ address: topology.vip, port: 80 })).status, 200);
  });

  test("with the last service by mark goes all that was made for it, and comes with the next", async () => {
    await bed.tell("-D -f 7");
    assert.equal(await rulesOf(bed), rulesBefore);
    assert.doesNotMatch(await bed.ip("link show"), /weir-mark/);
    assert.doesNotMatch(await status(bed), /Marks/);
    await bed.tell("-A -f 7");
    assert.match(await bed.ip("link show"), /weir-mark/);
    succeeded(await bed.weir(["down"]));
    assert.equal(await rulesOf(bed), rulesBefore);
    assert.doesNotMatch(await bed.ip("link show"), /weir-mark/);
  });
});

describe("netfilter's marks by dr, the VIP routed to the director", needsNft, () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.open("dr", { showVip: false });
    const { topology } = bed;
    await bed.serve({ http: [80, 8080] });
    await bed.ip(`route add ${topology.vip}/32 via ${topology.addresses.director}`, topology.namespaces.router);
    // The usual recipe: what has the mark is for the director itself.
    await bed.ip("rule add fwmark 7 lookup 100");
    await bed.ip("route add local default dev lo table 100");
    await nft(bed, `ip daddr ${topology.vip} tcp dport { 80, 8080 } meta mark set 7`);
    await bed.tell("-A -f 7 -s rr");
    for (const address of topology.addresses.servers) await bed.tell(`-a -f 7 -r ${address} -g`);
  });
  after(() => bed?.close());

  test("where the kernel forwards nothing, weir status says so and what would help, and it helps", async () => {
    const { client, topology: { vip: address } } = bed;
    await assert.rejects(client.get({ address, port: 80, timeoutMilliseconds: 500 }));
    assert.match(await status(bed), /not so: the kernel drops what comes by eth0 and is to go to weir-mark, as it forwards nothing from there; sysctl -w net.ipv4.ip_forward=1/);
    await bed.set("net/ipv4/ip_forward=1");
    assert.doesNotMatch(await status(bed), /not so/);
    assert.equal((await client.get({ address, port: 80 })).status, 200);
  });

  test("both ports go to every server in turn, and uploads arrive", async () => {
    const { client, topology: { vip: address } } = bed;
    const servers = [];
    for (const port of [80, 8080, 80]) servers.push((await client.get({ address, port })).server);
    assert.deepEqual(new Set(servers), new Set(["r1", "r2", "r3"]));
    assert.equal((await client.post({ address, port: 8080, bytes: MEGABYTE })).intact, true);
  });

  test("a real server that is the director itself takes its turn", async () => {
    const { client, topology } = bed;
    await bed.ip(`address add ${topology.vip}/32 dev lo`);
    await (await topology.worker(topology.namespaces.director)).serveHttp({ name: "director", address: topology.vip, port: 80 });
    await bed.tell(`-a -f 7 -r ${topology.addresses.director} -m`);
    const servers = [];
    for (let i = 0; i < 4; i++) servers.push((await client.get({ address: topology.vip, port: 80 })).server);
    assert.deepEqual([...servers].sort(), ["director", "r1", "r2", "r3"]);
  });

  test("strict checks of sources that look for the mark's route are told", async () => {
    await bed.set("net/ipv4/conf/all/src_valid_mark=1");
    await bed.set("net/ipv4/conf/eth0/rp_filter=1");
    await assert.rejects(bed.client.get({ address: bed.topology.vip, port: 80, timeoutMilliseconds: 500 }));
    assert.match(await status(bed), /not so: the kernel looks for the way back to a client of eth0 by the packet's mark, and drops the packet; sysctl -w net.ipv4.conf.eth0.rp_filter=2/);
    await bed.set("net/ipv4/conf/eth0/rp_filter=2");
    assert.doesNotMatch(await status(bed), /not so/);
    assert.equal((await bed.client.get({ address: bed.topology.vip, port: 80 })).status, 200);
  });
});

describe("netfilter's marks by nat, IPv6", needsNft, () => {
  let bed: Bed;
  let rulesBefore: string;
  before(async () => {
    bed = await Bed.open("nat");
    await addIpv6(bed, "nat");
    await Promise.all(bed.servers.flatMap((server, i) => [8080, 8443].map((port) => server.serveHttp({ name: `r${i + 1}`, port, address: `${SERVERS.nat}${i + 1}` }))));
    rulesBefore = await rulesOf(bed, 6);
    await nft(bed, `ip6 daddr ${VIP6} tcp dport { 8080, 8443 } meta mark set 7`);
    await bed.tell("-A -f 7 -6 -s rr");
    for (const n of [1, 2, 3]) await bed.tell(`-a -f 7 -6 -r [${SERVERS.nat}${n}]:0 -m`);
  });
  after(() => bed?.close());

  test("two ports are one service, to every server in turn, and a megabyte comes down intact", async () => {
    const servers = [];
    for (const port of [8080, 8443, 8080]) servers.push((await bed.client.get({ address: VIP6, port })).server);
    assert.deepEqual(new Set(servers), new Set(["r1", "r2", "r3"]));
    assert.equal((await bed.client.download({ address: VIP6, port: 8443, bytes: MEGABYTE })).intact, true);
  });

  test("hop limits are a single one less behind the director", async () => {
    const tap = await bed.topology.tap();
    await bed.client.get({ address: VIP6, port: 8080 });
    const { frames } = await tap.stop();
    const sent = frames.filter(({ host, interface: name, direction }) => host === "director" && name === "eth1" && direction === "out").flatMap(({ bytes }) => dissect(bytes).ip ?? []);
    assert.deepEqual(new Set(sent.filter(({ tcp }) => tcp !== undefined).map(({ ttl }) => ttl)), new Set([TTL_AT_SERVER]));
  });

  test("without a server that takes connections the client is told so", async () => {
    await bed.tell("-A -f 8 -6 -s rr");
    await nft(bed, `ip6 daddr ${VIP6} tcp dport 82 meta mark set 8`);
    await assert.rejects(bed.client.get({ address: VIP6, port: 82 }), /ECONNREFUSED/);
  });

  test("weir status tells that IPv6 is not forwarded, and of nothing else", async () => {
    assert.doesNotMatch(await status(bed), /not so/);
    await bed.set("net/ipv6/conf/all/forwarding=0");
    assert.match(await status(bed), /not so: the kernel drops what is to go to weir-mark by IPv6, as it forwards nothing; sysctl -w net.ipv6.conf.all.forwarding=1/);
  });

  test("all goes with its services", async () => {
    await bed.tell("-C");
    assert.equal(await rulesOf(bed, 6), rulesBefore);
    assert.doesNotMatch(await bed.ip("link show"), /weir-mark/);
  });
});

describe("netfilter's marks by a filter of tc", needsNft, () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.open("nat");
    await bed.serve({ http: [80] });
    await bed.script("without-tcx");
    await nft(bed, `ip daddr ${bed.topology.vip} tcp dport 80 meta mark set 7`);
    await bed.tell("-A -f 7 -s rr");
    await bed.tell(`-a -f 7 -r ${bed.topology.addresses.servers[0]} -m`);
  });
  after(() => bed?.close());

  test("a megabyte goes up, without any link", async () => {
    assert.equal((await bed.client.post({ address: bed.topology.vip, port: 80, bytes: MEGABYTE })).intact, true);
    assert.equal(await bed.script("attachments"), "{}\n");
  });

  test("where another device has the name, weir status says so, and it stays", async () => {
    await bed.tell("-C");
    await bed.ip("link add weir-mark type bridge");
    await bed.tell("-A -f 7 -s rr");
    assert.match(await status(bed), /not so: Cannot make the device "weir-mark": there is another one of that name; rename that one/);
    succeeded(await bed.weir(["down"]));
    assert.match(await bed.ip("link show"), /weir-mark/);
  });

  test("where other rules stand at the first preference, they stay in their order, and weir status says what would help", async () => {
    await bed.ip("link delete weir-mark");
    await bed.ip("rule add pref 0 fwmark 9 lookup 100");
    const rules = await rulesOf(bed);
    await bed.tell("-A -f 7 -s rr");
    assert.equal(await rulesOf(bed), rules);
    assert.match(await status(bed), /not so: Cannot set the routing rules .* there are other rules at preference 0 \(fwmark 9 lookup 100\).*; give them another preference, then run/);
    await bed.ip("rule delete pref 0 fwmark 9 lookup 100");
    await bed.tell("-A -f 8 -s rr");
    assert.doesNotMatch(await status(bed), /not so/);
  });
});

const rulesOf = (bed: Bed, family: 4 | 6 = 4): Promise<string> => bed.ip(`-${family} rule show`);
const status = async (bed: Bed): Promise<string> => succeeded(await bed.weir(["status"]));

/** Adds a rule in PREROUTING, where mangle's are. */
async function nft({ topology }: Bed, rule: string): Promise<void> {
  const input = `add table inet marks\nadd chain inet marks prerouting { type filter hook prerouting priority mangle; }\nadd rule inet marks prerouting ${rule}\n`;
  succeeded(await topology.run(topology.namespaces.director, ["nft", "-f", "-"], { input }));
}
