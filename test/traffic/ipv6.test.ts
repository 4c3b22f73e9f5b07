// IPv6 through the director by NAT and DR, as hosts send it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dissect } from "#lab/dissect.js";
import { Bed, needs } from "./bed.js";
import { SERVERS, VIP, addIpv6 } from "./ipv6-network.js";

const MEGABYTE = 1_000_000;
/** 4,000 bytes of which no two hundred are alike. */
const DATAGRAM = Array.from({ length: 800 }, (_, i) => 1000 + i).join(" ").padEnd(4000, "!");

/** By a file, and by commands that come to a director of IPv4: its programs of IPv6 come with the service. */
const CONFIGURE = {
  async nat(bed: Bed): Promise<void> {
    const destinations = [1, 2, 3].map((n) => ({ address: `${SERVERS.nat}${n}`, port: 8080 }));
    await bed.up({ services: ["tcp", "udp"].map((protocol) => ({ protocol, address: VIP, port: 80, scheduler: "rr", method: "nat", destinations })) });
  },
  async dr(bed: Bed): Promise<void> {
    await bed.tell("-A -t 203.0.113.100:80 -s rr");
    for (const protocol of ["-t", "-u"]) {
      await bed.tell(`-A ${protocol} [${VIP}]:80 -s rr`);
      for (const n of [1, 2, 3]) await bed.tell(`-a ${protocol} [${VIP}]:80 -r [${SERVERS.dr}${n}]:80 -g`);
    }
  },
};

for (const method of ["nat", "dr"] as const) {
  describe(`IPv6 by ${method}`, needs, () => {
    const serverPort = method === "nat" ? 8080 : 80;
    let bed: Bed;
    before(async () => {
      bed = await Bed.open(method);
      await addIpv6(bed, method);
      await Promise.all(bed.servers.flatMap((server, i) => {
        const options = { name: `r${i + 1}`, port: serverPort, address: method === "nat" ? `${SERVERS.nat}${i + 1}` : VIP };
        return [server.serveHttp(options), server.serveUdpEcho(options)];
      }));
      await CONFIGURE[method](bed);
    });
    after(() => bed?.close());

    test("a megabyte goes up and comes down intact, to and from every real server", async () => {
      const seen = [];
      for (let i = 0; i < 3; i++) {
        seen.push(await bed.client.post({ address: VIP, port: 80, bytes: MEGABYTE }), await bed.client.download({ address: VIP, port: 80, bytes: MEGABYTE }));
      }
      assert.deepEqual(seen.map(({ bytes, intact }) => [bytes, intact]), Array(6).fill([MEGABYTE, true]));
      assert.deepEqual(new Set(seen.map(({ server }) => server)), new Set(["r1", "r2", "r3"]));
    });

    test("datagrams in fragments are echoed, by one server for one client's port, in fragments", async () => {
      const tap = await bed.topology.tap();
      const replies = await bed.client.udpEcho({ address: VIP, port: 80, text: DATAGRAM, count: 3 });
      const { frames } = await tap.stop();
      assert.deepEqual(replies.map(({ text, from }) => [text, from]), Array(3).fill([DATAGRAM, `${VIP}:80`]));
      assert.equal(new Set(replies.map(({ server }) => server)).size, 1);
      const toClient = frames.filter(({ host, direction, bytes }) => host === "client" && direction === "in" && (dissect(bytes).ip?.fragmentOffset ?? 0) > 0);
      assert.equal(toClient.length, 3 * 2, "two fragments follow the first");
      const [packetsIn, packetsOut, bytesIn] = /UDP +\S+:80 +\d+ +(\d+) +(\d+) +(\d+)/.exec(await bed.tell("-Ln --stats --exact"))!.slice(1).map(Number);
      assert.deepEqual([packetsIn, packetsOut, bytesIn], [3, method === "nat" ? 3 : 0, 3 * (40 + 8 + DATAGRAM.length)]);
    });

    test("the server sees the client's own address, and ipvsadm shows the service and its connections", async () => {
      const reply = await bed.client.get({ address: VIP, port: 80, localPort: 40080 });
      assert.equal(reply.seenClient.replace(/[[\]]/g, ""), "2001:db8:1::10:40080");
      assert.match(await bed.tell("-Ln"), /^TCP {2}\[2001:db8:2::100\]:80 rr$/m);
      assert.match(await bed.tell("-Lcn"), /\[2001:db8:1::10\]:40080 \[2001:db8:2::100\]:80/);
    });
  });
}
