import assert from "node:assert/strict";
import { test } from "node:test";
import { LOCAL, closedTcpPort, tcpServer, verdictOn } from "./_probing.js";

const TCP = { type: "tcp" } as const;
const needsRoot = { skip: process.getuid?.() === 0 ? false : "marks and interfaces are for root" };

test("a server that accepts is healthy", async (t) => {
  const port = await tcpServer(t, () => undefined);
  assert.deepEqual(await verdictOn(TCP, port), { healthy: true, detail: `127.0.0.1:${port} accepted a connection` });
});

test("a server that refuses is not", async () => {
  const port = await closedTcpPort();
  assert.deepEqual(await verdictOn(TCP, port), { healthy: false, detail: `cannot connect to 127.0.0.1:${port}: connection refused` });
});

test("it may go to another port and address, and come from one", async (t) => {
  const seen: (string | undefined)[] = [];
  const port = await tcpServer(t, ({ remoteAddress, remotePort }) => void seen.push(remoteAddress, String(remotePort)));
  const sourcePort = await closedTcpPort();
  const { healthy } = await verdictOn(TCP, 1, { address: LOCAL, port, sourceAddress: "127.0.0.5", sourcePort });
  assert.deepEqual([healthy, seen], [true, ["127.0.0.5", String(sourcePort)]]);
  assert.equal((await verdictOn(TCP, 1, { port, sourceAddress: "127.0.0.5", sourcePort })).healthy, true, "the same ends once more");
});

test("a source address that is not this machine's is said", async (t) => {
  const port = await tcpServer(t, () => undefined);
  assert.match((await verdictOn(TCP, port, { sourceAddress: "192.0.2.1" })).detail, /^cannot connect to 127\.0\.0\.1:\d+: the source address is not one of this machine's$/);
});

test("it may go out with a mark and by an interface", needsRoot, async (t) => {
  const seen: (string | undefined)[] = [];
  const port = await tcpServer(t, ({ remoteAddress }) => void seen.push(remoteAddress));
  assert.equal((await verdictOn(TCP, port, { mark: 7, sourceInterface: "lo", sourceAddress: "127.0.0.5" })).healthy, true);
  assert.deepEqual(seen, ["127.0.0.5"]);
  assert.match((await verdictOn(TCP, port, { sourceInterface: "weir-none" })).detail, /of interface "weir-none": there is no such interface/);
  assert.match((await verdictOn(TCP, await closedTcpPort(), { mark: 7 })).detail, /: connection refused$/);
});
