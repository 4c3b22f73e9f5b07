// What the director's own servers by NAT answer, as it leaves (dataplane/out.ts): from the VIP and its port. What came in before goes through weir_tc, as everywhere.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProgramName } from "#control/programs.js";
import { TC_ACT_UNSPEC } from "#prelude/packet.js";
import { configure, destination, service } from "./case.js";
import { quoting as quotingIpv4 } from "./cases/icmp.js";
import { quoting as quotingIpv6 } from "./cases/ipv6.js";
import { EXECUTORS } from "./executors.js";
import { ACK, SYN, fragments, frame, icmp, icmpv6, packetOf, payloadOf, tcp, udp } from "./frame.js";
import { VIP, VIP6, at, client, client6, eth0, eth1, r1 } from "./network.js";
import { sums } from "./observe.js";
import type { World } from "./world.js";
import { meet } from "./world.js";

const PROGRAMS: readonly ProgramName[] = ["weir_tc", "weir_tc6", "weir_out", "weir_out6", "weir_out_icmp", "weir_out6_icmp", "weir_start"];
const IN = { from: client.mac!, to: eth0.mac };
const OUT = { from: eth0.mac, to: client.mac! };

/** The kernel's own packets take no hop off their time to live. */
const FAMILIES = [
  { name: "IPv4", client: at(client, 40000), virtual: at(VIP, 80), server: at(eth1, 8080), error: icmp, unreachable: { type: 3, code: 3 }, quoting: quotingIpv4 },
  { name: "IPv6", client: at(client6, 40000), virtual: at(VIP6, 80), server: { address: eth1.addressIpv6, port: 8080 }, error: icmpv6, unreachable: { type: 1, code: 4 }, quoting: quotingIpv6 },
] as const;

for (const executor of EXECUTORS) {
  for (const family of FAMILIES) {
    const { name, client: asking, virtual, server } = family;
    const named = (what: string): string => `${name}: ${what} (${executor.name})`;
    const options = { skip: executor.lacks };

    const begin = async (): Promise<World> => {
      const world = await executor.world(64, PROGRAMS);
      const own = { ...r1, name: "the director", address: server.address };
      configure(world.director, (["tcp", "udp"] as const).map((protocol) => service(protocol, virtual.port, [destination(own, server.port, "masq")], { address: virtual.address })));
      for (const request of [tcp(asking, virtual, { flags: SYN }), udp(asking, virtual)]) assert.equal(meet(world, "tc", frame(IN, request), eth0).outcome, "stack");
      return world;
    };
    const leave = (world: World, packet: Uint8Array): Uint8Array => {
      const { verdict, bytes } = world.run("out", frame(OUT, packet), eth0);
      assert.equal(verdict, TC_ACT_UNSPEC);
      return packetOf(bytes);
    };

    test(named("an answer leaves from the VIP, no hop older, and is counted"), options, async () => {
      const world = await begin();
      assert.deepEqual(leave(world, tcp(server, asking, { flags: SYN | ACK })), tcp(virtual, asking, { flags: SYN | ACK }));
      assert.deepEqual(leave(world, udp(server, asking, { payload: payloadOf(99) })), udp(virtual, asking, { payload: payloadOf(99) }));
      const { packetsIn, packetsOut } = sums(world);
      assert.deepEqual({ packetsIn, packetsOut }, { packetsIn: 2, packetsOut: 2 });
    });

    test(named("an answer in fragments leaves so, each of them, and a whole one after it as ever"), options, async () => {
      const world = await begin();
      const payload = payloadOf(3000);
      for (let i = 0; i < 2; i++) {
        const answer = { payload, dontFragment: false };
        assert.deepEqual(fragments(udp(server, asking, answer)).map((piece) => leave(world, piece)), fragments(udp(virtual, asking, answer)));
        assert.deepEqual(leave(world, udp(server, asking)), udp(virtual, asking));
      }
      const whole = udp(virtual, asking, { payload }).length;
      assert.deepEqual(sums(world).bytesOut, 2 * (whole + udp(virtual, asking).length));
    });

    test(named("what belongs to no connection leaves as it is, and a fragment without its first"), options, async () => {
      const world = await begin();
      const others = [
        udp({ ...server, port: 8081 }, asking), udp(server, { ...asking, port: 40001 }), udp(virtual, asking), tcp(server, { ...asking, port: 40001 }, { flags: ACK }),
        fragments(udp(server, asking, { payload: payloadOf(3000), dontFragment: false }), { identification: 8 })[1]!,
      ];
      for (const packet of others) assert.deepEqual(leave(world, packet), packet);
      assert.equal(sums(world).packetsOut, 0);
    });

    test(named("the stack's error about a request leaves from the VIP, about what the client sent"), options, async () => {
      const world = await begin();
      const request = udp(asking, server, { payload: payloadOf(9) });
      const error = (from: string, payload: Uint8Array): Uint8Array => family.error(from, asking.address, { ...family.unreachable, payload });
      assert.deepEqual(leave(world, error(server.address, request)), error(virtual.address, family.quoting(request, { to: virtual })));
      assert.equal(sums(world).packetsOut, 1);
    });
  }
}
