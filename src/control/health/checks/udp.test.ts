import assert from "node:assert/strict";
import { test } from "node:test";
import type { UdpProbe } from "#model/health.js";
import { SHORT, closedUdpPort, udpServer, verdictOn } from "./_probing.js";

const needsRoot = { skip: process.getuid?.() === 0 ? false : "marks and interfaces are for root" };
const udp = (reply?: Partial<NonNullable<UdpProbe["reply"]>>): UdpProbe =>
  ({ type: "udp", payload: "00ff", reply: reply && { begins: undefined, lengthMin: 0, lengthMax: 65507, ...reply } });

test("without a reply to wait for, silence is healthy and a refusal is not", async (t) => {
  const silent = await udpServer(t, () => []);
  assert.deepEqual(await verdictOn(udp(), silent, { milliseconds: SHORT }), { healthy: true, detail: `127.0.0.1:${silent} did not refuse a datagram` });
  assert.match((await verdictOn(udp(), await closedUdpPort())).detail, /^cannot get an answer from .* by UDP: connection refused$/);
});

test("the reply is judged by its length and its beginning", async (t) => {
  const seen: string[] = [];
  const port = await udpServer(t, (message) => { seen.push(message.toString("hex")); return [Buffer.from("0a0b0c0d", "hex")]; });
  const cases: readonly (readonly [UdpProbe, RegExp | true])[] = [
    [udp({}), true],
    [udp({ begins: "0A##0c", lengthMin: 4, lengthMax: 4 }), true],
    [udp({ begins: "0a##0d" }), /answered 0a0b0c by UDP; wanted 0a##0d$/],
    [udp({ begins: "0a0b0c0d0e" }), /answered 0a0b0c0d by UDP; wanted 0a0b0c0d0e$/],
    [udp({ lengthMin: 5 }), /answered 4 bytes by UDP; wanted 5 to 65507$/],
    [udp({ lengthMax: 3 }), /answered 4 bytes by UDP; wanted 0 to 3$/],
  ];
  for (const [kind, wanted] of cases) {
    const { healthy, detail } = await verdictOn(kind, port);
    assert.equal(healthy, wanted === true, detail);
    if (wanted !== true) assert.match(detail, wanted);
  }
  assert.deepEqual(new Set(seen), new Set(["00ff"]));
});

test("a reply that does not come is missed", async (t) => {
  assert.match((await verdictOn(udp({}), await udpServer(t, () => []), { milliseconds: SHORT })).detail, /: no answer in time$/);
});

test("it may go out with a mark and by an interface", needsRoot, async (t) => {
  const port = await udpServer(t, () => [Buffer.of(1)]);
  assert.equal((await verdictOn(udp({}), port, { mark: 7, sourceInterface: "lo", sourceAddress: "127.0.0.5" })).healthy, true);
});
