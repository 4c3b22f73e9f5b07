// Datagrams that fit the way to the director and not the one beyond it, and may be cut: the director cuts them, as a router does. On wires
// that carry whole checksums, and between hosts that leave them to the device that sends: a program must finish those before it cuts.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dissect } from "#lab/dissect.js";
import { METHODS } from "#lab/plan.js";
import { frameProblems } from "#lab/verify.js";
import { Bed, needs } from "./bed.js";
import { service } from "./services.js";

const NARROW = 700;
/** With the headers 1,428 bytes: three pieces of at most NARROW. */
const DATAGRAM = Array.from({ length: 280 }, (_, i) => 1000 + i).join(" ").padEnd(1400, "!");
const COUNT = 6;

for (const method of METHODS) {
  for (const offloads of ["off", "on"] as const) {
    describe(`a narrow way behind the director by ${method}, offloads ${offloads}`, needs, () => {
      let bed: Bed;
      before(async () => {
        bed = await Bed.open(method, { offloads });
        const { namespaces } = bed.topology;
        // Sockets that are made from now on forbid no fragments: Linux Documentation/networking/ip-sysctl.rst, ip_no_pmtu_disc.
        for (const host of [namespaces.client, ...namespaces.servers]) {
          await bed.topology.run(host, ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_no_pmtu_disc"]);
        }
        await bed.serve({ udp: [53], http: [80] });
        if (method === "tun") await bed.decapsulate();
        await narrow(bed);
        await bed.up({ services: [service(bed.topology, { protocol: "udp", port: 53 }), service(bed.topology, { protocol: "tcp", port: 80 })] });
      });
      after(() => bed?.close());

      test("a datagram arrives whole at a real server, and so does its answer", async () => {
        const { client, topology } = bed;
        const { vip: address } = topology;
        const tap = await topology.tap();
        const replies = await client.udpEcho({ address, port: 53, text: DATAGRAM, count: COUNT });
        const { frames } = await tap.stop();
        assert.deepEqual(replies.map(({ text, from }) => [text, from]), Array(COUNT).fill([DATAGRAM, `${address}:53`]));
        const atServers = frames.filter(({ host, direction, bytes }) => /^r\d$/.test(host) && direction === "in" && dissect(bytes).ip !== undefined);
        assert.ok(atServers.length >= COUNT * 3, `${atServers.length} frames came to the real servers`);
        assert.ok(atServers.every(({ bytes }) => bytes.length <= NARROW + 14), "each fits the way");
        assert.deepEqual(atServers.flatMap((one) => frameProblems(one)), []);
      });

      test("it is counted once, as long as it was", async () => {
        const [, connections, packetsIn, , bytesIn] = /UDP +\S+:53 +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)/.exec(await bed.tell("-Ln --stats --exact"))!.slice(0).map(Number);
        assert.deepEqual([connections, packetsIn, bytesIn], [1, COUNT, COUNT * (20 + 8 + DATAGRAM.length)]);
      });

      test("a stream whose segments may be cut arrives", async () => {
        const { bytes, intact } = await bed.client.post({ address: bed.topology.vip, port: 80, bytes: 100_000 });
        assert.deepEqual([bytes, intact], [100_000, true]);
      });
    });
  }
}

/** The director's routes to the real servers carry less than its devices. */
async function narrow(bed: Bed): Promise<void> {
  for (const line of (await bed.ip("route show")).trim().split("\n")) {
    if (bed.topology.method === "dr" || /\beth1\b/.test(line) || /via /.test(line)) await bed.ip(`route change ${line.trim().replace(/ +/g, " ")} mtu lock ${NARROW}`);
  }
}
