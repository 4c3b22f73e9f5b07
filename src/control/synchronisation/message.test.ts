import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromAddress } from "../encode.js";
import type { SyncConnection, SyncSequences } from "./message.js";
import { SyncMessageWriter, readSyncMessage } from "./message.js";

const RECORDED = new Map(readFileSync(new URL("../../../test/recordings/sync-messages.txt", import.meta.url), "utf8").split("\n")
  .filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(": ") as [string, string]).map(([name, hex]) => [name, Buffer.from(hex, "hex")] as const));

const recorded = (name: string): Uint8Array => Uint8Array.from(RECORDED.get(name)!);
const read = (bytes: Uint8Array) => readSyncMessage(bytes, 0)!;
const text = ({ family, protocol, client, virtual, server, state, mark, timeoutSeconds }: SyncConnection) =>
  [protocol, fromAddress(client, family), fromAddress(virtual, family), fromAddress(server, family), state, mark, timeoutSeconds].join(" ");

for (const [name] of RECORDED) {
  test(`what IPVS sent is read, and written again to the byte: ${name}`, () => {
    const { connections, problems } = read(recorded(name));
    assert.deepEqual(problems, []);
    const writer = new SyncMessageWriter(name.endsWith("v0") ? 0 : 1, 7, 1472);
    for (const connection of connections) assert.equal(writer.add(connection), undefined);
    assert.equal(Buffer.from(writer.finish()!).toString("hex"), Buffer.from(recorded(name)).toString("hex"));
  });
}

test("records say which connection, in which state and for how long", () => {
  assert.deepEqual(read(recorded("tcp v1")).connections.map(text), [
    "6 10.0.0.2 10.0.0.100 10.1.0.11 1 0 900", "6 10.0.0.2 10.0.0.100 10.1.0.11 7 0 60", "6 10.0.0.2 10.0.0.100 10.1.0.11 5 0 120",
  ]);
  assert.equal(text(read(recorded("tcp6 persistent v1")).connections[0]!), "6 fd00::2 fd00::100 fd00:1::11 0 0 77");
  assert.equal(text(read(recorded("fwmark v1")).connections[0]!), "0 10.0.0.2 0.0.0.5 10.1.0.11 0 5 55");
  assert.deepEqual(read(recorded("sip v1")).connections.map(({ engine }) => `${engine!.name} ${Buffer.from(engine!.data).toString()}`), new Array(5).fill("sip abc@def.example"));
  assert.deepEqual(read(recorded("tcp v0")).connections.map(({ state, timeoutSeconds }) => [state, timeoutSeconds]), [[1, 0], [7, 0], [5, 0]]);
});

test("a message with another id is for others; 0 takes all", () => {
  assert.equal(readSyncMessage(recorded("tcp v1"), 8), undefined);
  assert.equal(readSyncMessage(recorded("tcp v1"), 7)!.connections.length, 3);
});

/** `at` → byte, and the size in the header as the message has it. */
function changed(name: string, changes: Readonly<Record<number, number>>, append: readonly number[] = []): Uint8Array {
  const bytes = Uint8Array.from([...recorded(name), ...append]);
  for (const [at, value] of Object.entries(changes)) bytes[Number(at)] = value;
  new DataView(bytes.buffer).setUint16(2, bytes.length);
  return bytes;
}

const MALFORMED: readonly { readonly what: string; readonly bytes: Uint8Array; readonly good: number; readonly problem: RegExp }[] = [
  { what: "no header", bytes: new Uint8Array(3), good: 0, problem: /shorter/ },
  { what: "another size", bytes: recorded("tcp v1").subarray(0, 100), good: 0, problem: /has 100 bytes and says 116/ },
  { what: "more records than there are", bytes: changed("tcp v1", { 4: 4 }), good: 3, problem: /record 3: the message ends/ },
  { what: "a record that goes on behind the end", bytes: changed("tcp v1", { [8 + 2 * 36 + 3]: 0xff }), good: 2, problem: /record 2: the message ends/ },
  { what: "a record of another version", bytes: changed("tcp v1", { [8 + 36 + 2]: 0x10 }), good: 1, problem: /record 1: version 1/ },
  { what: "a type that is not known", bytes: changed("tcp v1", { 8: 2 }), good: 0, problem: /record 0: type 2/ },
  { what: "IPv6 in too few bytes", bytes: changed("tcp v1", { 8: 1 }), good: 0, problem: /record 0: 36 bytes are too few/ },
  { what: "an option that must be known", bytes: changed("sip v1", { [8 + 36]: 9 }), good: 4, problem: /option 9 is not known/ },
  { what: "an option without a length", bytes: changed("sip v1", { [8 + 37]: 0 }), good: 0, problem: /the length of option 2, 0/ },
  { what: "an option that ends behind the record", bytes: changed("sip v1", { [8 + 37]: 200 }), good: 0, problem: /the length of option 2, 200/ },
  { what: "an option twice", bytes: changed("sip v1", { [8 + 36 + 17]: 2 }), good: 0, problem: /option 2 stands twice/ },
  { what: "sequence numbers of another length", bytes: changed("sip v1", { [8 + 36]: 1 }), good: 0, problem: /the length of option 1, 15/ },
  { what: "version 0, more records than there are", bytes: changed("tcp v0", { 0: 4 }), good: 3, problem: /record 3: the message ends/ },
];

for (const { what, bytes, good, problem } of MALFORMED) {
  test(`of a message with ${what}, what stands before it is good`, () => {
    const { connections, problems } = read(bytes);
    assert.equal(connections.length, good);
    assert.match(problems.join("; "), problem);
  });
}

test("an option that may be unknown is passed over", () => {
  assert.deepEqual(read(changed("sip v1", { [8 + 36 + 17]: 0x49 })).problems, ["record 0: it has data of a persistence engine without a name"]);
});

const SEQUENCES: SyncSequences = { in: { initial: 1, delta: 2, previousDelta: 3 }, out: { initial: 0x89ab_cdef, delta: 0xffff_fffe, previousDelta: 6 } };
const WORDS = [1, 2, 3, 0x89ab_cdef, 0xffff_fffe, 6];

/** Of the first record alone, with IP_VS_CONN_F_OUT_SEQ in that byte of its flags. */
function withSequences(name: string, end: number, flagsAt: number, changes: Readonly<Record<number, number>>, append: readonly number[]): Uint8Array {
  const first = recorded(name).subarray(0, end);
  const bytes = Uint8Array.from([...first, ...append]);
  for (const [at, value] of Object.entries({ ...changes, [flagsAt]: first[flagsAt]! | 0x02 })) bytes[Number(at)] = value;
  new DataView(bytes.buffer).setUint16(2, bytes.length);
  return bytes;
}

function written(version: 0 | 1, bytes: Uint8Array): string {
  const writer = new SyncMessageWriter(version, 7, 1472);
  for (const connection of read(bytes).connections) writer.add(connection);
  return Buffer.from(writer.finish()!).toString("hex");
}

test("sequence numbers stand in version 1 as an option, in network byte order", () => {
  const words = new DataView(new ArrayBuffer(24));
  WORDS.forEach((word, i) => words.setUint32(4 * i, word));
  const bytes = withSequences("tcp v1", 8 + 36, 8 + 6, { 4: 1, [8 + 3]: 36 + 2 + 24 }, [1, 24, ...new Uint8Array(words.buffer)]);
  const [plain] = read(recorded("tcp v1")).connections;
  assert.deepEqual(read(bytes), { connections: [{ ...plain!, flags: plain!.flags | 0x0200, sequences: SEQUENCES }], problems: [] });
  assert.equal(written(1, bytes), Buffer.from(bytes).toString("hex"));
});

test("sequence numbers stand in version 0 behind their record, in this machine's byte order, and a record without them follows", () => {
  const bytes = withSequences("tcp v0", 4 + 24, 4 + 20, { 0: 2 }, [...new Uint8Array(Uint32Array.from(WORDS).buffer), ...recorded("tcp v0").subarray(4 + 24, 4 + 48)]);
  const { connections, problems } = read(bytes);
  assert.deepEqual([connections.map(({ sequences }) => sequences), problems], [[SEQUENCES, undefined], []]);
  assert.deepEqual(connections[1], read(recorded("tcp v0")).connections[1]);
  assert.equal(written(0, bytes), Buffer.from(bytes).toString("hex"));
  const cut = bytes.slice(0, 4 + 24 + 20);
  new DataView(cut.buffer).setUint16(2, cut.length);
  assert.match(read(cut).problems.join("; "), /record 0: the message ends/);
});

test("a message has room for sequence numbers, or is sent before them", () => {
  const bytes = withSequences("tcp v1", 8 + 36, 8 + 6, { 4: 1, [8 + 3]: 36 + 2 + 24 }, [1, 24, ...new Uint8Array(24)]);
  const [connection] = read(bytes).connections;
  for (const [version, size] of [[1, 8 + 64 + 62], [0, 4 + 48 + 48]] as const) {
    const writer = new SyncMessageWriter(version, 7, size);
    const messages = [1, 2, 3].map(() => writer.add(connection!)).concat(writer.finish()).filter((message) => message !== undefined);
    assert.deepEqual(messages.map((message) => read(message).connections.length), [2, 1], `version ${version}`);
  }
});

test("a message is no longer than it may be, and version 0 leaves IPv6 out", () => {
  const [connection] = read(recorded("tcp v1")).connections;
  const writer = new SyncMessageWriter(1, 7, 8 + 2 * 36);
  const messages = Array.from({ length: 5 }, () => writer.add(connection!)).concat(writer.finish()).filter((message) => message !== undefined);
  assert.deepEqual(messages.map((message) => read(message).connections.length), [2, 2, 1]);
  const old = new SyncMessageWriter(0, 7, 1472);
  for (const one of read(recorded("tcp6 persistent v1")).connections) assert.equal(old.add(one), undefined);
  assert.equal(old.finish(), undefined);
});
