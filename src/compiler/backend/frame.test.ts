import assert from "node:assert/strict";
import { test } from "node:test";
import { newSlot } from "../ir-builder.js";
import { programOf, testFunction } from "../_test-function.js";
import type { CodeBlock, CodeFunction, Operation } from "./code.js";
import { FRAME, VIRTUAL } from "./code.js";
import { layOutFrame } from "./frame.js";
import { generate } from "./generate.js";
import { SPILLED } from "./slot-liveness.js";

const source = testFunction([], (b) => b.return(b.constant("i32", 0)));

function codeOf(operations: Operation[]): CodeFunction {
  const block: CodeBlock = { id: 0, operations, exit: { op: "exit", hasValue: true, span: undefined }, frequency: 1, unlikely: false };
  return { source, blocks: [block], nextRegister: VIRTUAL };
}
const spilled = () => ({ size: 8, name: SPILLED });
const store = (slot: { size: number; name: string }): Operation =>
  ({ op: "store", bits: 64, address: { base: FRAME, offset: 0, slot }, from: 1, span: undefined });
const load = (slot: { size: number; name: string }): Operation =>
  ({ op: "load", bits: 64, address: { base: FRAME, offset: 0, slot }, to: 1, span: undefined });

test("spilled values share a place when one is over before the other begins", () => {
  const [a, b, c] = [spilled(), spilled(), spilled()];
  const frame = layOutFrame(codeOf([store(a), store(b), load(a), store(c), load(b), load(c)]));
  assert.equal(frame.offsetOf(a), frame.offsetOf(c));
  assert.notEqual(frame.offsetOf(a), frame.offsetOf(b));
});

test("places are multiples of eight, whatever a slot's size", () => {
  const [small, large] = [{ size: 3, name: "small" }, { size: 20, name: "large" }];
  const frame = layOutFrame(codeOf([store(small), store(large)]));
  assert.deepEqual([frame.offsetOf(small), frame.offsetOf(large)], [-8, -32]);
});

test("a frame of more than 512 bytes is refused, with the largest slots named", () => {
  const program = programOf(testFunction(["pointer"], (b, context) => {
    const slot = newSlot(b.fn, 520, "message");
    const helper = { helper: "bpf_skb_load_bytes", id: 26, movesPacket: false };
    b.callHelper("i64", helper, [context, b.constant("i32", 0), b.stackAddress(slot), b.constant("i32", 520)], { writes: [slot] });
    b.return(b.constant("i32", 0));
  }));
  assert.throws(() => generate(program), /needs 520 bytes of stack, and eBPF has 512; the largest are message \(520 bytes\)/);
});
