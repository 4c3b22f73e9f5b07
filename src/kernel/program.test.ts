import assert from "node:assert/strict";
import { test } from "node:test";
import * as asm from "#ebpf/assemble.js";
import { BtfBuilder } from "#ebpf/btf.js";
import type { ProgramSpec } from "#ebpf/spec.js";
import { decode } from "#layout/codec.js";
import { u64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { programArray, table } from "#prelude/maps.js";
import { XDP_DROP, XDP_PASS } from "#prelude/packet.js";
import { bpfLacks } from "./_privileges.js";
import { BpfMap } from "./map.js";
import { loadProgram } from "./program.js";
import { XdpMd } from "#ebpf/context.js";
import { BPF_F_TEST_XDP_LIVE_FRAMES, skBuffContext, xdpContext } from "./test-run.js";
import { VerifierError } from "./verifier-log.js";

const { r0, r1, r2 } = asm;
const packet = new Uint8Array(64).fill(0x11);

test("an XDP program runs on a packet of ours", { skip: bpfLacks }, () => {
  const program = loadProgram(asm.assembleProgram({ name: "drop", type: "xdp" }, [asm.mov64(r0, XDP_DROP), asm.exit()]), new Map());
  const result = program.testRun({ data: packet, context: xdpContext(packet, { ingressIfindex: 1 }), repeat: 10 });
  assert.equal(result.returnValue, XDP_DROP);
  assert.deepEqual(result.data, packet);
  assert.equal(decode(XdpMd, result.context).dataEnd, 64);
  assert.equal(program.info().verifiedInstructions, 2);
  program.close();
});

test("a TC program sees the mark that the context gives, and its result is signed", { skip: bpfLacks }, () => {
  const markOffset = 8;
  const program = loadProgram(asm.assembleProgram({ name: "mark", type: "tc" }, [asm.load32(r0, r1, markOffset), asm.exit()]), new Map());
  assert.equal(program.testRun({ data: packet, context: skBuffContext({ mark: 42 }) }).returnValue, 42);
  assert.equal(program.testRun({ data: packet, context: skBuffContext({ mark: 0xffff_ffff }) }).returnValue, -1);
  program.close();
});

test("a program reaches the last entry of a 512 MiB table without a look-up", { skip: bpfLacks }, () => {
  const Entry = struct("Entry", { first: u64, second: u64 });
  const spec = table("large", Entry, 2 ** 25);
  const map = BpfMap.create(spec);
  const program = loadProgram(asm.assembleProgram({ name: "touch", type: "xdp" }, [
    asm.mapValue(r1, spec, 2 ** 29 - 8),
    asm.mov64(r2, 99), asm.store64(r1, 0, r2),
    asm.mov64(r0, XDP_PASS), asm.exit(),
  ]), new Map([[spec.name, map]]));
  assert.equal(program.testRun({ data: packet }).returnValue, XDP_PASS);
  const memory = map.memory();
  assert.equal(memory.view.getBigUint64(2 ** 29 - 8, true), 99n);
  memory.close();
  program.close();
  map.close();
});

test("a refusal carries the verifier's reason and its log", { skip: bpfLacks }, () => {
  const spec = asm.assembleProgram({ name: "wild", type: "xdp" }, [asm.mov64(r1, 0), asm.load32(r0, r1, 0), asm.exit()]);
  assert.throws(() => loadProgram(spec, new Map()), (error: unknown) => {
    assert.ok(error instanceof VerifierError);
    assert.equal(error.message, `Cannot load xdp program "wild": the verifier refuses it: R1 invalid mem access 'scalar'`);
    assert.equal(error.errnoName, "EACCES");
    assert.equal(error.instruction, 1);
    assert.match(error.log, /processed 2 insns/);
    return true;
  });
});

test("a refusal names the TypeScript line, from the program's own line records", { skip: bpfLacks }, () => {
  const btf = new BtfBuilder();
  const prototype = btf.functionPrototype(btf.integer("int", 4, true), [{ name: "context", type: btf.pointer(btf.forward("xdp_md")) }]);
  const typeId = btf.function("entry", prototype, "global");
  const fileOffset = btf.string("src/dataplane/entry.ts");
  const at = (instruction: number, line: number, column: number, text: string) => ({ at: instruction, fileOffset, lineOffset: btf.string(text), line, column });
  const lineInfo = [at(0, 11, 3, "  const key = 0;"), at(1, 12, 10, "  return key.port;")];
  const spec: ProgramSpec = {
    ...asm.assembleProgram({ name: "entry", type: "xdp" }, [asm.mov64(r1, 0), asm.load32(r0, r1, 0), asm.exit()]),
    btf: btf.encode(), functionInfo: [{ at: 0, typeId, name: "entry" }], lineInfo, files: ["src/dataplane/entry.ts"],
  };
  assert.throws(() => loadProgram(spec, new Map()), (error: unknown) => {
    assert.ok(error instanceof VerifierError);
    assert.equal(error.message,
      `Cannot load xdp program "entry": the verifier refuses it at src/dataplane/entry.ts:12:10 (return key.port;): R1 invalid mem access 'scalar'`);
    assert.deepEqual(error.location, { file: "src/dataplane/entry.ts", line: 12, column: 10, text: "return key.port;" });
    return true;
  });
});

test("a syscall program runs on a context that it may write", { skip: bpfLacks }, () => {
  const program = loadProgram(asm.assembleProgram({ name: "system", type: "syscall" }, [
    asm.load64(r2, r1, 0), asm.add64(r2, 1), asm.store64(r1, 0, r2), asm.mov64(r0, -3), asm.exit(),
  ]), new Map());
  const given = new Uint8Array(BigUint64Array.of(41n).buffer);
  assert.deepEqual(program.run(given), { returnValue: -3, context: new Uint8Array(BigUint64Array.of(42n).buffer) });
  assert.deepEqual(given, new Uint8Array(BigUint64Array.of(41n).buffer));
  program.close();
});

test("a tail call goes through a program array", { skip: bpfLacks }, () => {
  const spec = programArray("tails", 4);
  const tails = BpfMap.create(spec);
  const bpf_tail_call = 12;
  const drop = loadProgram(asm.assembleProgram({ name: "drop", type: "xdp" }, [asm.mov64(r0, XDP_DROP), asm.exit()]), new Map());
  const jump = loadProgram(asm.assembleProgram({ name: "jump", type: "xdp" }, [
    asm.mapReference(r2, spec), asm.mov64(asm.r3, 2), asm.callHelper(bpf_tail_call), asm.mov64(r0, XDP_PASS), asm.exit(),
  ]), new Map([[spec.name, tails]]));
  assert.equal(jump.testRun({ data: packet }).returnValue, XDP_PASS);
  tails.putObject(2, drop);
  assert.equal(jump.testRun({ data: packet }).returnValue, XDP_DROP);
  for (const held of [jump, drop, tails]) held.close();
});

test("live frames run the program as often as asked, and what it drops is gone", { skip: bpfLacks }, () => {
  const spec = table("runs", struct("Runs", { count: u64 }), 1);
  const map = BpfMap.create(spec);
  const program = loadProgram(asm.assembleProgram({ name: "count", type: "xdp" }, [
    asm.mapValue(r1, spec), asm.load64(r2, r1, 0), asm.add64(r2, 1), asm.store64(r1, 0, r2), asm.mov64(r0, XDP_DROP), asm.exit(),
  ]), new Map([[spec.name, map]]));
  program.testRun({ data: packet, repeat: 1000, batchSize: 64, flags: BPF_F_TEST_XDP_LIVE_FRAMES });
  const memory = map.memory();
  assert.equal(memory.view.getBigUint64(0, true), 1000n);
  for (const held of [memory, program, map]) held.close();
});
