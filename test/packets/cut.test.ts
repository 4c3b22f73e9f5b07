// Packets that are larger than their way and may be cut, piece by piece, on the machine: what the director sends copies of to itself comes in
// again, as the kernel would have it. The kernel's own test runs show the first piece alone (cases/refused.ts, cases/fragments.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import { frameProblems } from "#lab/verify.js";
import { TC_ACT_REDIRECT, TC_ACT_SHOT } from "#prelude/packet.js";
import { be16 } from "#layout/numbers.js";
import { IPPROTO_UDP } from "#wire/ipv4.js";
import { configure, destination, service } from "./case.js";
import type { UdpFields } from "./frame.js";
import { changeIp, concatenate, fragments, frame, ip, packetOf, payloadOf, tcp, udp } from "./frame.js";
import { machineWorld } from "./machine-world.js";
import type { Host, NetworkInterface } from "./network.js";
import { VIP, at, client, eth0, eth1, r1, r2 } from "./network.js";
import { sums, verdictCounts } from "./observe.js";
import { Random, seedOfThisRun } from "./random.js";
import type { Offload, World } from "./world.js";

const CLIENT = at(client, 40000);
const SERVICE = at(VIP, 80);
const SERVER = at(r1, 8080);
const LINK = { from: client.mac!, to: eth0.mac };
const AGED = { ttl: 63 };
/** Larger than two pieces. */
const large = (fields: UdpFields = {}): UdpFields => ({ payload: payloadOf(4000), dontFragment: false, ...fields });
const BYTES = 28 + 4000;
const DATAGRAMS = 150;
/** RFC 791: the option that is none; in the header's seventh byte, that more fragments follow. */
const NOTHING = 1;
const MORE = 0x20;
const seed = seedOfThisRun();

/** All that leaves for that frame, and with it what came in once more. */
function send(world: World, bytes: Uint8Array, by: NetworkInterface, offload: Offload = {}): readonly Uint8Array[] {
  const { verdict, bytes: sent, clones = [] } = world.run("tc", bytes, by, offload);
  assert.equal(verdict, TC_ACT_REDIRECT);
  assert.ok(clones.every(({ ifindex, flags }) => ifindex === by.ifindex && flags === 1), "copies come in where the packet did");
  return [packetOf(sent), ...clones.flatMap(({ packet, tcIndex, mark, checksumPartial }) => send(world, packet, by, { tcIndex, mark, checksumPartial }))];
}

async function begin(host: Host, method: "masq" | "route" | "tunnel", onePacket = false): Promise<World> {
  const world = await machineWorld(64);
  const destinations = (onePacket ? [r1, r2] : [host]).map((one) => destination(one, method === "masq" ? 8080 : 80, method));
  configure(world.director, (["tcp", "udp"] as const).map((protocol) => service(protocol, 80, destinations, { onePacket: onePacket && protocol === "udp" })));
  return world;
}

test("NAT sends a datagram as the fragments of the one that it would have sent whole, and so its answer; it is counted as one", async () => {
  const world = await begin(r1, "masq");
  assert.deepEqual(send(world, frame(LINK, udp(CLIENT, SERVICE, large({ identification: 7 }))), eth0), fragments(udp(CLIENT, SERVER, large(AGED))));
  assert.deepEqual(send(world, frame({ from: r1.mac!, to: eth1.mac }, udp(SERVER, CLIENT, large({ identification: 7 }))), eth1), fragments(udp(SERVICE, CLIENT, large(AGED))));
  assert.deepEqual(sums(world), { packetsIn: 1, packetsOut: 1, bytesIn: BYTES, bytesOut: BYTES });
  assert.deepEqual([verdictCounts(world), [...world.director.connections()].length], [{}, 1]);
});

test("DR does, of UDP and of TCP", async () => {
  const world = await begin(r1, "route");
  assert.deepEqual(send(world, frame(LINK, udp(CLIENT, SERVICE, large({ identification: 7 }))), eth0), fragments(udp(CLIENT, SERVICE, large(AGED))));
  const segment = { flags: 2, payload: payloadOf(3000), dontFragment: false };
  assert.deepEqual(send(world, frame(LINK, tcp(CLIENT, SERVICE, { ...segment, identification: 7 })), eth0), fragments(tcp(CLIENT, SERVICE, { ...segment, ...AGED })));
});

test("TUN puts each piece into a tunnel packet of its own, which fits", async () => {
  const world = await begin(r1, "tunnel");
  const sent = send(world, frame(LINK, udp(CLIENT, SERVICE, large({ identification: 7 }))), eth0);
  assert.deepEqual(sent.map((packet) => packet.subarray(20)), fragments(udp(CLIENT, SERVICE, large(AGED)), { bytes: 1456 }));
  assert.ok(sent.every((packet) => packet.length <= 1500));
});

test("with pmtu_disc 0 TUN cuts what forbids it too, each packet with a number of its own, which its pieces no longer forbid", async () => {
  const world = await begin(r1, "tunnel");
  world.director.setSysctls({ pmtu_disc: 0 });
  const numbers = [7, 0].map((identification) => {
    const sent = send(world, frame(LINK, udp(CLIENT, SERVICE, large({ identification, dontFragment: true }))), eth0);
    const number = (sent[0]![24]! << 8) | sent[0]![25]!;
    assert.deepEqual(sent.map((packet) => packet.subarray(20)), fragments(udp(CLIENT, SERVICE, large(AGED)), { bytes: 1456, identification: number }));
    assert.ok(sent.every((packet) => packet.length <= 1500 && (packet[6]! & 0x40) === 0));
    return number;
  });
  assert.notEqual(numbers[0], numbers[1]);
  assert.deepEqual(sums(world), { packetsIn: 2, packetsOut: 0, bytesIn: 2 * BYTES, bytesOut: 0 });
});

test("with pmtu_disc 0 a fragment that forbids it is cut as the first one of its packet is", async () => {
  const world = await begin(r1, "tunnel");
  world.director.setSysctls({ pmtu_disc: 0 });
  const forbidding = fragments(udp(CLIENT, SERVICE, large())).map((piece, i) => changeIp(piece, { flagsAndOffset: be16(0x4000 | (i < 2 ? 0x2000 : 0) | (i * 185)) }));
  const sent = forbidding.flatMap((piece) => send(world, frame(LINK, piece), eth0));
  assert.deepEqual(sent.map((packet) => packet.length), [1496, 64, 1496, 64, 1088]);
  assert.ok(sent.every((packet) => packet[25] === 7), "all with their packet's number");
});

test("a first fragment and a later one are cut once more, and the pieces are those of the whole", async () => {
  const world = await begin(r1, "masq");
  const sent = fragments(udp(CLIENT, SERVICE, large()), { bytes: 2000 }).flatMap((piece) => send(world, frame(LINK, piece), eth0));
  const whole = fragments(udp(CLIENT, SERVER, large(AGED)), { bytes: 8 });
  assert.deepEqual(concatenate(...sent.map((piece) => piece.subarray(20))), concatenate(...whole.map((piece) => piece.subarray(20))));
  assert.deepEqual(sent.map((piece) => piece.length - 20), [1480, 520, 1480, 520, 8]);
  assert.equal(sums(world).bytesIn, BYTES);
});

test("a packet that is scheduled for itself alone is scheduled once: all its pieces go to one server, and the next packet to the other", async () => {
  const world = await begin(r1, "masq", true);
  const servers = [0, 1, 2, 3].map((i) => send(world, frame(LINK, udp(CLIENT, SERVICE, large({ identification: 7 + i }))), eth0).map((piece) => piece.slice(16, 20).join(".")));
  assert.deepEqual(servers, [r2, r1, r2, r1].map(({ address }) => [address, address, address]));
  assert.deepEqual(world.director.services().flatMap(({ destinations }) => destinations).map(({ counters }) => counters.connections), [0n, 0n, 2n, 2n]);
  assert.deepEqual(sums(world), { packetsIn: 4, packetsOut: 0, bytesIn: 4 * BYTES, bytesOut: 0 });
});

/** RFC 791 section 3.1: record route is not copied, loose source route is; nothing, and the end. */
test(`random datagrams, whole and in fragments, arrive with every byte in its place, in pieces that fit, seed ${seed}`, async () => {
  const random = new Random(seed);
  for (const method of ["masq", "route"] as const) {
    const world = await begin(r1, method);
    for (let i = 0; i < DATAGRAMS; i++) {
      const options = new Uint8Array(4 * random.below(11)).fill(NOTHING);
      const fields: UdpFields = { payload: payloadOf(1473 + random.below(7000)), identification: 1 + i, dontFragment: false, options };
      const whole = udp(CLIENT, method === "masq" ? SERVER : SERVICE, { ...fields, ...AGED });
      const come = random.percent(50) ? [udp(CLIENT, SERVICE, fields)] : fragments(udp(CLIENT, SERVICE, fields), { bytes: 8 * (1 + random.below(300)), identification: 1 + i });
      const pieces = come.flatMap((packet) => send(world, frame(LINK, packet), eth0));
      assert.ok(pieces.every((piece) => piece.length <= 1500 && frameProblems({ bytes: frame(LINK, piece), length: piece.length + 14, checksumPartial: false }).length === 0));
      const headerBytes = 20 + options.length;
      const arrived = new Uint8Array(whole.length - headerBytes);
      for (const piece of pieces) arrived.set(piece.subarray(headerBytes), 8 * (((piece[6]! & 0x1f) << 8) | piece[7]!));
      assert.deepEqual(arrived, whole.subarray(headerBytes), `datagram ${i} by ${method}`);
      assert.equal(pieces.filter((piece) => (piece[6]! & MORE) === 0).length, 1, "one is the last");
      assert.equal(pieces.reduce((bytes, piece) => bytes + piece.length - headerBytes, 0), arrived.length, "nothing twice");
    }
  }
});

const OPTIONS = [
  { name: "one that is not copied", options: [7, 7, 4, 0, 0, 0, 0, 0], later: [1, 1, 1, 1, 1, 1, 1, 0] },
  { name: "one that is", options: [0x94, 4, 0, 0], later: [0x94, 4, 0, 0] },
  { name: "one of each, at an odd place", options: [1, 7, 3, 0, 0x94, 4, 0, 0], later: [1, 1, 1, 1, 0x94, 4, 0, 0] },
  { name: "forty bytes of them", options: [68, 40, ...new Array<number>(38).fill(9)], later: new Array<number>(40).fill(1) },
  { name: "one whose length is wrong", options: [7, 1, 7, 9], later: [7, 1, 7, 9] },
];
for (const { name, options, later } of OPTIONS) {
  test(`later pieces have those of the options that are to be copied: ${name}`, async () => {
    const world = await begin(r1, "route");
    const bytes = withOptions(udp(CLIENT, SERVICE, large({ identification: 7 })), options);
    const sent = send(world, frame(LINK, bytes), eth0);
    const optionsOf = (packet: Uint8Array) => [...packet.subarray(20, (packet[0]! & 0x0f) * 4)];
    assert.deepEqual(sent.map(optionsOf), sent.map((_, i) => (i === 0 ? options : later)));
    assert.deepEqual(concatenate(...sent.map((piece) => piece.subarray(20 + options.length))), bytes.subarray(20 + options.length));
    for (const piece of sent) assert.deepEqual(frameProblems({ bytes: frame(LINK, piece), length: piece.length + 14, checksumPartial: false }), []);
  });
}

test("a checksum that its sender left to the device is finished before, and the device is told so", async () => {
  for (const method of ["masq", "route"] as const) {
    const world = await begin(r1, method);
    const whole = udp(CLIENT, SERVICE, large({ identification: 7 }));
    const pseudo = concatenate(whole.subarray(12, 20), Uint8Array.of(0, 17, (BYTES - 20) >> 8, (BYTES - 20) & 0xff));
    const left = whole.slice();
    new DataView(left.buffer).setUint16(26, [0, 2, 4, 6, 8, 10].reduce((sum, i) => (sum + (pseudo[i]! << 8 | pseudo[i + 1]!)) % 0xffff, 0));
    assert.deepEqual(send(world, frame(LINK, left), eth0, { checksumPartial: true }), fragments(udp(CLIENT, method === "masq" ? SERVER : SERVICE, large(AGED))));
  }
});

test("what forbids it is not cut, and a super-packet neither", async () => {
  const world = await begin(r1, "route");
  const forbidden = world.run("tc", frame(LINK, udp(CLIENT, SERVICE, large({ dontFragment: true }))), eth0);
  assert.deepEqual([forbidden.clones, verdictCounts(world)], [undefined, { tooBig: 1 }]);
  assert.equal(packetOf(forbidden.bytes)[9], 1, "an ICMP error goes back");
  const segments = world.run("tc", frame(LINK, tcp(CLIENT, SERVICE, { flags: 2, payload: payloadOf(3000), dontFragment: false })), eth0, { gsoSize: 1400 });
  assert.deepEqual([segments.verdict, segments.clones, packetOf(segments.bytes).length], [TC_ACT_REDIRECT, undefined, 3040]);
});

test("a fragment that says to end behind the largest packet is dropped, as its rest could not say where it stands", async () => {
  const world = await begin(r1, "route");
  const [first, later] = fragments(udp(CLIENT, SERVICE, large()), { bytes: 2000 }) as [Uint8Array, Uint8Array];
  send(world, frame(LINK, first), eth0);
  const beyond = ip(client.address, VIP, IPPROTO_UDP, later.subarray(20), { dontFragment: false, identification: 7 });
  new DataView(beyond.buffer).setUint16(6, 0x1fff);
  new DataView(beyond.buffer).setUint16(10, 0);
  const { verdict, clones } = world.run("tc", frame(LINK, beyond), eth0);
  assert.deepEqual([verdict, clones, verdictCounts(world)], [TC_ACT_SHOT, undefined, { tooBig: 1 }]);
});

/** The header's checksum right again. */
function withOptions(packet: Uint8Array, options: readonly number[]): Uint8Array {
  const made = concatenate(packet.subarray(0, 20), Uint8Array.from(options), packet.subarray(20));
  const view = new DataView(made.buffer, made.byteOffset);
  made[0] = 0x40 | (5 + options.length / 4);
  view.setUint16(2, made.length);
  view.setUint16(10, 0);
  let sum = 0;
  for (let i = 0; i < 20 + options.length; i += 2) sum += view.getUint16(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  return made;
}
