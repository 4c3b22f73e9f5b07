import assert from "node:assert/strict";
import { test } from "node:test";
import { u64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import * as a from "./assemble.js";
import { r0, r1, r2, r3, r4, r6, r7, r8, r10 } from "./assemble.js";
import { BtfBuilder } from "./btf.js";
import { helperId } from "./helper-names.js";
import type { MachineOptions } from "./machine.js";
import { Machine, MachineError } from "./machine.js";
import * as op from "./opcode.js";
import { MapType, type MapSpec, type ProgramType } from "./spec.js";

const call = (name: string): a.Statement => a.callHelper(helperId(name));
const frame = Uint8Array.from({ length: 64 }, (_, i) => i);

function run(statements: readonly a.Statement[], type: ProgramType = "xdp", options: Partial<MachineOptions> = {}) {
  const machine = new Machine(options);
  return machine.run(machine.load(a.assembleProgram({ name: "test", type }, statements)), frame);
}
/** The verdict of a program that leaves its result in R0. */
const result = (...statements: a.Statement[]): number => run([...statements, a.exit()]).verdict;
const fails = (expected: RegExp, ...statements: a.Statement[]): void => {
  assert.throws(() => run([...statements, a.mov64(r0, 0), a.exit()]), (error) => error instanceof MachineError && expected.test(error.message));
};

const hash: MapSpec = { kind: "map", name: "hash", type: MapType.HASH, keySize: 4, valueSize: 16, maxEntries: 8, flags: 0 };
const table: MapSpec = { kind: "map", name: "table", type: MapType.ARRAY, keySize: 4, valueSize: 64, maxEntries: 1, flags: 0, tableEntries: 4 };
const programs: MapSpec = { kind: "map", name: "programs", type: MapType.PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 4, flags: 0 };
const ring: MapSpec = { kind: "map", name: "ring", type: MapType.RINGBUF, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 };

test("immediates are sign-extended to 64 bits, and 32-bit results have a zero upper half", () => {
  assert.equal(result(a.mov64(r1, -1), a.rsh64(r1, 32), a.mov64(r0, r1)), -1);
  assert.equal(result(a.mov32(r1, -1), a.rsh64(r1, 32), a.mov64(r0, r1)), 0);
  assert.equal(result(a.mov64(r1, -1), a.add32(r1, 0), a.rsh64(r1, 32), a.mov64(r0, r1)), 0);
});

test("a 64-bit immediate load fills both halves", () => {
  assert.equal(result(a.loadImmediate64(r0, 0x1122_3344_5566_7788n), a.rsh64(r0, 32)), 0x1122_3344);
  assert.equal(result(a.loadImmediate64(r0, -2n), a.arsh64(r0, 32)), -1);
});

test("loads zero-extend, stores cut to width", () => {
  const store = (write: a.Statement, read: a.Statement) => result(a.store64(r10, -8, -1), a.mov64(r1, 0x1234), write, read);
  assert.equal(store(a.store8(r10, -8, r1), a.load64(r0, r10, -8)), 0xffff_ff34 | 0);
  assert.equal(store(a.store16(r10, -6, 7), a.load32(r0, r10, -8)), 0x0007_ffff);
  assert.equal(store(a.store32(r10, -8, 5), a.load64(r0, r10, -8)), 5);
  assert.equal(store(a.store32(r10, -4, 5), a.load16(r0, r10, -8)), 0xffff);
  assert.equal(store(a.store64(r10, -8, -2), a.load8(r0, r10, -1)), 0xff);
});

test("branches are taken or not, 64 and 32 bits wide", () => {
  const branch = (statement: a.Statement) => result(a.loadImmediate64(r1, 0x1_0000_0005n), statement, a.mov64(r0, 0), a.exit(), a.label("yes"), a.mov64(r0, 1));
  assert.equal(branch(a.jeq(r1, 5, "yes")), 0);
  assert.equal(branch(a.jeq32(r1, 5, "yes")), 1);
  assert.equal(branch(a.jsgt(r1, -1, "yes")), 1);
  assert.equal(branch(a.jgt(r1, -1, "yes")), 0);
});

test("a loop runs until its condition fails, and instructions are counted", () => {
  const { verdict, instructions } = run([a.mov64(r0, 0), a.label("again"), a.add64(r0, 3), a.jlt(r0, 30, "again"), a.exit()]);
  assert.equal(verdict, 30);
  assert.equal(instructions, 1 + 10 * 2 + 1);
});

test("atomics change memory, and the fetching ones give what was there", () => {
  const atomic = (operation: number, read: a.Statement[]) => result(
    a.store64(r10, -8, 6), a.mov64(r0, 6), a.mov64(r1, 3), a.atomic64(operation, r10, -8, r1), ...read);
  const memory = [a.load64(r0, r10, -8)];
  const fetched = [a.mov64(r0, r1)];
  assert.equal(atomic(op.BPF_ADD, memory), 9);
  assert.equal(atomic(op.BPF_OR, memory), 7);
  assert.equal(atomic(op.BPF_AND, memory), 2);
  assert.equal(atomic(op.BPF_XOR, memory), 5);
  assert.equal(atomic(op.BPF_ADD | op.BPF_FETCH, fetched), 6);
  assert.equal(atomic(op.BPF_XCHG, memory), 3);
  assert.equal(atomic(op.BPF_XCHG, fetched), 6);
  assert.equal(atomic(op.BPF_CMPXCHG, memory), 3);
  assert.equal(result(a.store32(r10, -8, 6), a.mov64(r0, 5), a.mov64(r1, 3), a.atomic32(op.BPF_CMPXCHG, r10, -8, r1)), 6);
  assert.equal(result(a.store32(r10, -8, -1), a.store32(r10, -4, 0), a.mov64(r1, 1), a.atomic32(op.BPF_ADD, r10, -8, r1), a.load64(r0, r10, -8)), 0);
});

test("a function gets R1 to R5, keeps its caller's R6 to R9, and has a stack of its own", () => {
  assert.equal(result(
    a.mov64(r6, 100), a.store64(r10, -8, 7), a.mov64(r1, 5), a.callFunction("double"), a.add64(r0, r6), a.load64(r1, r10, -8), a.add64(r0, r1), a.exit(),
    a.label("double"), a.mov64(r6, r1), a.store64(r10, -8, 1), a.mov64(r0, r6), a.add64(r0, r6)), 117);
});

test("a function may write its caller's stack through a pointer, but not after the caller has returned", () => {
  assert.equal(result(
    a.mov64(r1, r10), a.add64(r1, -8), a.callFunction("fill"), a.load64(r0, r10, -8), a.exit(),
    a.label("fill"), a.store64(r1, 0, 9)), 9);
  fails(/reads 8 bytes of the stack of a function that has returned/,
    a.callFunction("leak"), a.load64(r1, r0, -8), a.exit(), a.label("leak"), a.store64(r10, -8, 1), a.mov64(r0, r10), a.exit());
});

test("the ninth frame is refused, as in the kernel", () => {
  fails(/calls a function from the 8th frame/, a.label("self"), a.callFunction("self"));
});

test("the packet is between the context's data and data_end", () => {
  assert.equal(result(a.load32(r2, r1, 0), a.load32(r3, r1, 4), a.mov64(r0, r3), a.sub64(r0, r2)), 64);
  assert.equal(result(a.load32(r2, r1, 0), a.load8(r0, r2, 63)), 63);
  assert.equal(run([a.load32(r2, r1, 76), a.load16(r0, r2, 12), a.exit()], "tc").verdict, 0x0d0c);
});

test("an access beyond the packet, the stack or nothing names itself", () => {
  fails(/instruction 1, r0 = \*\(u16 \*\)\(r2 \+63\):\n {2}reads 2 bytes at 63 of the packet, which has 64/, a.load32(r2, r1, 0), a.load16(r0, r2, 63));
  fails(/reads 1 byte at -1 of the packet/, a.load32(r2, r1, 0), a.load8(r0, r2, -1));
  fails(/writes 8 bytes at -8 of the stack/, a.store64(r10, -520, 0));
  fails(/reads 4 bytes at 512 of the stack/, a.load32(r0, r10, 0));
  fails(/through a null pointer \(0x8\)/, a.mov64(r1, 0), a.load32(r0, r1, 8));
  fails(/at 0x123456789abcdef, which is no address/, a.loadImmediate64(r1, 0x123_4567_89ab_cdefn), a.load32(r0, r1, 0));
});

test("the context is read only but for the fields that TC programs may write", () => {
  fails(/writes to ingressIfindex of xdp_md, which is read only/, a.store32(r1, 12, 0));
  fails(/reads 2 bytes of an address in the context/, a.load16(r0, r1, 0));
  fails(/reads 4 bytes at 24 of the context, which has 24/, a.load32(r0, r1, 24));
  const { mark } = run([a.store32(r1, 8, 77), a.mov64(r0, 0), a.exit()], "tc");
  assert.equal(mark, 77);
});

test("an address from before the packet moved is refused", () => {
  fails(/reads 1 byte of the packet by an address from before bpf_xdp_adjust_head\(\)/,
    a.load32(r6, r1, 0), a.mov64(r2, 4), call("bpf_xdp_adjust_head"), a.load8(r0, r6, 0));
});

test("instructions that are none, the end of the program and r10 are guarded", () => {
  fails(/writes to r10/, a.mov64(r10, 0));
  fails(/is beyond the program's end/, a.jump(100));
  fails(/bpf_trace_printk\(\) is not among the helpers/, call("bpf_trace_printk"));
  assert.throws(() => run([{ slots: [{ opcode: 0xff, dst: 0, src: 0, offset: 0, imm: 0 }] }]), /is no instruction/);
});

test("a failure names the source line that the program's line records give", () => {
  const btf = new BtfBuilder();
  const [fileOffset, lineOffset] = [btf.string("dataplane/parse.ts"), btf.string("  const port = tcp.source;")];
  const machine = new Machine();
  const program = machine.load({
    ...a.assembleProgram({ name: "parse", type: "xdp" }, [a.mov64(r0, 0), a.load32(r0, r0, 0), a.exit()]),
    btf: btf.encode(), lineInfo: [{ at: 1, fileOffset, lineOffset, line: 31, column: 9 }],
  });
  assert.throws(() => machine.run(program, frame), { message: [
    'Program "parse", instruction 1, r0 = *(u32 *)(r0 +0):',
    "  reads 4 bytes through a null pointer (0x0)",
    "  at dataplane/parse.ts:31:9: const port = tcp.source;",
  ].join("\n") });
});

/** A key on the stack, and R2 pointing to it. */
const key = (n: number): a.Statement[] => [a.store32(r10, -4, n), a.mov64(r2, r10), a.add64(r2, -4)];

test("programs and the host share maps by name", () => {
  const machine = new Machine();
  machine.map(hash).update(Uint8Array.of(5, 0, 0, 0), new Uint8Array(16).fill(1));
  const program = machine.load(a.assembleProgram({ name: "count", type: "xdp" }, [
    ...key(5), a.mapReference(r1, hash), call("bpf_map_lookup_elem"), a.jne(r0, 0, "found"), a.mov64(r0, 1), a.exit(),
    a.label("found"), a.load64(r1, r0, 8), a.add64(r1, 1), a.store64(r0, 8, r1), a.mov64(r0, 2), a.exit(),
  ]));
  assert.equal(machine.run(program, frame).verdict, 2);
  assert.deepEqual([...machine.map(hash).lookup(Uint8Array.of(5, 0, 0, 0))!.subarray(7, 10)], [1, 2, 1]);
  machine.map(hash).delete(Uint8Array.of(5, 0, 0, 0));
  assert.equal(machine.run(program, frame).verdict, 1);
});

test("a map value ends where it ends", () => {
  const machine = new Machine();
  machine.map(hash).update(Uint8Array.of(5, 0, 0, 0), new Uint8Array(16));
  const program = machine.load(a.assembleProgram({ name: "beyond", type: "xdp" }, [
    ...key(5), a.mapReference(r1, hash), call("bpf_map_lookup_elem"), a.load64(r0, r0, 12), a.exit(),
  ]));
  assert.throws(() => machine.run(program, frame), /reads 8 bytes at 12 of a value of map hash, which has 16/);
});

test("updates and deletes answer with the kernel's errors", () => {
  const update = (flags: number) => [
    ...key(1), a.store64(r10, -24, 9), a.store64(r10, -16, 9), a.mapReference(r1, hash), a.mov64(r3, r10), a.add64(r3, -24), a.mov64(r4, flags),
    call("bpf_map_update_elem"),
  ];
  assert.equal(result(...update(0)), 0);
  assert.equal(result(...update(2)), -2);
  assert.equal(result(...update(1), ...update(1)), -17);
  assert.equal(result(...key(1), a.mapReference(r1, hash), call("bpf_map_delete_elem")), -2);
});

test("a table's entries are at fixed addresses, and the host sees them in place", () => {
  const machine = new Machine();
  const program = machine.load(a.assembleProgram({ name: "table", type: "xdp" }, [
    a.mapValue(r1, table, 16), a.store32(r1, 4, 0x01020304), a.load32(r0, r1, 4), a.exit(),
  ]));
  assert.equal(machine.run(program, frame).verdict, 0x01020304);
  assert.deepEqual([...machine.map(table).bytes.subarray(20, 24)], [4, 3, 2, 1]);
});

test("bpf_loop calls until it is told to stop, with the state that it was given", () => {
  const loop = (rounds: number) => result(
    a.store64(r10, -8, 0), a.mov64(r1, rounds), a.functionAddress(r2, "add"), a.mov64(r3, r10), a.add64(r3, -8), a.mov64(r4, 0), call("bpf_loop"),
    a.lsh64(r0, 16), a.load64(r1, r10, -8), a.or64(r0, r1), a.exit(),
    a.label("add"), a.load64(r3, r2, 0), a.add64(r3, r1), a.store64(r2, 0, r3), a.mov64(r0, 0), a.jne(r1, 9, "on"), a.mov64(r0, 1), a.label("on"));
  assert.equal(loop(5), (5 << 16) | 10);
  assert.equal(loop(100), (10 << 16) | 45);
  assert.equal(loop(0), 0);
});

test("a tail call does not return, and goes on when there is no program", () => {
  const machine = new Machine();
  const caller = machine.load(a.assembleProgram({ name: "caller", type: "xdp" }, [
    a.load32(r3, r1, 12), a.mapReference(r2, programs), call("bpf_tail_call"), a.mov64(r0, 1), a.exit(),
  ]));
  const target = machine.load(a.assembleProgram({ name: "target", type: "xdp" }, [a.load32(r2, r1, 0), a.load8(r0, r2, 33), a.exit()]));
  machine.programArray(programs).setProgram(2, target);
  assert.equal(machine.run(caller, frame, { ifindex: 1 }).verdict, 1);
  assert.equal(machine.run(caller, frame, { ifindex: 2 }).verdict, 33);
});

test("the 34th tail call of a packet is not made", () => {
  const machine = new Machine();
  const self = machine.load(a.assembleProgram({ name: "self", type: "tc" }, [
    a.load32(r2, r1, 8), a.add64(r2, 1), a.store32(r1, 8, r2), a.mapReference(r2, programs), a.mov64(r3, 0), call("bpf_tail_call"), a.mov64(r0, 0), a.exit(),
  ]));
  machine.programArray(programs).setProgram(0, self);
  assert.equal(machine.run(self, frame).mark, 34);
});

test("records of a ring buffer reach the host when they are submitted", () => {
  const machine = new Machine();
  const program = machine.load(a.assembleProgram({ name: "log", type: "xdp" }, [
    a.mapReference(r1, ring), a.mov64(r2, 8), a.mov64(r3, 0), call("bpf_ringbuf_reserve"), a.mov64(r6, r0),
    a.store64(r6, 0, 7), a.mov64(r1, r6), a.mov64(r2, 0), call("bpf_ringbuf_submit"),
    a.store32(r10, -4, 9), a.mapReference(r1, ring), a.mov64(r2, r10), a.add64(r2, -4), a.mov64(r3, 4), a.mov64(r4, 0), call("bpf_ringbuf_output"), a.exit(),
  ]));
  assert.equal(machine.run(program, frame).verdict, 0);
  assert.deepEqual(machine.ringBuffer(ring).drain(), [Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0), Uint8Array.of(9, 0, 0, 0)]);
});

test("a record that is never given back is refused when the program ends", () => {
  fails(/holds a record of a ring buffer/, a.mapReference(r1, ring), a.mov64(r2, 8), a.mov64(r3, 0), call("bpf_ringbuf_reserve"));
});

test("a helper of the other hook is refused", () => {
  fails(/bpf_skb_pull_data\(\) is for programs of type tc; this is xdp/, call("bpf_skb_pull_data"));
});

test("each CPU counts in its own value of a per-CPU map", () => {
  const counters: MapSpec = { kind: "map", name: "counters", type: MapType.PERCPU_ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
  const machine = new Machine({ cpus: 3 });
  const program = machine.load(a.assembleProgram({ name: "count", type: "xdp" }, [
    ...key(0), a.mapReference(r1, counters), call("bpf_map_lookup_elem"), a.load64(r1, r0, 0), a.add64(r1, 1), a.store64(r0, 0, r1),
    call("bpf_get_smp_processor_id"), a.exit(),
  ]));
  for (const cpu of [0, 2, 2]) assert.equal(machine.run(program, frame, { cpu }).verdict, cpu);
  assert.deepEqual([...new BigUint64Array(machine.map(counters).lookup(new Uint8Array(4))!.buffer)], [1n, 0n, 2n]);
});

test("time, chance and the CPU are what the machine was given", () => {
  const options = { now: () => 1_003_000_000n, random: () => 0.5, cpu: 3, hz: 100 };
  const given = (name: string, ...rest: a.Statement[]) => run([call(name), ...rest, a.exit()], "xdp", options).verdict;
  assert.equal(given("bpf_ktime_get_ns"), 1_003_000_000);
  assert.equal(given("bpf_ktime_get_coarse_ns"), 1_000_000_000);
  assert.equal(given("bpf_jiffies64"), -300 * 100 + 100);
  assert.equal(given("bpf_jiffies64", a.rsh64(r0, 32)), 0);
  assert.equal(given("bpf_get_prandom_u32"), 0x8000_0000 | 0);
  assert.equal(given("bpf_get_smp_processor_id"), 3);
});

test("a timer's callback runs when its time has come, and may start it again", () => {
  const Timer = struct("bpf_timer", { opaqueLow: u64, opaqueHigh: u64 });
  const Ticker = struct("Ticker", { timer: Timer, ticks: u64 });
  const tickers: MapSpec = { kind: "map", name: "tickers", type: MapType.ARRAY, keySize: 4, valueSize: 24, maxEntries: 2, flags: 0, value: Ticker };
  const machine = new Machine();
  const program = machine.load(a.assembleProgram({ name: "tick", type: "xdp" }, [
    ...key(1), a.mapReference(r1, tickers), call("bpf_map_lookup_elem"), a.mov64(r6, r0),
    a.mov64(r1, r6), a.mapReference(r2, tickers), a.mov64(r3, 1), call("bpf_timer_init"), a.mov64(r7, r0),
    a.mov64(r1, r6), a.functionAddress(r2, "tick"), call("bpf_timer_set_callback"),
    a.mov64(r1, r6), a.mov64(r2, 1000), a.mov64(r3, 0), call("bpf_timer_start"), a.mov64(r0, r7), a.exit(),
    a.label("tick"), a.mov64(r6, r3), a.load32(r8, r2, 0), a.load64(r1, r6, 16), a.add64(r1, r8), a.store64(r6, 16, r1),
    a.mov64(r1, r6), a.mov64(r2, 1000), a.mov64(r3, 0), call("bpf_timer_start"), a.mov64(r0, 0), a.exit(),
  ]));
  assert.equal(machine.run(program, frame).verdict, 0);
  assert.equal(machine.run(program, frame).verdict, -16, "initialised twice");
  const ticks = () => machine.map(tickers).lookup(Uint8Array.of(1, 0, 0, 0))![16];
  assert.equal(machine.advance(999n), 0);
  assert.equal(machine.advance(1n), 1);
  assert.equal(machine.advance(3500n), 3);
  assert.equal(ticks(), 4);
  assert.equal(machine.advance(499n), 0);
  assert.equal(machine.advance(1n), 1);
});

test("a syscall program's context is memory that it may change", () => {
  const { verdict, packet } = run([a.load32(r0, r1, 4), a.store32(r1, 0, 0x0a0b0c0d), a.exit()], "syscall");
  assert.equal(verdict, 0x07060504);
  assert.deepEqual([...packet.subarray(0, 5)], [13, 12, 11, 10, 4]);
});

test("a map of another shape under the same name, and a map without a declaration, are refused", () => {
  const machine = new Machine();
  machine.map(hash);
  assert.throws(() => machine.map({ ...hash, valueSize: 8 }), /Cannot declare map hash again in another shape/);
  const program = a.assembleProgram({ name: "p", type: "xdp" }, [a.mapReference(r1, table), a.exit()]);
  assert.throws(() => machine.load({ ...program, maps: [] }), /it refers to map table, but does not declare it/);
  assert.throws(() => machine.load({ ...program, relocations: [] }), /instruction 0 refers to a map, but no relocation says which/);
});
