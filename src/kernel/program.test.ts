import assert from "node:assert/strict";
import { test } from "node:test";
import * as asm from "#ebpf/assemble.js";
import { u64 } from "#layout/numbers.js";
import { struct } from "#layout/struct.js";
import { table } from "#prelude/maps.js";
import { XDP_DROP, XDP_PASS } from "#prelude/packet.js";
import { bpfLacks } from "./_privileges.js";
import { BpfMap } from "./map.js";
import { loadProgram } from "./program.js";
import { skBuffContext, xdpContext, XdpMd } from "./test-run.js";
import { VerifierError } from "./verifier-log.js";
import { decode } from "#layout/codec.js";

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
