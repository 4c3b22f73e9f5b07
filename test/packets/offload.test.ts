// Packets at TC that no wire has seen: super-packets, checksums that are left to a device, tags that a device took off.

import assert from "node:assert/strict";
import { test } from "node:test";
import { onesComplementSum } from "#lab/checksum.js";
import { frameProblems } from "#lab/verify.js";
import type { ForwardMethod } from "#model/director.js";
import { TC_ACT_REDIRECT, TC_ACT_UNSPEC } from "#prelude/packet.js";
import { configure, destination, service } from "./case.js";
import type { Executor } from "./executors.js";
import { EXECUTORS } from "./executors.js";
import type { End } from "./frame.js";
import { ACK, SYN, concatenate, frame, packetOf, payloadOf, tcp, udp } from "./frame.js";
import { VIP, at, client, eth0, eth1, r1 } from "./network.js";
import { verdictCounts } from "./observe.js";
import type { World } from "./world.js";
import { PLAIN_PROGRAMS } from "./world.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 8080);
const LINK = { from: client.mac!, to: eth0.mac };
const SEGMENT = 1448;
/** A test run in the kernel takes no larger one (net/bpf/test_run.c, bpf_test_init()). */
const SUPER_PAYLOAD = payloadOf(2 * SEGMENT);
const [machine] = EXECUTORS;

for (const executor of EXECUTORS) {
  for (const method of ["masq", "route"] as const) {
    test(`a super-packet is not too big for its way by ${method} on ${executor.name}`, { skip: executor.lacks }, async () => {
      const world = await begin(executor.world, method);
      const run = world.run("tc", frame(LINK, tcp(CLIENT, SERVICE, { flags: ACK, payload: SUPER_PAYLOAD })), eth0, { gsoSize: SEGMENT });
      assert.equal(run.verdict, TC_ACT_REDIRECT);
      const expected = tcp(CLIENT, method === "masq" ? SERVER : SERVICE, { flags: ACK, payload: SUPER_PAYLOAD, ttl: 63 });
      assert.deepEqual(packetOf(run.bytes), expected);
    });
  }
}

test("TUN leaves each segment of a super-packet room for the outer header", async () => {
  const world = await begin(machine!.world, "tunnel");
  const run = world.run("tc", frame(LINK, tcp(CLIENT, SERVICE, { flags: ACK, payload: SUPER_PAYLOAD })), eth0, { gsoSize: SEGMENT });
  assert.equal(run.verdict, TC_ACT_REDIRECT);
  assert.equal(run.gsoSize, SEGMENT - 20);
  assert.deepEqual(frameProblems({ bytes: run.bytes, length: run.bytes.length, checksumPartial: false }), []);
});

test("NAT keeps a checksum that is left to the device the sum of the pseudo header, in both directions, for TCP and UDP", async () => {
  const world = await begin(machine!.world, "masq");
  const payload = payloadOf(9);
  const builders = [
    (from: End, to: End, ttl: number) => tcp(from, to, { flags: ACK, ttl, payload }),
    (from: End, to: End, ttl: number) => udp(from, to, { ttl, payload }),
  ];
  for (const build of builders) {
    const request = world.run("tc", frame(LINK, partial(build(CLIENT, SERVICE, 64))), eth0, { checksumPartial: true });
    assert.deepEqual(packetOf(request.bytes), partial(build(CLIENT, SERVER, 63)));
    const answer = world.run("tc", frame({ from: r1.mac!, to: eth1.mac }, partial(build(SERVER, CLIENT, 64))), eth1, { checksumPartial: true });
    assert.deepEqual(packetOf(answer.bytes), partial(build(SERVICE, CLIENT, 63)));
  }
});

test("a packet whose VLAN tag a device took off goes on to the VLAN's own interface", async () => {
  const world = await begin(machine!.world, "masq");
  const bytes = frame(LINK, tcp(CLIENT, SERVICE, { flags: ACK }));
  const run = world.run("tc", bytes, eth0, { vlanPresent: true });
  assert.deepEqual({ verdict: run.verdict, bytes: run.bytes }, { verdict: TC_ACT_UNSPEC, bytes });
  assert.deepEqual(verdictCounts(world), { notIp: 1 });
});

/** A world with a service for TCP and UDP, and a TCP connection from the client. */
async function begin(make: Executor["world"], method: ForwardMethod): Promise<World> {
  const world = await make(64, PLAIN_PROGRAMS);
  configure(world.director, (["tcp", "udp"] as const).map((protocol) => service(protocol, 80, [destination(r1, method === "masq" ? 8080 : 80, method)])));
  world.run("tc", frame(LINK, tcp(CLIENT, SERVICE, { flags: SYN })), eth0);
  return world;
}

/** With the transport checksum that a sender leaves for its device to finish: the pseudo header's sum, not inverted. */
function partial(packet: Uint8Array): Uint8Array {
  const protocol = packet[9]!;
  const segment = packet.subarray(20);
  const pseudo = Buffer.concat([packet.subarray(12, 20), Uint8Array.of(0, protocol, segment.length >> 8, segment.length & 0xff)]);
  const at = protocol === 6 ? 16 : 6;
  const sum = onesComplementSum(pseudo);
  return concatenate(packet.subarray(0, 20 + at), Uint8Array.of(sum >> 8, sum & 0xff), packet.subarray(20 + at + 2));
}
