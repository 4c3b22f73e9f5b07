import assert from "node:assert/strict";
import { test } from "node:test";
import { Be16, i32, u32, u64, u8 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { BTF_VOID, BtfBuilder, btfForMap, btfString } from "./btf.js";
import { MapType, type MapSpec } from "./spec.js";

/** The types' words, after a check of the header. */
function typesOf(btf: Uint8Array): { readonly words: number[]; readonly name: (offset: number) => string } {
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  const [headerLength, typeOffset, typeLength, stringOffset, stringLength] = [4, 8, 12, 16, 20].map((at) => view.getUint32(at, true)) as
    [number, number, number, number, number];
  assert.equal(view.getUint16(0, true), 0xeb9f);
  assert.equal(view.getUint8(2), 1);
  assert.deepEqual([headerLength, typeOffset, stringOffset], [24, 0, typeLength]);
  assert.equal(btf.length, headerLength + typeLength + stringLength);
  assert.equal(btf[headerLength + stringOffset], 0, "the first string is empty");
  assert.equal(btf.at(-1), 0, "the last string ends");
  const words = Array.from({ length: typeLength / 4 }, (_, i) => view.getUint32(headerLength + i * 4, true));
  return { words, name: (offset) => btfString(btf, offset) };
}

test("an integer is its name, kind 1, its size, and encoding with bits", () => {
  const btf = new BtfBuilder();
  assert.equal(btf.type(i32), 1);
  const { words, name } = typesOf(btf.encode());
  assert.equal(name(words[0]!), "i32");
  assert.deepEqual(words.slice(1), [1 << 24, 4, (1 << 24) | 32]);
});

test("a struct lists its members with offsets in bits", () => {
  const btf = new BtfBuilder();
  const id = btf.type(struct("Pair", { port: Be16, address: u32 }));
  assert.equal(id, 3);
  const { words, name } = typesOf(btf.encode());
  const pair = words.slice(8);
  assert.equal(name(pair[0]!), "Pair");
  assert.deepEqual(pair.slice(1, 3), [(4 << 24) | 2, 8]);
  assert.deepEqual([name(pair[3]!), pair[4], pair[5]], ["port", 1, 0]);
  assert.deepEqual([name(pair[6]!), pair[7], pair[8]], ["address", 2, 32]);
});

test("an array is its element, its index's type and its length; nested structs come first", () => {
  const btf = new BtfBuilder();
  const Mac = struct("Mac", { bytes: array(u8, 6) });
  const id = btf.type(struct("Hop", { source: Mac, destination: Mac }));
  const { words } = typesOf(btf.encode());
  // u8, u32 (the index), array, Mac, Hop: the second Mac is the first.
  assert.equal(id, 5);
  assert.deepEqual(words.slice(8, 14), [0, 3 << 24, 0, 1, 2, 6]);
});

test("what is there already is not added again", () => {
  const btf = new BtfBuilder();
  assert.equal(btf.type(u64), btf.type(u64));
  assert.equal(btf.pointer(BTF_VOID), btf.pointer(BTF_VOID));
  assert.equal(btf.string("text"), btf.string("text"));
  assert.notEqual(btf.type(u64), btf.type(u32));
});

test("functions carry their prototype and linkage", () => {
  const btf = new BtfBuilder();
  const context = btf.pointer(btf.forward("xdp_md"));
  const prototype = btf.functionPrototype(btf.type(i32), [{ name: "packet", type: context }]);
  btf.function("entry", prototype, "global");
  btf.function("tick", prototype, "static");
  const { words, name } = typesOf(btf.encode());
  const [entry, tick] = [words.slice(-6, -3), words.slice(-3)];
  assert.deepEqual([name(entry[0]!), entry[1], entry[2]], ["entry", (12 << 24) | 1, prototype]);
  assert.deepEqual([name(tick[0]!), tick[1], tick[2]], ["tick", 12 << 24, prototype]);
});

test("a name that C would not take is refused", () => {
  assert.throws(() => new BtfBuilder().forward("a b"), /Cannot describe "a b" in BTF/);
});

const mapOf = (fields: Partial<MapSpec>): MapSpec =>
  ({ kind: "map", name: "m", type: MapType.ARRAY, keySize: 4, valueSize: 16, maxEntries: 1, flags: 0, ...fields });

test("a map's BTF has the types of its key and value; an array's key is a u32", () => {
  const Timer = struct("bpf_timer", { opaqueLow: u64, opaqueHigh: u64 });
  const { btf, keyTypeId, valueTypeId } = btfForMap(mapOf({ value: struct("Ticker", { timer: Timer }) }))!;
  const { words, name } = typesOf(btf);
  assert.equal(name(words[0]!), "u32");
  assert.deepEqual([keyTypeId, valueTypeId], [1, 4]);
  assert.ok(words.some((word) => name(word) === "bpf_timer"));
});

test("a table's value is an array of its entries", () => {
  const { btf, valueTypeId } = btfForMap(mapOf({ value: struct("Entry", { count: u64 }), tableEntries: 2 }))!;
  const { words } = typesOf(btf);
  assert.equal(valueTypeId, 4);
  assert.deepEqual(words.slice(-5), [3 << 24, 0, 3, 1, 2]);
});

test("a value of a table of several banks is a bank's share of the entries", () => {
  const { btf } = btfForMap(mapOf({ value: struct("Entry", { count: u64 }), maxEntries: 4, tableEntries: 32 }))!;
  assert.equal(typesOf(btf).words.at(-1), 8);
});

test("a map without described values has no BTF", () => {
  assert.equal(btfForMap(mapOf({ type: MapType.RINGBUF })), undefined);
});
