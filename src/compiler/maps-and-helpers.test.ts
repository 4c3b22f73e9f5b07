// Maps, helpers and callbacks, which JavaScript cannot run: programs on the user-space machine, with the verdict expected.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "#layout/codec.js";
import { Be32, u16, u32, u64, u8 } from "#layout/numbers.js";
import { array, struct } from "#layout/struct.js";
import { Machine } from "#ebpf/machine.js";
import { Timer } from "#prelude/helpers.js";
import { arrayMap, hashMap, ringBuffer, table } from "#prelude/maps.js";
import { language } from "./both-ways.js";
import { compileText } from "./compile.js";

const Key = struct("Key", { address: Be32, port: u16, protocol: u8 });
const Value = struct("Value", { packets: u64, last: u32, mac: array(u8, 6), cells: array(u32, 4) });
const State = struct("State", { sum: u32, stopAt: u32, squares: array(u32, 4) });
const Clock = struct("Clock", { timer: Timer, ticks: u32 });
const Fib = struct("Fib", { family: u8, protocol: u8, source: u16, lookup: array(u32, 15) });
const maps = {
  values: hashMap("values", Key, Value, 16), byNumber: hashMap("byNumber", u32, Value, 16), list: arrayMap("list", Value, 4),
  rows: table("rows", Value, 4), banks: table("banks", Value, 8, { bankBytes: 2 * Value.size }), events: ringBuffer("events", 4096), clocks: arrayMap("clocks", Clock, 1, { needsBtf: true }),
};
const live = { ...language, ...maps, Key, Value, State, Clock, Fib };

interface Program {
  readonly functions?: string;
  readonly body: string;
  readonly gives: number;
}

const programs: { readonly [sentence: string]: Program } = {
  "a missing key gives null": {
    body: "const v = values.lookup(make(Key, { port: 1 })); if (v === null) return 7; return 8;", gives: 7,
  },
  "what is stored is found, with padding of the key zero": {
    body: `const key = make(Key, { address: be32(0x0a000001), port: 80, protocol: 6 });
      const value = make(Value, { packets: 5n }); value.mac[1] = 9; value.cells[2] = 4;
      if (values.update(key, value, 0n) !== 0n) return 1;
      const other = make(Key, { protocol: 6, port: 80 }); other.address = be32(0x0a000001);
      const found = values.lookup(other); if (found === null) return 2;
      found.packets += 1n;
      return i32(u32(found.packets)) + found.mac[1] + i32(found.cells[2]);`, gives: 19,
  },
  "a key changes between look-ups": {
    body: `const key = make(Key, { port: 80 }); values.update(key, make(Value, { last: 1 }), 0n);
      key.port = 443; values.update(key, make(Value, { last: 2 }), 0n);
      key.port = 80; const first = values.lookup(key); if (first === null) return 0;
      if (packet.length > 10) key.port = 443;
      const second = values.lookup(key); if (second === null) return 0;
      return i32(first.last * 10 + second.last);`, gives: 12,
  },
  "delete": {
    body: `const key = make(Key, { port: 80 }); values.update(key, make(Value), 0n); values.delete(key);
      return values.lookup(key) === null ? 3 : 4;`, gives: 3,
  },
  "keys that are integers": {
    body: `byNumber.update(5, make(Value, { last: 50 }), 0n); byNumber.update(packet.length, make(Value, { last: 60 }), 0n);
      const a = byNumber.lookup(5); const b = byNumber.lookup(60); const c = byNumber.lookup(6);
      if (a === null || b === null || c !== null) return 0; return i32(a.last + b.last);`, gives: 110,
  },
  "an array is looked up by index": {
    body: "const v = list.lookup(3); if (v === null) return 1; v.last = 9; const w = list.lookup(4); return w === null ? i32(v.last) : 0;", gives: 9,
  },
  "a view of one map is the value of another": {
    body: `rows.at(1).last = 77; values.update(make(Key), rows.at(1), 0n); const v = values.lookup(make(Key)); return v === null ? 0 : i32(v.last);`, gives: 77,
  },
  "a lookup in a condition chain": {
    body: `values.update(make(Key, { port: 2 }), make(Value, { last: 6 }), 0n);
      let v = values.lookup(make(Key, { port: 1 })); if (v === null) v = values.lookup(make(Key, { port: 2 }));
      if (v === null) return 0; return i32(v.last);`, gives: 6,
  },
  "an inlined function that looks up": {
    functions: `function find(port: u32): View<typeof Value> | null { const key = make(Key, { port }); const exact = values.lookup(key); if (exact !== null) return exact; key.port = 0; return values.lookup(key); }`,
    body: `values.update(make(Key), make(Value, { last: 4 }), 0n); values.update(make(Key, { port: 9 }), make(Value, { last: 5 }), 0n);
      const a = find(9); const b = find(10); if (a === null || b === null) return 0; return i32(a.last * 10 + b.last);`, gives: 54,
  },
  "bpf_loop changes its state": {
    functions: `function visit(index: u32, state: View<typeof State>): i64 { if (index === state.stopAt) return 1n; state.sum += index; state.squares[index] = index * index; return 0n; }`,
    body: `const state = make(State, { stopAt: 6 }); const rounds = bpf_loop(100, visit, state, 0n);
      return i32(state.sum * 100 + state.squares[2]) + i32(rounds);`, gives: 15 * 100 + 4 + 7,
  },
  "bpf_loop without a state": {
    functions: `function visit(index: u32, _state: object): i64 { rows.at(0).last += 2; return 0n; }`,
    body: "bpf_loop(5, visit, null, 0n); return i32(rows.at(0).last);", gives: 10,
  },
  "a callback reaches every bank of a table": {
    functions: `function visit(index: u32, _state: object): i64 { banks.at(index).last = u32(banks.at(index).last + index); return 0n; }`,
    body: "bpf_loop(16, visit, null, 0n); return i32(banks.at(0).last * 10000 + banks.at(3).last * 100 + banks.at(7).last);", gives: 8 * 10000 + 14 * 100 + 22,
  },
  "a helper writes a part of a struct": {
    body: `const to = make(Value, { last: 5, packets: 1n }); const from = make(Value, { last: 3 });
      const sum = bpf_csum_diff(null, 0, from, 12, 0); return sum === 3n ? i32(to.last) : 0;`, gives: 5,
  },
  "a helper that reads and writes a struct": {
    body: `const fib = make(Fib, { family: 2, source: 77 }); const result = bpf_fib_lookup(packet, fib, sizeOf(Fib), 0);
      return i32(fib.source) + fib.family + i32(result);`, gives: 77 + 2 + 4,
  },
  "records for user space": {
    body: "return i32(events.output(make(Key, { port: 7 }), 0n));", gives: 0,
  },
  "the packet grows, and is looked at anew": {
    body: `if (bpf_xdp_adjust_head(packet, -14) !== 0n) return 1; const v = packet.view(Key, 0); if (v === null) return 2;
      v.port = 5; return packet.length === 74 ? i32(v.port) : 3;`, gives: 5,
  },
  "a timer is armed": {
    functions: `function tick(_map: MapSpec, _key: object, clock: View<typeof Clock>): i64 { clock.ticks += 1; bpf_timer_start(clock.timer, 1000n, 0n); return 0n; }`,
    body: `const clock = clocks.lookup(0); if (clock === null) return 9; if (bpf_timer_init(clock.timer, clocks, 1n) !== 0n) return 8;
      bpf_timer_set_callback(clock.timer, tick); return i32(bpf_timer_start(clock.timer, 1000n, 0n));`, gives: 0,
  },
  "one subprogram is one, however often it is called": {
    functions: `function twice(n: u32): u32 { "use subprogram"; return n * 2; }`,
    body: "return i32(twice(twice(twice(packet.length))));", gives: 480,
  },
};

function compileProgram({ functions = "", body }: Program) {
  const source = `${functions}\nfunction entry(packet: Packet): i32 { ${body} }`;
  return compileText(source, { function: "entry", type: "xdp", live, path: "test.ts" });
}

for (const [sentence, program] of Object.entries(programs)) {
  test(sentence, () => {
    const machine = new Machine();
    const { verdict } = machine.run(machine.load(compileProgram(program)), new Uint8Array(60));
    assert.equal(verdict, program.gives);
  });
}

test("a size that varies stays between one byte and all of the memory", () => {
  const source = `function entry(packet: Packet): i32 {
    const row = rows.at(0); row.cells[0] = 0; row.cells[1] = 0; row.cells[2] = 0; row.cells[3] = 0;
    return i32(bpf_skb_load_bytes(packet, 0, row.cells, packet.mark)); }`;
  const machine = new Machine();
  const program = machine.load(compileText(source, { function: "entry", type: "tc", live, path: "test.ts" }));
  const loaded = (bytes: number): number => {
    assert.equal(machine.run(program, new Uint8Array(60).fill(1), { mark: bytes }).verdict, 0);
    const { cells } = decode(Value, machine.map(maps.rows).lookup(new Uint8Array(4))!);
    return new Uint8Array(Uint32Array.from(cells).buffer).reduce((sum, byte) => sum + byte, 0);
  };
  assert.deepEqual([1, 7, 16, 17, 0].map(loaded), [1, 7, 16, 1, 16]);
});

test("a timer's callback arms it again", () => {
  const spec = compileProgram(programs["a timer is armed"]!);
  const machine = new Machine();
  machine.run(machine.load(spec), new Uint8Array(60));
  assert.equal(machine.advance(4500n), 4);
  const clock = machine.map(maps.clocks).lookup(encode(struct("Index", { index: u32 }), { index: 0 }))!;
  assert.equal(new DataView(clock.buffer, clock.byteOffset).getUint32(16, true), 4);
});

test("a subprogram stands in the program once", () => {
  const { functionInfo } = compileProgram(programs["one subprogram is one, however often it is called"]!);
  assert.deepEqual(functionInfo.map(({ name }) => name), ["entry", "twice"]);
});
