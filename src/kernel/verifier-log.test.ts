import assert from "node:assert/strict";
import { test } from "node:test";
import { lastInstruction, lastUsefulLine } from "./verifier-log.js";

const log = `func#0 @0
Live regs before insn:
0: R1=ctx() R10=fp0
; const first = packet.view(Ethernet, 0); @ entry.ts:12
0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2_w=pkt(r=0)
1: (71) r0 = *(u8 *)(r2 +12)
invalid access to packet, off=12 size=1, R2(id=0,off=12,r=0)
R2 offset is outside of the packet
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0`;

test("of a verifier's log the last line is found that says why", () => {
  assert.equal(lastUsefulLine(log), "R2 offset is outside of the packet");
  assert.equal(lastUsefulLine("BPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns (limit 1000000)"),
    "BPF program is too large. Processed 1000001 insn");
  assert.equal(lastUsefulLine(""), "");
});

test("the last instruction in the log is the one that it stopped at", () => {
  assert.equal(lastInstruction(log), 1);
  assert.equal(lastInstruction("invalid BTF\n"), undefined);
});
