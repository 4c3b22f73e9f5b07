import assert from "node:assert/strict";
import { test } from "node:test";
import { MapFlag, MapType, type MapSpec } from "#ebpf/spec.js";
import { u32, u64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { Timer } from "#prelude/helpers.js";
import { arrayMap, hashMap, perCpuArrayMap, table } from "#prelude/maps.js";
import { bpfLacks } from "./_privileges.js";
import { KernelError } from "./errors.js";
import { BPF_EXIST, BPF_NOEXIST, BpfMap, countCpus, possibleCpus } from "./map.js";

const Entry = struct("Entry", { packets: u64, bytes: u64 });
const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const entry = (packets: bigint, bytes = 0n) => new Uint8Array(BigUint64Array.of(packets, bytes).buffer);

function withMap(spec: MapSpec, use: (map: BpfMap) => void): void {
  const map = BpfMap.create(spec);
  try {
    use(map);
  } finally {
    map.close();
  }
}

const kernelCode = (code: string, message = /./) => (error: unknown) =>
  error instanceof KernelError && error.code === code && message.test(error.message);

test("a hash map gives back what was put in, walks its keys, and forgets what was deleted", { skip: bpfLacks }, () => {
  withMap(hashMap("hash", u32, Entry, 16), (map) => {
    map.update(word(7), entry(1n, 2n));
    map.update(word(8), entry(3n, 4n), BPF_NOEXIST);
    assert.deepEqual(map.lookup(word(7)), entry(1n, 2n));
    assert.deepEqual([...map.keys()].map((key) => new Uint32Array(key.buffer)[0]).sort(), [7, 8]);
    assert.equal(map.delete(word(7)), true);
    assert.equal(map.delete(word(7)), false);
    assert.equal(map.lookup(word(7)), undefined);
  });
});

test("update() says what stands against it", { skip: bpfLacks }, () => {
  withMap(hashMap("small", u32, Entry, 1), (map) => {
    assert.throws(() => map.update(word(1), entry(1n), BPF_EXIST), kernelCode("NOT_FOUND"));
    map.update(word(1), entry(1n));
    assert.throws(() => map.update(word(1), entry(1n), BPF_NOEXIST), kernelCode("EXISTS"));
    assert.throws(() => map.update(word(2), entry(1n)), kernelCode("TOO_BIG", /Cannot update map "small": the map is full.* \(E2BIG\)/));
    assert.throws(() => map.update(word(2), word(1)), /a value of 4 bytes; 16 are wanted/);
  });
});

test("a per-CPU map gives one value for each possible CPU", { skip: bpfLacks }, () => {
  withMap(perCpuArrayMap("per_cpu", Entry, 2), (map) => {
    const all = new Uint8Array(map.valueBytes);
    for (let cpu = 0; cpu < possibleCpus(); cpu++) all.set(entry(BigInt(cpu + 1)), cpu * 16);
    map.update(word(1), all);
    assert.deepEqual(map.lookupPerCpu(word(1))?.map((bytes) => new BigUint64Array(bytes.slice().buffer)[0]),
      Array.from({ length: possibleCpus() }, (_, cpu) => BigInt(cpu + 1)));
  });
});

test("lists of CPUs are counted", () => {
  assert.deepEqual(["0", "0-3", "0-3,8\n", "0,2,4-5"].map(countCpus), [1, 4, 5, 4]);
});

test("a table's memory is the kernel's, both ways, and reads as zeros after close()", { skip: bpfLacks }, () => {
  withMap(table("table", Entry, 1024), (map) => {
    const memory = map.memory();
    memory.view.setBigUint64(16 * 5, 77n, true);
    assert.equal(new DataView(map.lookup(word(0))!.buffer).getBigUint64(16 * 5, true), 77n);
    map.update(word(0), new Uint8Array(1024 * 16).fill(3));
    assert.equal(memory.bytes[16 * 1024 - 1], 3);
    memory.close();
    assert.equal(memory.bytes[16 * 5], 0);
    memory.bytes[0] = 1;
    assert.equal(map.lookup(word(0))![0], 3);
  });
});

test("a table may have values of 512 MiB, the most that a program can address in each", { skip: bpfLacks }, () => {
  withMap(table("large", Entry, 2 ** 26), (map) => {
    const memory = map.memory();
    assert.deepEqual([map.info().valueSize, map.info().maxEntries, memory.bytes.length], [2 ** 29, 2, 2 ** 30]);
    memory.bytes[2 ** 30 - 1] = 9;
    assert.equal(memory.bytes[2 ** 30 - 1], 9);
    memory.close();
  });
});

test("the banks of a table lie one behind the other in its memory", { skip: bpfLacks }, () => {
  withMap(table("banked", Entry, 16, { bankBytes: 4 * Entry.size }), (map) => {
    const memory = map.memory();
    for (let at = 0; at < 16 * Entry.size; at++) memory.bytes[at] = at;
    assert.deepEqual([...map.lookup(word(2))!], Array.from({ length: 64 }, (_, i) => 128 + i));
    memory.close();
  });
});

test("a frozen map is only read", { skip: bpfLacks }, () => {
  withMap(arrayMap("frozen", Entry, 1), (map) => {
    map.freeze();
    assert.throws(() => map.update(word(0), entry(1n)), kernelCode("PERMISSION"));
    assert.deepEqual(map.lookup(word(0)), entry(0n));
  });
  withMap(table("mapped", Entry, 1), (map) => {
    const memory = map.memory();
    assert.throws(() => map.freeze(), kernelCode("BUSY", /close\(\) that memory/));
    memory.close();
    map.freeze();
    const readable = map.memory({ writable: false });
    assert.equal(readable.bytes[0], 0);
    readable.close();
  });
});

test("an array of maps holds maps of one shape", { skip: bpfLacks }, () => {
  const inner = arrayMap("inner", Entry, 4);
  withMap(inner, (first) => {
    const outer = BpfMap.create({ kind: "map", name: "outer", type: MapType.ARRAY_OF_MAPS, keySize: 4, valueSize: 4, maxEntries: 2, flags: 0 }, { inner: first });
    outer.putObject(1, first);
    assert.deepEqual(outer.lookup(word(1)), word(first.info().id));
    outer.close();
  });
});

test("a map with a timer in its value is made with BTF", { skip: bpfLacks }, () => {
  const Tick = struct("Tick", { timer: Timer, count: u64 });
  withMap(arrayMap("timers", Tick, 1, { needsBtf: true }), (map) => {
    assert.notEqual(map.info().btfId, 0);
  });
});

test("a map that the kernel refuses is named with its size", { skip: bpfLacks }, () => {
  const spec: MapSpec = { kind: "map", name: "impossible", type: MapType.ARRAY, keySize: 4, valueSize: 2 ** 31, maxEntries: 1, flags: MapFlag.MMAPABLE };
  assert.throws(() => BpfMap.create(spec), kernelCode("TOO_BIG", /^Cannot create map "impossible": 1 entries of 2147483648 bytes are over this kernel's limit/));
});
