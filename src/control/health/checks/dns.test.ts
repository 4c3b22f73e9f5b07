import assert from "node:assert/strict";
import { test } from "node:test";
import { SHORT, closedUdpPort, udpServer, verdictOn } from "./_probing.js";

const SOA = { type: "dns", recordType: "SOA", name: "example.org" } as const;

/** The question with the flags of an answer. */
function answer(question: Buffer, code: number): Buffer {
  const copy = Buffer.from(question);
  copy.writeUInt16BE(0x8180 | code, 2);
  return copy;
}

test("a server that answers is healthy; it is asked one question, recursively", async (t) => {
  const questions: string[] = [];
  const port = await udpServer(t, (question) => { questions.push(question.subarray(2).toString("latin1")); return [answer(question, 0)]; });
  assert.deepEqual(await verdictOn(SOA, port), { healthy: true, detail: `127.0.0.1:${port} answered when asked for example.org SOA` });
  assert.equal((await verdictOn({ ...SOA, recordType: "aaaa", name: "." }, port)).healthy, true);
  assert.deepEqual(questions, ["\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x06\0\x01", "\x01\0\0\x01\0\0\0\0\0\0\0\0\x1c\0\x01"]);
});

test("an error is not healthy", async (t) => {
  const port = await udpServer(t, (question) => [answer(question, 2)]);
  assert.match((await verdictOn(SOA, port)).detail, /answered SERVFAIL when asked for example\.org SOA$/);
});

test("what is no answer to the question is waited out", async (t) => {
  const other = (question: Buffer): Buffer => { const copy = answer(question, 3); copy[0]! ^= 1; return copy; };
  const port = await udpServer(t, (question) => [Buffer.of(1, 2, 3), other(question), question, answer(question, 0)]);
  assert.equal((await verdictOn(SOA, port)).healthy, true);
});

test("who refuses or is silent is not healthy", async (t) => {
  assert.match((await verdictOn(SOA, await closedUdpPort())).detail, /^cannot ask 127\.0\.0\.1:\d+ for example\.org SOA: connection refused$/);
  assert.match((await verdictOn(SOA, await udpServer(t, () => []), { milliseconds: SHORT })).detail, /: no answer in time$/);
});

test("a type that nobody knows is said", async () => {
  assert.match((await verdictOn({ ...SOA, recordType: "SAO" }, 53)).detail, /^cannot ask for records of type SAO: weir does not know it; known are A, NS/);
});
