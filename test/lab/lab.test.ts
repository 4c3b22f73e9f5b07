// What `weir lab` shows, with a stand-in for the director: a router that sends everything for the VIP to r1.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabDirector } from "#lab/director.js";
import { runLab } from "#lab/lab.js";
import { whyNoLaboratory } from "#lab/requirements.js";
import type { Topology } from "#lab/topology.js";
import type { Walk } from "#lab/walk.js";

const lacking = whyNoLaboratory();
const options = lacking === undefined ? {} : { skip: lacking };

/** Direct routing by the kernel's own forwarding: a route to the VIP by way of r1, on a machine that does not hold it. */
function forwarder(): LabDirector & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    async up({ namespaces, addresses, vip, run }: Topology, configuration: string) {
      calls.push("up");
      assert.match(configuration, /scheduler: wrr\n {4}method: dr\n/);
      await run(namespaces.director, ["sh", "-ec", `
        echo 1 > /proc/sys/net/ipv4/ip_forward
        echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects
        echo 0 > /proc/sys/net/ipv4/conf/eth0/send_redirects
        ip addr del ${vip}/32 dev eth0
        ip route add ${vip}/32 via ${addresses.servers[0]}`]);
      await run(namespaces.router, ["ip", "route", "add", `${vip}/32`, "via", addresses.director]);
      return ["forwarding by the kernel"];
    },
    async decapsulate() { calls.push("decapsulate"); },
    async statistics() { return "TCP  203.0.113.100:80\n"; },
    async down() { calls.push("down"); },
  };
}

test("the walk, the shares and the statistics are shown, and shares that are not as weighted fail", options, async () => {
  const director = forwarder();
  const text: string[] = [];
  const status = await runLab({ director, methods: ["dr"], measure: false, output: { write: (part) => text.push(part) } });
  const shown = text.join("");
  assert.equal(status, 1);
  assert.deepEqual(director.calls, ["up", "down"]);
  assert.match(shown, /request +client → router +01:10 → 01:01 +198\.51\.100\.10:\d+ → 203\.0\.113\.100:80 +64 +asks\n/);
  assert.match(shown, / +director → r1 +02:02 → 02:11 +198\.51\.100\.10:\d+ → 203\.0\.113\.100:80 +62 +new MAC addresses only\n/);
  assert.match(shown, /response +r1 → router +02:11 → 02:01 +203\.0\.113\.100:80 → 198\.51\.100\.10:\d+ +64 +answers\n/);
  assert.match(shown, /r1 +weight 1 +60 connections/);
  assert.match(shown, /forwarding by the kernel\n/);
  assert.match(shown, / {2}TCP {2}203\.0\.113\.100:80\n/);
  assert.match(shown, /60 : 0 : 0, not as weighted/);
  assert.doesNotMatch(shown, /\u001b/);
});

test("a request that is not answered fails with how far it came, and the director is taken down", options, async () => {
  const director: LabDirector = { ...forwarder(), async up({ namespaces, run }) {
    await run(namespaces.director, ["ip", "link", "set", "eth0", "down"]);
    return [];
  } };
  let down = 0;
  director.down = async () => { down += 1; };
  await assert.rejects(runLab({ director, methods: ["dr"], measure: false, output: { write: () => true } }), /no answer from 203\.0\.113\.100:80 in 2000 ms; its packets went client > router, router > /);
  assert.equal(down, 1);
});

test("without the kernel the walks come from the machine in user space", async () => {
  const walk: Walk = { server: "r1", steps: [{
    way: "request", from: "client", to: "router", sourceMac: "02:00:00:00:01:10", destinationMac: "02:00:00:00:01:01",
    headers: [{ source: "198.51.100.10", destination: "203.0.113.100", sourcePort: 40000, destinationPort: 80, ttl: 64 }],
  }] };
  const text: string[] = [];
  const asked: string[] = [];
  const simulateWalk = async (method: string): Promise<Walk> => { asked.push(method); return walk; };
  assert.equal(await runLab({ simulate: true, simulateWalk, output: { write: (part) => text.push(part) } }), 0);
  assert.deepEqual(asked, ["nat", "dr", "tun"]);
  assert.match(text.join(""), /client → router +01:10 → 01:01 +198\.51\.100\.10:40000 → 203\.0\.113\.100:80 +64 +asks/);
});
