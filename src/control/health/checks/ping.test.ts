import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOn } from "./_probing.js";

const PING = { type: "ping" } as const;
const needsRoot = { skip: process.getuid?.() === 0 ? false : "raw sockets are for root" };

test("a host that answers is healthy", needsRoot, async () => {
  assert.deepEqual(await verdictOn(PING, 0), { healthy: true, detail: "127.0.0.1 answered a ping" });
  assert.equal((await verdictOn(PING, 0, { sourceAddress: "127.0.0.5", mark: 7, sourceInterface: "lo" })).healthy, true);
});

test("one of many pings at once hears its own answer", needsRoot, async () => {
  const verdicts = await Promise.all(Array.from({ length: 50 }, (_, i) => verdictOn(PING, 0, { address: `127.0.0.${i + 1}` })));
  assert.deepEqual(verdicts.map(({ detail }) => detail), Array.from({ length: 50 }, (_, i) => `127.0.0.${i + 1} answered a ping`));
});

test("a source address that is not this machine's is said", needsRoot, async () => {
  assert.match((await verdictOn(PING, 0, { sourceAddress: "192.0.2.1" })).detail, /^cannot ping 127\.0\.0\.1: Cannot make a socket for ICMP with the source address that is given/);
});
