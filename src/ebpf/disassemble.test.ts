import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "./_random.js";
import * as a from "./assemble.js";
import { r0, r1, r2, r3, r6, r10 } from "./assemble.js";
import { BtfBuilder } from "./btf.js";
import { disassemble, disassembleInstruction } from "./disassemble.js";
import type { Instruction } from "./instruction.js";
import { decodeInstructions, encodeInstructions } from "./instruction.js";
import * as op from "./opcode.js";
import { MapType, type MapSpec } from "./spec.js";

const table: MapSpec = { kind: "map", name: "table", type: MapType.ARRAY, keySize: 4, valueSize: 64, maxEntries: 1, flags: 0 };

/** Each written as the kernel's verifier log and bpftool write it. */
const cases: readonly [a.Statement, string][] = [
  [a.mov64(r6, r1), "r6 = r1"],
  [a.mov32(r0, -1), "w0 = -1"],
  [a.add64(r2, -14), "r2 += -14"],
  [a.sub64(r2, r3), "r2 -= r3"],
  [a.mul32(r2, 3), "w2 *= 3"],
  [a.arsh64(r2, 3), "r2 s>>= 3"],
  [a.neg64(r2), "r2 = -r2"],
  [a.neg32(r2), "w2 = -w2"],
  [a.bigEndian(r2, 16), "r2 = be16 r2"],
  [a.littleEndian(r2, 64), "r2 = le64 r2"],
  [a.load32(r1, r6, 76), "r1 = *(u32 *)(r6 +76)"],
  [a.load8(r1, r10, -1), "r1 = *(u8 *)(r10 -1)"],
  [a.store16(r1, 12, r2), "*(u16 *)(r1 +12) = r2"],
  [a.store64(r10, -8, 0), "*(u64 *)(r10 -8) = 0"],
  [a.atomic64(op.BPF_ADD, r1, 0, r2), "lock *(u64 *)(r1 +0) += r2"],
  [a.atomic32(op.BPF_OR | op.BPF_FETCH, r1, 4, r2), "r2 = atomic_fetch_or((u32 *)(r1 +4), r2)"],
  [a.atomic64(op.BPF_XCHG, r1, 0, r2), "r2 = atomic64_xchg((u64 *)(r1 +0), r2)"],
  [a.atomic64(op.BPF_CMPXCHG, r1, 0, r2), "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)"],
  [a.jgt(r1, r2, 5), "if r1 > r2 goto pc+5"],
  [a.jeq32(r1, -1, -3), "if w1 == 0xffffffff goto pc-3"],
  [a.jslt(r1, 10, 0), "if r1 s< 0xa goto pc+0"],
  [a.jset32(r1, r2, 1), "if w1 & w2 goto pc+1"],
  [a.jump(7), "goto pc+7"],
  [a.callHelper(23), "call bpf_redirect#23"],
  [a.callHelper(9999), "call unknown#9999"],
  [a.exit(), "exit"],
  [a.loadImmediate64(r1, 0x1122334455667788n), "r1 = 0x1122334455667788"],
  [a.mapReference(r1, table), "r1 = map[table]"],
  [a.mapValue(r1, table, 16), "r1 = map[table][0]+16"],
];

for (const [statement, text] of cases) {
  test(`"${text}" is assembled and disassembled`, () => {
    const { instructions, relocations } = a.assemble([statement]);
    assert.equal(disassembleInstruction(decodeInstructions(instructions), 0, relocations[0]), text);
  });
}

test("labels become distances, backwards and forwards, for jumps, calls and addresses", () => {
  const { instructions } = a.assemble([
    a.label("again"), a.jeq(r1, 0, "end"), a.callFunction("function"), a.functionAddress(r2, "function"), a.jump("again"),
    a.label("end"), a.exit(), a.label("function"), a.exit(),
  ]);
  const decoded = decodeInstructions(instructions);
  assert.deepEqual([0, 1, 2, 4].map((slot) => disassembleInstruction(decoded, slot)),
    ["if r1 == 0x0 goto pc+4", "call pc+4", "r2 = subprog[+3]", "goto pc-5"]);
});

test("a label that is missing or stands twice is refused by name", () => {
  assert.throws(() => a.assemble([a.jump("nowhere")]), /instruction 0: there is no label "nowhere"/);
  assert.throws(() => a.assemble([a.label("x"), a.label("x")]), /label "x" stands twice/);
});

test("no two different instructions read the same", () => {
  const { note, ...random } = seededRandom();
  const seen = new Map<string, string>();
  for (let i = 0; i < 20_000; i++) {
    const instruction = randomInstruction(random);
    const text = disassembleInstruction([instruction], 0);
    const bytes = encodeInstructions([instruction]).join();
    assert.equal(seen.get(text) ?? bytes, bytes, `${note}: "${text}"`);
    assert.doesNotMatch(text, /undefined|^\(0x/, note);
    seen.set(text, bytes);
  }
});

/** A valid one of a single slot; few registers and values, so that the same text would come up twice. */
function randomInstruction({ below }: { below: (limit: number) => number }): Instruction {
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const at = { opcode: 0, dst: below(3), src: 0, offset: 0, imm: 0 };
  const size = pick([op.BPF_B, op.BPF_H, op.BPF_W, op.BPF_DW]);
  const operand = pick([{ source: op.BPF_K, imm: below(5) - 2 }, { source: op.BPF_X, src: below(3) }]);
  const { source, ...rest } = operand;
  switch (below(6)) {
    case 0: {
      const operations = [op.BPF_ADD, op.BPF_SUB, op.BPF_MUL, op.BPF_DIV, op.BPF_OR, op.BPF_AND, op.BPF_LSH, op.BPF_RSH, op.BPF_MOD, op.BPF_XOR,
        op.BPF_MOV, op.BPF_ARSH];
      return { ...at, ...rest, opcode: pick([op.BPF_ALU, op.BPF_ALU64]) | pick(operations) | source };
    }
    case 1: {
      const operations = [op.BPF_JEQ, op.BPF_JGT, op.BPF_JGE, op.BPF_JSET, op.BPF_JNE, op.BPF_JSGT, op.BPF_JSGE, op.BPF_JLT, op.BPF_JLE,
        op.BPF_JSLT, op.BPF_JSLE];
      return { ...at, ...rest, offset: below(4) - 2, opcode: pick([op.BPF_JMP, op.BPF_JMP32]) | pick(operations) | source };
    }
    case 2: return { ...at, opcode: op.BPF_LDX | op.BPF_MEM | size, src: below(3), offset: below(4) - 2 };
    case 3: return { ...at, ...rest, opcode: (source === op.BPF_X ? op.BPF_STX : op.BPF_ST) | op.BPF_MEM | size, offset: below(4) - 2 };
    case 4: {
      const imm = pick([op.BPF_ADD, op.BPF_AND | op.BPF_FETCH, op.BPF_XOR, op.BPF_XCHG, op.BPF_CMPXCHG]);
      return { ...at, opcode: op.BPF_STX | op.BPF_ATOMIC | pick([op.BPF_W, op.BPF_DW]), src: below(3), offset: below(4), imm };
    }
    default: return { ...at, opcode: op.BPF_ALU | op.BPF_END | pick([op.BPF_TO_LE, op.BPF_TO_BE]), imm: pick([16, 32, 64]) };
  }
}

test("a listing names functions, maps and source lines", () => {
  const btf = new BtfBuilder();
  const fileOffset = btf.string("entry.ts");
  const lineOffset = btf.string("  return table.at(0).verdict;");
  const spec = a.assembleProgram({ name: "listed", type: "xdp" }, [a.mapValue(r1, table, 8), a.load32(r0, r1, 0), a.exit()]);
  const text = disassemble({
    ...spec, btf: btf.encode(), functionInfo: [{ at: 0, typeId: 1, name: "entry" }],
    lineInfo: [{ at: 0, fileOffset, lineOffset, line: 3, column: 10 }],
  });
  assert.equal(text, [
    "entry:",
    "; return table.at(0).verdict;",
    "   0: r1 = map[table][0]+8",
    "   2: r0 = *(u32 *)(r1 +0)",
    "   3: exit",
  ].join("\n"));
});
