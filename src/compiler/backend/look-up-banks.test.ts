import assert from "node:assert/strict";
import { test } from "node:test";
import { disassemble } from "#ebpf/disassemble.js";
import { u64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { table } from "#prelude/maps.js";
import { language } from "../both-ways.js";
import { compileText } from "../compile.js";

const Counter = struct("Counter", { packets: u64 });

/** Instructions of a program with `rows` of that table, without their numbers. */
function code(body: string, rows: ReturnType<typeof table>, functions = ""): string[] {
  const source = `${functions}\nfunction entry(packet: Packet): i32 { ${body} }`;
  const spec = compileText(source, { function: "entry", type: "xdp", live: { ...language, Counter, rows } });
  return disassemble(spec).split("\n").filter((line) => /^ *\d+:/.test(line)).map((line) => line.replace(/^ *\d+: /, ""));
}
const calls = (lines: readonly string[]): number => lines.filter((line) => line.includes("bpf_map_lookup_elem")).length;

test("a table of one value is the same to the instruction, whatever its banks might have been", () => {
  const body = "rows.at(packet.length).packets += 1n; return 2;";
  const whole = code(body, table("rows", Counter, 8));
  assert.deepEqual(code(body, table("rows", Counter, 8, { bankBytes: 8 * Counter.size })), whole);
  assert.equal(calls(whole), 0);
});

test("an entry of a bank is the kernel's address of the bank plus the index in it; without a bank the program would end", () => {
  const lines = code("rows.at(packet.ifindex).packets = 5n; return 2;", table("rows", Counter, 64, { bankBytes: 16 * Counter.size }));
  assert.deepEqual(lines, [
    "r1 = *(u32 *)(r1 +12)", "r6 = r1", "w6 &= 15", "w1 >>= 4", "w1 &= 3", "*(u64 *)(r10 -8) = r1", "r1 = map[rows]", "r2 = r10", "r2 += -8",
    "call bpf_map_lookup_elem#1", "if r0 == 0x0 goto pc+5", "r6 <<= 3", "r0 += r6", "*(u64 *)(r0 +0) = 5", "r0 = 2", "exit", "r0 = 0", "exit",
  ]);
});

test("a bank is looked up once for all that is done with its entry, and for entries beside it", () => {
  const rows = table("rows", Counter, 64, { bankBytes: 16 * Counter.size });
  assert.equal(calls(code("const i = packet.ifindex; rows.at(i).packets += 1n; if (rows.at(i).packets > 9n) rows.at(i).packets = 0n; return 2;", rows)), 1);
  assert.equal(calls(code("const i = packet.ifindex & 0xfff0; rows.at(i).packets = 1n; rows.at(i | 1).packets = 2n; return 2;", rows)), 2);
  assert.equal(calls(code("rows.at(17).packets = 1n; rows.at(30).packets = 2n; return 2;", rows)), 1);
});

test("a function without a result just returns", () => {
  const lines = code("count(packet.ifindex); return 2;", table("rows", Counter, 64, { bankBytes: 16 * Counter.size }),
    `function count(n: u32): void { "use subprogram"; rows.at(n).packets = 5n; }`);
  assert.deepEqual(lines.slice(-3), ["*(u64 *)(r0 +0) = 5", "exit", "exit"]);
});
