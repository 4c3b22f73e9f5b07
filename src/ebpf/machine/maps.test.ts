import assert from "node:assert/strict";
import { test } from "node:test";
import { MapType, type MapSpec } from "../spec.js";
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST } from "./emulated-map.js";
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOSPC } from "./errors.js";
import { createMap } from "./maps.js";
import { RingBufferMap } from "./ring-buffer.js";

const spec = (type: MapType, fields: Partial<MapSpec> = {}): MapSpec =>
  ({ kind: "map", name: "m", type, keySize: 4, valueSize: 4, maxEntries: 2, flags: 0, ...fields });
const bytes = (...values: number[]): Uint8Array => Uint8Array.of(...values);
const key = (n: number): Uint8Array => bytes(n, 0, 0, 0);
const value = (n: number): Uint8Array => bytes(n, 0, 0, 0);

test("a hash map keeps entries by the bytes of their keys", () => {
  const map = createMap(spec(MapType.HASH), 1);
  assert.equal(map.update(key(1), value(10)), 0);
  assert.equal(map.update(key(2), value(20)), 0);
  assert.deepEqual(map.lookup(key(1)), value(10));
  assert.equal(map.lookup(key(3)), undefined);
  assert.deepEqual([...map.entries()], [[key(1), value(10)], [key(2), value(20)]]);
});

test("a full hash map refuses new keys with -E2BIG, not old ones", () => {
  const map = createMap(spec(MapType.HASH), 1);
  map.update(key(1), value(1));
  map.update(key(2), value(2));
  assert.equal(map.update(key(3), value(3)), -E2BIG);
  assert.equal(map.update(key(2), value(4)), 0);
  assert.equal(map.delete(key(1)), 0);
  assert.equal(map.update(key(3), value(3)), 0);
});

test("the flags of an update hold as in the kernel", () => {
  const map = createMap(spec(MapType.HASH), 1);
  assert.equal(map.update(key(1), value(1), BPF_EXIST), -ENOENT);
  assert.equal(map.update(key(1), value(1), BPF_NOEXIST), 0);
  assert.equal(map.update(key(1), value(1), BPF_NOEXIST), -EEXIST);
  assert.equal(map.update(key(1), value(2), BPF_EXIST), 0);
  assert.equal(map.update(key(1), value(2), 3), -EINVAL);
  assert.equal(map.delete(key(9)), -ENOENT);
});

test("a full LRU map forgets the entry that was used longest ago", () => {
  const map = createMap(spec(MapType.LRU_HASH), 1);
  map.update(key(1), value(1));
  map.update(key(2), value(2));
  map.find(key(1), 0);
  assert.equal(map.update(key(3), value(3)), 0);
  assert.deepEqual([...map.entries()].map(([k]) => k[0]), [1, 3]);
});

test("an array has all its values from the start and refuses what it cannot hold", () => {
  const map = createMap(spec(MapType.ARRAY), 1);
  assert.deepEqual(map.lookup(key(1)), value(0));
  assert.equal(map.lookup(key(2)), undefined);
  assert.equal(map.update(key(1), value(7)), 0);
  assert.equal(map.update(key(2), value(7)), -E2BIG);
  assert.equal(map.update(key(1), value(7), BPF_NOEXIST), -EEXIST);
  assert.equal(map.delete(key(1)), -EINVAL);
  assert.deepEqual([...map.entries()], [[key(0), value(0)], [key(1), value(7)]]);
});

test("an array's bytes can be read and written in place", () => {
  const map = createMap(spec(MapType.ARRAY, { valueSize: 8 }), 1);
  map.update(key(1), bytes(1, 2, 3, 4, 5, 6, 7, 8));
  assert.deepEqual([...map.bytes.subarray(8)], [1, 2, 3, 4, 5, 6, 7, 8]);
  map.bytes[8] = 9;
  assert.equal(map.lookup(key(1))![0], 9);
  assert.throws(() => createMap(spec(MapType.HASH), 1).bytes, /Cannot read map m in place: it is no array/);
});

for (const type of [MapType.PERCPU_HASH, MapType.PERCPU_ARRAY]) {
  test(`a per-CPU map (type ${type}) shows a program its CPU's value, the host all of them, eight bytes apart`, () => {
    const map = createMap(spec(type), 2);
    assert.equal(map.put(key(1), value(5), BPF_ANY, 1), 0);
    assert.deepEqual(map.lookup(key(1)), bytes(0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0));
    assert.equal(map.find(key(1), 1)!.view.getUint8(map.find(key(1), 1)!.base), 5);
    assert.equal(map.update(key(1), bytes(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0)), 0);
    assert.equal(map.find(key(1), 0)!.view.getUint8(map.find(key(1), 0)!.base), 1);
  });
}

test("a trie finds the longest prefix that matches, and none longer than the key's own", () => {
  const map = createMap(spec(MapType.LPM_TRIE, { keySize: 8, maxEntries: 3 }), 1);
  const prefix = (length: number, ...address: number[]) => bytes(length, 0, 0, 0, ...address);
  assert.equal(map.update(prefix(8, 10, 0, 0, 0), value(8)), 0);
  assert.equal(map.update(prefix(23, 10, 1, 2, 77), value(23)), 0, "bits beyond the length do not count");
  assert.deepEqual(map.lookup(prefix(32, 10, 1, 3, 9)), value(23));
  assert.deepEqual(map.lookup(prefix(32, 10, 1, 4, 9)), value(8));
  assert.deepEqual(map.lookup(prefix(16, 10, 1, 2, 0)), value(8));
  assert.equal(map.lookup(prefix(32, 11, 0, 0, 0)), undefined);
  assert.equal(map.update(prefix(0, 0, 0, 0, 0), value(1)), 0);
  assert.deepEqual(map.lookup(prefix(32, 11, 0, 0, 0)), value(1));
  assert.equal(map.update(prefix(9, 12, 0, 0, 0), value(1)), -ENOSPC);
  assert.equal(map.update(prefix(33, 12, 0, 0, 0), value(1)), -EINVAL);
  assert.equal(map.delete(prefix(8, 10, 9, 9, 9)), 0);
  assert.equal(map.delete(prefix(8, 10, 9, 9, 9)), -ENOENT);
  assert.equal([...map.entries()].length, 2);
});

test("a ring buffer is full one byte before its size, and drained in order", () => {
  const ring = createMap(spec(MapType.RINGBUF, { keySize: 0, valueSize: 0, maxEntries: 64 }), 1) as RingBufferMap;
  const first = ring.reserve(8)!;
  const second = ring.reserve(16)!;
  assert.equal(ring.reserve(17), undefined, "16 + 24 + 32 bytes are more than 63");
  assert.ok(ring.commit(second, "submitted"));
  assert.deepEqual(ring.drain(), [], "what comes after a reserved record waits");
  first.view.setUint8(0, 7);
  assert.ok(ring.commit(first, "submitted"));
  assert.ok(ring.commit(ring.reserve(8)!, "discarded"));
  assert.deepEqual(ring.drain().map((record) => record[0]), [7, 0]);
  assert.ok(ring.reserve(40), "what was drained or discarded makes room");
});

test("keys and values of another size are refused, types that are not emulated too", () => {
  const map = createMap(spec(MapType.HASH), 1);
  assert.throws(() => map.lookup(bytes(1)), /Cannot use a key of 1 bytes with map m: its keys have 4/);
  assert.throws(() => map.update(key(1), bytes(1)), /Cannot use a value of 1 bytes/);
  assert.throws(() => createMap(spec(MapType.DEVMAP), 1), /no maps of type DEVMAP/);
});
