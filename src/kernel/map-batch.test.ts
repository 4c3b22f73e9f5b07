import assert from "node:assert/strict";
import { test } from "node:test";
import { u32, u64 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { hashMap, lpmTrie, perCpuHashMap } from "#prelude/maps.js";
import { MapType, type MapSpec } from "#ebpf/spec.js";
import { bpfLacks } from "./_privileges.js";
import { BpfMap } from "./map.js";
import { batches, deleteBatch, entries, updateBatch } from "./map-batch.js";

const Value = struct("Value", { number: u64 });
const Prefix = struct("Prefix", { bits: u32, address: array(u32, 1) });

const numbered = (count: number) => ({
  keys: new Uint8Array(Uint32Array.from({ length: count }, (_, i) => i).buffer),
  values: new Uint8Array(BigUint64Array.from({ length: count }, (_, i) => BigInt(i) * 3n).buffer),
});
const u32At = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);

test("ten thousand entries are written, read and deleted in batches", { skip: bpfLacks }, () => {
  const map = BpfMap.create(hashMap("many", u32, Value, 10_000));
  const { keys, values } = numbered(10_000);
  updateBatch(map, keys, values);
  const read = [...entries(map)].map(([key, value]) => [u32At(key), new DataView(value.buffer, value.byteOffset).getBigUint64(0, true)] as const);
  assert.equal(new Map(read).size, 10_000);
  assert.ok(read.every(([key, value]) => value === BigInt(key) * 3n));
  assert.equal(deleteBatch(map, keys.subarray(0, 4 * 9_000)), 9_000);
  assert.equal([...entries(map)].length, 1_000);
  map.close();
});

test("a batch smaller than a bucket of the hash grows", { skip: bpfLacks }, () => {
  const map = BpfMap.create(hashMap("buckets", u32, Value, 512));
  const { keys, values } = numbered(512);
  updateBatch(map, keys, values);
  let count = 0;
  for (const batch of batches(map, 1)) count += batch.count;
  assert.equal(count, 512);
  map.close();
});

test("keys without an entry do not stop a deletion", { skip: bpfLacks }, () => {
  const map = BpfMap.create(hashMap("gaps", u32, Value, 16));
  const { keys, values } = numbered(8);
  updateBatch(map, keys, values);
  const wanted = new Uint8Array(Uint32Array.of(100, 1, 101, 102, 3, 7, 103).buffer);
  assert.equal(deleteBatch(map, wanted), 3);
  assert.deepEqual([...map.keys()].map(u32At).sort(), [0, 2, 4, 5, 6]);
  map.close();
});

test("an empty map has no entries", { skip: bpfLacks }, () => {
  const map = BpfMap.create(hashMap("empty", u32, Value, 16));
  assert.deepEqual([...entries(map)], []);
  map.close();
});

test("prefixes and per-CPU values come in batches too", { skip: bpfLacks }, () => {
  const prefixes = BpfMap.create(lpmTrie("prefixes", Prefix, Value, 16));
  const perCpu = BpfMap.create(perCpuHashMap("per_cpu", u32, Value, 16));
  for (let i = 0; i < 10; i++) {
    prefixes.update(new Uint8Array(Uint32Array.of(32, i).buffer), new Uint8Array(8));
    perCpu.update(new Uint8Array(Uint32Array.of(i).buffer), new Uint8Array(perCpu.valueBytes).fill(i));
  }
  assert.equal([...entries(prefixes)].length, 10);
  for (const [key, value] of entries(perCpu)) assert.deepEqual(value, new Uint8Array(perCpu.valueBytes).fill(u32At(key)));
  prefixes.close();
  perCpu.close();
});

test("a map whose type knows no batches is read one by one", { skip: bpfLacks }, () => {
  const spec: MapSpec = { kind: "map", name: "devices", type: MapType.DEVMAP, keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 };
  const map = BpfMap.create(spec);
  const loopback = new Uint8Array(Uint32Array.of(1).buffer);
  updateBatch(map, new Uint8Array(Uint32Array.of(2).buffer), loopback);
  assert.deepEqual([...entries(map)].map(([key, value]) => [u32At(key), u32At(value)]), [[2, 1]]);
  map.close();
});
