import assert from "node:assert/strict";
import { test } from "node:test";
import { newSlot } from "../ir-builder.js";
import { programOf, testFunction } from "../_test-function.js";
import type { CodeBlock, CodeFunction, FrameSlot, Operation } from "./code.js";
import { FRAME, R1, VIRTUAL } from "./code.js";
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
  const frame = layOutFrame(codeOf([store(small), store(large), load(small), load(large)]));
  assert.deepEqual([frame.offsetOf(large), frame.offsetOf(small)], [-24, -32]);
});

const address = (slot: FrameSlot, to: number): Operation => ({ op: "slotAddress", to, slot, offset: 0, span: undefined });
const call = (argumentCount: number): Operation => ({ op: "call", callee: { helper: 1, name: "helper" }, argumentCount, span: undefined });

test("what is lent to one call shares its place with what is needed before or after it, not with what is needed beside it", () => {
  const [key, before, across, after] = [{ size: 4, name: "key" }, spilled(), spilled(), spilled()];
  const frame = layOutFrame(codeOf([
    store(before), store(across), load(before), store(key), address(key, R1), call(1), store(after), load(across), load(after),
  ]));
  assert.equal(frame.offsetOf(key), frame.offsetOf(before));
  assert.equal(frame.offsetOf(key), frame.offsetOf(after));
  assert.notEqual(frame.offsetOf(key), frame.offsetOf(across));
});

test("what a call wrote keeps its place until it is read", () => {
  const [result, other] = [{ size: 8, name: "result" }, spilled()];
  const frame = layOutFrame(codeOf([address(result, R1), call(1), store(other), load(other), load(result)]));
  assert.notEqual(frame.offsetOf(result), frame.offsetOf(other));
});

test("what is lent to the same call has places of its own", () => {
  const [key, value] = [{ size: 8, name: "key" }, { size: 8, name: "value" }];
  const frame = layOutFrame(codeOf([store(key), store(value), address(key, R1), address(value, R1 + 1), call(2)]));
  assert.notEqual(frame.offsetOf(key), frame.offsetOf(value));
});

test("what a loop's next round reads keeps its place over the end of this one", () => {
  const [kept, other] = [{ size: 8, name: "kept" }, spilled()];
  const code = codeOf([load(kept), store(kept), store(other), load(other)]);
  const [body] = code.blocks as [CodeBlock];
  body.exit = { op: "jump", target: body, span: undefined };
  assert.notEqual(layOutFrame(code).offsetOf(kept), layOutFrame(code).offsetOf(other));
});

test("a slot whose address is kept, or computed with, shares its place with nobody", () => {
  for (const keeps of [[address({ size: 8, name: "" }, 6)], [address({ size: 8, name: "" }, R1), { op: "move", width: 64, to: 6, from: R1, span: undefined } as const]]) {
    const [{ slot }] = keeps as [Operation & { op: "slotAddress" }];
    const other = spilled();
    const frame = layOutFrame(codeOf([...keeps, store(other), load(other)]));
    assert.notEqual(frame.offsetOf(slot), frame.offsetOf(other));
  }
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
