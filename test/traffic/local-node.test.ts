// The director as one of its own real servers: by DR and NAT at the VIP itself, beside a real server; by NAT at another address and port, by a program at the egress.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Worker } from "#lab/remote.js";
import { Bed, needs } from "./bed.js";
import { SERVERS, VIP as VIP6, addIpv6 } from "./ipv6-network.js";

const MEGABYTE = 1_000_000;

/** A connected socket hears of errors that quote what it sent to that very address and port; of others it does not. It asks again while it hears nothing. */
const ASK = `const [, family, address] = process.argv, socket = require("node:dgram").createSocket(family);
socket.on("error", ({ code }) => { console.log(code); process.exit(); });
socket.connect(54, address, () => setInterval(() => socket.send("anybody?"), 500));
setTimeout(() => { console.log("nothing"); process.exit(); }, 5000);`;

describe("the director as a real server", needs, () => {
  let bed: Bed;
  before(async () => {
    bed = await Bed.open("dr");
    const { topology } = bed;
    await bed.serve({ http: [80] });
    await (await topology.worker(topology.namespaces.director)).serveHttp({ name: "director", address: topology.vip, port: 80 });
    await bed.tell(`-A -t ${topology.vip}:80 -s rr`);
    await bed.tell(`-a -t ${topology.vip}:80 -r ${topology.addresses.servers[0]} -g`);
    await bed.tell(`-a -t ${topology.vip}:80 -r ${topology.vip} -g`);
  });
  after(() => bed?.close());

  test("takes its turn, and is shown with the method that it was given", async () => {
    const { client, topology: { vip: address } } = bed;
    const servers = [];
    for (let i = 0; i < 4; i++) servers.push((await client.get({ address, port: 80 })).server);
    assert.deepEqual([...servers].sort(), ["director", "director", "r1", "r1"]);
    assert.match(await bed.tell("-Ln"), new RegExp(`-> ${address.replaceAll(".", "\\.")}:80 +Route +1 `));
  });
});

describe("the director as a real server by NAT, at another address and port", needs, () => {
  let bed: Bed;
  let director: Worker;
  let own: string;
  const own6 = `${SERVERS.nat}ff`;
  const listed = (): Promise<string> => bed.tell("-Lcn");
  const stats = (): Promise<string> => bed.tell("-Ln --stats --exact");
  const atEgress = async (): Promise<boolean> => /eth0/.test((/^The director's own answers .*$/m.exec((await bed.weir(["status"])).stdout) ?? [""])[0]);

  before(async () => {
    bed = await Bed.open("nat");
    const { topology } = bed;
    await addIpv6(bed, "nat");
    own = topology.addresses.director;
    await bed.ip(`address add ${own6}/128 dev eth1 nodad`);
    await bed.serve({ http: [8080] });
    director = await topology.worker(topology.namespaces.director);
    await director.serveHttp({ name: "director", address: own, port: 8080 });
    await director.serveHttp({ name: "director", address: own6, port: 8081 });
    await director.serveUdpEcho({ name: "director", address: own, port: 5353 });
    await director.serveUdpEcho({ name: "director", address: own6, port: 5353 });
    await bed.tell(`-A -t ${topology.vip}:80 -s rr`);
    await bed.tell(`-a -t ${topology.vip}:80 -r ${topology.addresses.servers[0]}:8080 -m`);
    assert.equal(await atEgress(), false, "no program at the egress without a server that is the director itself");
    await bed.tell(`-a -t ${topology.vip}:80 -r ${own}:8080 -m`);
    await bed.tell(`-A -t [${VIP6}]:80 -s rr`);
    await bed.tell(`-a -t [${VIP6}]:80 -r [${own6}]:8081 -m`);
    await bed.tell(`-A -u ${topology.vip}:53 -s rr`);
    await bed.tell(`-a -u ${topology.vip}:53 -r ${own}:5353 -m`);
    await bed.tell(`-A -u [${VIP6}]:53 -s rr`);
    await bed.tell(`-a -u [${VIP6}]:53 -r [${own6}]:5353 -m`);
  });
  after(() => bed?.close());

  test("serves in turn, a megabyte each way, and weir status says where its answers are met", async () => {
    const { client, topology: { vip } } = bed;
    const seen = [];
    for (let i = 0; i < 4; i++) seen.push(await client.post({ address: vip, port: 80, bytes: MEGABYTE }), await client.download({ address: vip, port: 80, bytes: MEGABYTE }));
    assert.deepEqual(seen.map(({ bytes, intact }) => [bytes, intact]), Array(8).fill([MEGABYTE, true]));
    assert.deepEqual(new Set(seen.map(({ server }) => server)), new Set(["director", "r1"]));
    assert.equal(await atEgress(), true);
  });

  test("serves by IPv6 too", async () => {
    const { client } = bed;
    for (const sent of [await client.post({ address: VIP6, port: 80, bytes: MEGABYTE }), await client.download({ address: VIP6, port: 80, bytes: MEGABYTE })]) {
      assert.deepEqual([sent.server, sent.bytes, sent.intact], ["director", MEGABYTE, true]);
    }
  });

  for (const [size, text] of [["one packet", "datagram"], ["fragments, both ways", "many bytes ".repeat(400)]] as const) {
    test(`answers datagrams in ${size}, by IPv4 and IPv6`, async () => {
      const { client, topology: { vip } } = bed;
      for (const address of [vip, VIP6]) assert.equal((await client.udpEcho({ address, port: 53, text }))[0]?.text, text);
    });
  }

  test("its answers are counted, and its connections have both sides' states", async () => {
    const { topology: { vip } } = bed;
    assert.match(await stats(), new RegExp(`-> ${own.replaceAll(".", "\\.")}:5353 +2 +2 +2 `));
    assert.match(await listed(), new RegExp(`^TCP .* TIME_WAIT +\\S+ +${vip.replaceAll(".", "\\.")}:80 +${own.replaceAll(".", "\\.")}:8080$`, "m"));
  });

  test("serves clients on the director itself", async () => {
    const { topology: { vip } } = bed;
    const servers = [];
    for (let i = 0; i < 2; i++) servers.push((await director.get({ address: vip, port: 80 })).server);
    assert.deepEqual(servers.sort(), ["director", "r1"]);
    assert.equal((await director.get({ address: VIP6, port: 80 })).server, "director");
  });

  test("that nobody listens at its port, the client hears from the VIP", async () => {
    const { vip } = bed.topology;
    for (const [family, address, service, server] of [["udp4", vip, `${vip}:54`, `${own}:5454`], ["udp6", VIP6, `[${VIP6}]:54`, `[${own6}]:5454`]] as const) {
      await bed.tell(`-A -u ${service} -s rr`);
      await bed.tell(`-a -u ${service} -r ${server} -m`);
      const refused = await bed.node(["-e", ASK, family!, address!], { namespace: bed.topology.namespaces.client });
      await bed.tell(`-D -u ${service}`);
      assert.equal(refused.stdout.trim(), "ECONNREFUSED", service);
    }
  });

  test("the program leaves the egress with the last such server, all VIPs being the director's own", async () => {
    const { client, topology: { vip } } = bed;
    await bed.tell(`-D -u ${vip}:53`);
    await bed.tell(`-D -u [${VIP6}]:53`);
    await bed.tell(`-D -t [${VIP6}]:80`);
    assert.equal(await atEgress(), true);
    await bed.tell(`-d -t ${vip}:80 -r ${own}:8080`);
    assert.equal(await atEgress(), false);
    assert.equal((await client.get({ address: vip, port: 80 })).server, "r1");
    await bed.tell(`-a -t ${vip}:80 -r ${own}:8080 -m`);
    assert.equal(await atEgress(), true);
    assert.deepEqual([(await client.get({ address: vip, port: 80 })).server, (await client.get({ address: vip, port: 80 })).server].sort(), ["director", "r1"]);
  });
});
