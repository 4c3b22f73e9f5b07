// What single IR instructions become, read from the finished program.

import assert from "node:assert/strict";
import { test } from "node:test";
import { disassemble } from "#ebpf/disassemble.js";
import { table } from "#prelude/maps.js";
import { struct } from "#layout/struct.js";
import { u64 } from "#layout/numbers.js";
import type { Builder } from "../ir-builder.js";
import type { Instruction } from "../ir.js";
import { newBlock, newSlot } from "../ir-builder.js";
import { programOf, testFunction } from "../_test-function.js";
import { generate } from "./generate.js";

/** The program's instructions without their numbers. */
function code(build: (b: Builder, context: Instruction) => void): string[] {
  const spec = generate(programOf(testFunction(["pointer"], build)));
  return disassemble(spec).split("\n").filter((line) => /^ *\d+:/.test(line)).map((line) => line.replace(/^ *\d+: /, ""));
}

const word = (b: Builder, context: Instruction, offset = 12) => b.load(32, context, offset, "context");

test("a constant that fits is part of the instruction", () => {
  assert.deepEqual(code((b, context) => b.return(b.binary("and", word(b, context), b.constant("i32", 0xffff_fff0)))), [
    "r0 = *(u32 *)(r1 +12)", "w0 &= -16", "exit",
  ]);
});

test("a 64-bit constant that is no sign-extended 32-bit number takes two slots", () => {
  const lines = code((b, context) => {
    const wide = b.binary("add", b.convert("zeroExtend", word(b, context)), b.constant("i64", 0x1_0000_0000n));
    b.return(b.convert("truncate", b.binary("lshr", wide, b.constant("i64", 1n))));
  });
  assert.ok(lines.some((line) => /^r\d = 0x100000000$/.test(line)), lines.join("\n"));
});

test("a constant up to 2^32 - 1 is made by a 32-bit move, which clears the upper half", () => {
  const lines = code((b, context) => {
    const sum = b.binary("mul", b.convert("zeroExtend", word(b, context)), b.constant("i64", 0xffff_ffff));
    b.return(b.convert("truncate", b.binary("lshr", sum, b.constant("i64", 32n))));
  });
  assert.ok(lines.some((line) => /^w\d = -1$/.test(line)), lines.join("\n"));
});

test("a comparison is part of the branch that asks it, 32 bits wide for 32-bit values", () => {
  const lines = code((b, context) => {
    const [yes, no] = [newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare("uge", word(b, context), b.constant("i32", 0x8000_0000)), yes, no);
    b.block = yes;
    b.return(b.constant("i32", 1));
    b.block = no;
    b.return(b.constant("i32", 2));
  });
  assert.deepEqual(lines, ["r1 = *(u32 *)(r1 +12)", "if w1 < 0x80000000 goto pc+2", "r0 = 1", "exit", "r0 = 2", "exit"]);
});

test("a comparison kept as a value is 0 or 1", () => {
  const lines = code((b, context) => b.return(b.convert("boolToInt", b.compare("eq", word(b, context), b.constant("i32", 7)))));
  assert.deepEqual(lines, ["r1 = *(u32 *)(r1 +12)", "r0 = 1", "if w1 == 0x7 goto pc+1", "r0 = 0", "exit"]);
});

test("a truncation costs nothing when nobody looks at the upper half", () => {
  const sumOf = (b: Builder, context: Instruction) => b.binary("add", b.convert("zeroExtend", word(b, context)), b.convert("zeroExtend", word(b, context, 16)));
  const low = code((b, context) => b.return(b.binary("xor", b.convert("truncate", sumOf(b, context)), b.constant("i32", 1))));
  assert.deepEqual(low.slice(-3), ["r0 += r1", "w0 ^= 1", "exit"]);
  const whole = code((b, context) => b.return(b.convert("truncate", sumOf(b, context))));
  assert.match(whole.at(-2)!, /^w0 = w\d$/);
});

test("stack memory is addressed from R10, and its address is made where a helper wants it", () => {
  const lines = code((b, context) => {
    const slot = newSlot(b.fn, 8, "key");
    b.store(64, b.stackAddress(slot), 0, b.constant("i64", 5), "stack");
    b.callHelper("i64", { helper: "bpf_skb_store_bytes", id: 9, movesPacket: true }, [context, b.constant("i32", 0), b.stackAddress(slot), b.constant("i32", 8), b.constant("i64", 0)], { reads: [slot] });
    b.return(b.constant("i32", 2));
  });
  assert.deepEqual(lines, ["*(u64 *)(r10 -8) = 5", "r2 = 0", "r3 = r10", "r3 += -8", "r4 = 8", "r5 = 0", "call bpf_skb_store_bytes#9", "r0 = 2", "exit"]);
});

test("a constant is not stored into the context as such, which older kernels refuse", () => {
  const lines = code((b, context) => {
    b.store(32, context, 8, b.constant("i32", 1), "context");
    b.return(b.constant("i32", 0));
  });
  assert.deepEqual(lines.slice(0, 2), ["r2 = 1", "*(u32 *)(r1 +8) = r2"]);
});

test("the address of a table entry is the map's value plus the index, in line", () => {
  const counters = table("counters", struct("Counter", { packets: u64 }), 8);
  const lines = code((b, context) => {
    const index = b.convert("zeroExtend", b.binary("and", word(b, context), b.constant("i32", 7)));
    const entry = b.pointerAdd(b.mapValue(counters), 0, b.binary("shl", index, b.constant("i64", 3)));
    b.atomic("add", 64, entry, 0, b.constant("i64", 1));
    b.return(b.constant("i32", 2));
  });
  assert.deepEqual(lines, [
    "r1 = *(u32 *)(r1 +12)", "w1 &= 7", "r1 <<= 3", "r2 = map[counters][0]+0", "r2 += r1", "r1 = 1", "lock *(u64 *)(r2 +0) += r1", "r0 = 2", "exit",
  ]);
});

test("an index that came through a byte swap is masked for verifiers that do not know its bound", () => {
  const indexed = (swap: boolean) => code((b, context) => {
    const byte = b.load(8, context, 12, "context");
    const shifted = b.binary("shl", b.binary("lshr", swap ? b.byteSwap(16, byte) : byte, b.constant("i32", 4)), b.constant("i32", 2));
    b.return(b.load(8, b.pointerAdd(b.loadPointer(context, 0), 0, b.convert("zeroExtend", shifted)), 0, "packet"));
  });
  assert.ok(indexed(true).some((line) => /^r\d &= 16383$/.test(line)));
  assert.ok(!indexed(false).some((line) => line.includes("&=")));
});

test("a test of bits is one jump when nobody else wants them", () => {
  const tested = (predicate: "eq" | "ne", isShared: boolean) => code((b, context) => {
    const flags = b.binary("and", word(b, context), b.constant("i32", 4));
    const [yes, no] = [newBlock(b.fn), newBlock(b.fn)];
    b.branch(b.compare(predicate, flags, b.constant("i32", 0)), yes, no);
    b.block = yes;
    b.return(isShared ? flags : b.constant("i32", 1));
    b.block = no;
    b.return(b.constant("i32", 2));
  });
  assert.equal(tested("ne", false)[1], "if w1 & 0x4 goto pc+2");
  assert.deepEqual(tested("eq", false).slice(1), ["if w1 & 0x4 goto pc+2", "r0 = 1", "exit", "r0 = 2", "exit"]);
  assert.ok(tested("ne", true).some((line) => line.endsWith("&= 4")));
});

test("a negation is one instruction", () => {
  const lines = code((b, context) => b.return(b.binary("sub", b.constant("i32", 0), word(b, context))));
  assert.deepEqual(lines, ["r0 = *(u32 *)(r1 +12)", "w0 = -w0", "exit"]);
});

test("where both sides choose a constant, one does so before the branch", () => {
  const lines = code((b, context) => {
    const [yes, no, after] = [newBlock(b.fn), newBlock(b.fn), newBlock(b.fn)];
    const [one, two] = [b.constant("i32", 1), b.constant("i32", 2)];
    const asked = word(b, context);
    b.branch(b.compare("ult", asked, b.constant("i32", 9)), yes, no);
    for (const side of [yes, no]) {
      b.block = side;
      b.jump(after);
    }
    b.block = after;
    b.store(32, context, 8, b.phi("i32", [one, two]), "context");
    b.return(asked);
  });
  assert.equal(lines.filter((line) => line.startsWith("goto")).length, 0, lines.join("\n"));
});
