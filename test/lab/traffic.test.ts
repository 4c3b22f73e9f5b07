// The laboratory's traffic and captures, from the client straight to a server: what is measured by them must be right
// before any director is.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { describeFrame } from "#lab/describe.js";
import { dissect } from "#lab/dissect.js";
import type { Worker } from "#lab/remote.js";
import { whyNoLaboratory } from "#lab/requirements.js";
import { buildTopology, type Topology } from "#lab/topology.js";
import { frameProblems } from "#lab/verify.js";

const lacking = whyNoLaboratory();
const options = lacking === undefined ? {} : { skip: lacking };

let topology: Topology;
let client: Worker;
let server: Worker;
let target: { readonly address: string; readonly port: number };

before(async () => {
  if (lacking !== undefined) return;
  topology = await buildTopology("dr", { offloads: "off" });
  client = await topology.worker(topology.namespaces.client);
  server = await topology.worker(topology.namespaces.servers[0] ?? "");
  target = { address: topology.addresses.servers[0] ?? "", port: 80 };
  await server.serveHttp({ name: "r1", port: 80 });
  await server.serveUdpEcho({ name: "r1", address: target.address, port: 53 });
});
after(async () => { if (lacking === undefined) await topology.close(); });

test("a request is answered by a name, and both ends are known", options, async () => {
  const reply = await client.get({ ...target, localPort: 40001 });
  assert.equal(reply.status, 200);
  assert.equal(reply.server, "r1");
  assert.equal(reply.text, "r1\n");
  assert.equal(reply.localPort, 40001);
  assert.equal(reply.seenClient, `${topology.addresses.client}:40001`);
  assert.equal(reply.seenAddress, `${target.address}:80`);
});

test("a megabyte comes down and goes up intact", options, async () => {
  const down = await client.download({ ...target, bytes: 1_000_000 });
  assert.deepEqual([down.bytes, down.intact], [1_000_000, true]);
  const up = await client.post({ ...target, bytes: 1_000_000 });
  assert.deepEqual([up.server, up.bytes, up.intact], ["r1", 1_000_000, true]);
});

test("connections one after the other are counted by who answered", options, async () => {
  assert.deepEqual(await client.distribution({ ...target, count: 5 }), { r1: 5 });
});

test("a session keeps its connection, and says when it was lost", options, async () => {
  const other = await server.serveHttp({ name: "r1", port: 8081 });
  const session = await client.openSession({ ...target, port: 8081 });
  const first = await client.sessionGet(session);
  assert.equal((await client.sessionGet(session)).localPort, first.localPort);
  await server.close(other);
  await assert.rejects(client.sessionGet(session), /Cannot sessionGet in weir-.*-client: /);
  await client.close(session);
});

test("a long transfer can be paused in the middle and finished intact", options, async () => {
  const transfer = await client.openTransfer({ ...target, bytes: 30_000_000 });
  await client.resumeTransfer(transfer);
  while (await client.transferred(transfer) < 1_000_000) await new Promise((resolve) => setTimeout(resolve, 5));
  const atPause = await client.pauseTransfer(transfer);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(await client.transferred(transfer), atPause);
  assert.ok(atPause < 30_000_000);
  assert.deepEqual(await client.finishTransfer(transfer), { server: "r1", bytes: 30_000_000, intact: true });
});

test("UDP is answered from the address that was asked; a port without a server is not answered", options, async () => {
  assert.deepEqual(await client.udpEcho({ ...target, port: 53, text: "hi", count: 2 }), [
    { server: "r1", text: "hi", from: `${target.address}:53` },
    { server: "r1", text: "hi", from: `${target.address}:53` },
  ]);
  assert.deepEqual(await client.udpEcho({ ...target, port: 54, timeoutMilliseconds: 100 }), []);
});

test("ping tells the TTL of the answer, and whose ICMP error came instead", options, async () => {
  const { answered, ttl } = await client.ping({ address: target.address });
  assert.deepEqual([answered, ttl], [true, 63]);
  const nowhere = await client.ping({ address: "192.0.2.1", timeoutMilliseconds: 200 });
  assert.deepEqual([nowhere.answered, nowhere.error], [false, { type: 3, code: 0, from: "198.51.100.1" }]);
});

test("load runs for its time, on new connections and on kept ones", options, async () => {
  for (const keepAlive of [false, true]) {
    const result = await client.load({ endpoints: [target], seconds: 0.3, connections: 2, keepAlive });
    assert.ok(result.requests > 0);
    assert.equal(result.errors, 0);
    assert.ok(result.seconds < 1.5, `${result.seconds} s`);
  }
});

test("a tap sees each packet on every wire, with right checksums and falling TTL", options, async () => {
  const tap = await topology.tap();
  await client.get({ ...target, localPort: 40002 });
  const { frames, lost } = await tap.stop();
  assert.equal(lost, 0);
  for (const frame of frames) assert.deepEqual(frameProblems(frame), [], describeFrame(frame.bytes));
  const syn = frames.filter(({ bytes }) => dissect(bytes).ip?.tcp?.flags === "S");
  assert.deepEqual(syn.map(({ host, interface: name, direction, bytes }) => `${host}.${name} ${direction} ttl ${dissect(bytes).ip?.ttl}`), [
    "client.eth0 out ttl 64", "router.eth0 in ttl 64", "router.eth1 out ttl 63", "r1.eth0 in ttl 63",
  ]);
  const times = frames.map(({ timeNanoseconds }) => timeNanoseconds);
  assert.deepEqual(times, [...times].sort((a, b) => (a < b ? -1 : 1)));
});

test("with offloads off, bulk travels in whole frames with right checksums on every wire", options, async () => {
  const tap = await topology.tap();
  await client.download({ ...target, bytes: 200_000 });
  const { frames } = await tap.stop();
  assert.deepEqual([...new Set(frames.filter(({ length }) => length > 1514).map(({ host, interface: name, direction }) => `${host}.${name} ${direction}`))], []);
  assert.ok(frames.filter(({ host, direction }) => host === "client" && direction === "in").length >= 200_000 / 1448);
  assert.deepEqual(frames.filter(({ checksumPartial }) => checksumPartial), []);
  assert.deepEqual(frames.flatMap((frame) => frameProblems(frame)), []);
});

test("a capture at one interface sees both directions there", options, async () => {
  const capture = await server.capture({ interface: "eth0" });
  await client.get({ ...target, localPort: 40003 });
  const seen = (await capture.stop()).frames.map(({ direction, bytes }) => `${direction} ${dissect(bytes).ip?.tcp?.flags}`);
  assert.deepEqual(seen.slice(0, 4), ["in S", "out S.", "in .", "in P."]);
});

test("a full capture keeps the first frames and counts the others", options, async () => {
  const capture = await server.capture({ interface: "eth0", frameBytes: 2048, framesMax: 512 });
  await client.download({ ...target, bytes: 2_000_000 });
  const { frames, lost } = await capture.stop();
  assert.equal(frames.length, 512);
  assert.ok(lost > 0);
});

test("with offloads on, super-packets and partial checksums are told as such", options, async () => {
  const other = await buildTopology("dr");
  try {
    const sender = await other.worker(other.namespaces.servers[0] ?? "");
    await sender.serveHttp({ name: "r1", port: 80 });
    const capture = await sender.capture({ interface: "eth0", frameBytes: 131072, framesMax: 256 });
    await (await other.worker(other.namespaces.client)).download({ ...target, bytes: 1_000_000 });
    const sent = (await capture.stop()).frames.filter(({ direction, bytes }) => direction === "out" && dissect(bytes).ip?.tcp?.payload.length);
    assert.ok(sent.some(({ length }) => length > 1514), "super-packets");
    assert.ok(sent.every(({ checksumPartial }) => checksumPartial), "partial checksums");
    assert.deepEqual(sent.flatMap((frame) => frameProblems(frame)), []);
  } finally {
    await other.close();
  }
});

test("a capture at an interface that is not there says which there are", options, async () => {
  await assert.rejects(server.capture({ interface: "eth7" }), /Cannot capture at eth7: this namespace has only (lo, eth0|eth0, lo)/);
});
